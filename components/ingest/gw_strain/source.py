"""What the sources of strain have in common."""

WINDOWS_PER_BATCH = 256
