"""`armillary list`: the exercises."""

from pipelines.catalogue import EXERCISES
from pipelines.terminal import open_console, print_table


def list_exercises() -> int:
    """Print the catalogue; return the exit code."""
    rows = [[exercise.slug, exercise.title, exercise.summary] for exercise in EXERCISES]
    print_table(open_console(), ["exercise", "title", "what it does"], rows)
    return 0
