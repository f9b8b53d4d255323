"""A name for the code, the hash of all that goes into the images: their tag, and part of records and metrics."""

import hashlib
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path

CONTENTS_VARIABLE = "ARMILLARY_CONTENTS"
"""Set in the images, which hold the components without the files that they were built by."""

_ROOT = Path(__file__).resolve().parents[2]
_BUILD_FILES = ("constraints.txt", "pyproject.toml", "LICENSE")
_PROSE = "README.md"


@cache
def content_hash() -> str:
    """Hash `components/`, the locked versions and what builds the images; 16 hexadecimal digits.

    In a container, where only the components are, it is what the image was built from.
    """
    baked_in = "" if _is_checkout(_ROOT) else os.environ.get(CONTENTS_VARIABLE, "")
    return baked_in or hash_contents(_ROOT)


def hash_contents(root: Path) -> str:
    """Hash what of a checkout goes into the images; of an installed package, the components alone."""
    digest = hashlib.sha256()
    for path in _files(root):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


def _is_checkout(root: Path) -> bool:
    return all((root / name).is_file() for name in _BUILD_FILES)


def _files(root: Path) -> Iterator[Path]:
    folders = [root / "components"]
    if _is_checkout(root):
        yield from (root / name for name in _BUILD_FILES)
        folders.append(root / "images")
    for folder in folders:
        files = (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
        yield from sorted(path for path in files if path != root / "images" / _PROSE)
