"""A short name for the state of some files, so that a cache notices when they change."""

import hashlib
from collections.abc import Sequence
from pathlib import Path


def fingerprint(path: Path) -> str:
    """Hash names, sizes and modification times of a file, or of all files under a folder; 16 hexadecimal digits.

    Contents are not read: a catalogue and its spectra can be many gigabytes, and every way of changing a file that
    one meets in practice also changes its size or its time.
    """
    files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
    digest = hashlib.sha256()
    for file in files:
        state = file.stat()
        name = file.relative_to(path) if file != path else Path(file.name)
        digest.update(f"{name.as_posix()}\0{state.st_size}\0{state.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:16]


def combined(fingerprints: Sequence[str]) -> str:
    """Return one fingerprint for several; that of one is its own."""
    if len(fingerprints) == 1:
        return fingerprints[0]
    return hashlib.sha256("\n".join(fingerprints).encode()).hexdigest()[:16]
