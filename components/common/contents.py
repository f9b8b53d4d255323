"""A name for the code: the hash of all that goes into the images."""

import hashlib
from functools import cache
from pathlib import Path

_COMPONENTS = Path(__file__).resolve().parents[1]
_LOCK = _COMPONENTS.parent / "constraints.txt"


@cache
def content_hash() -> str:
    """Hash everything under `components/` and the locked versions, 16 hexadecimal digits."""
    digest = hashlib.sha256()
    files = (p for p in _COMPONENTS.rglob("*") if p.is_file() and "__pycache__" not in p.parts)
    lock = [_LOCK] if _LOCK.is_file() else []  # an installed wheel has no lock beside it
    for path in [*sorted(files), *lock]:
        digest.update(path.relative_to(_COMPONENTS.parent).as_posix().encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]
