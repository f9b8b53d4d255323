"""Files and folders that appear under their name only when they are whole."""

import errno
import json
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from components.common.errors import ArmillaryError

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`, renamed to `path` when the block succeeds.

    A process that is killed, or a disk that fills up, leaves at most a `.part` file, which no reader takes
    for the real one. Works for a file and for a folder that the block creates.

    Raises
    ------
    ArmillaryError
        When the disk is full.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part, old = (path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.part") for _ in range(2))
    try:
        with disk_space(path):
            yield part
            if path.is_dir() and part.is_dir():
                path.replace(old)  # and deleted there: a process killed amid that would leave half of it here
            part.replace(path)
    finally:
        if old.is_dir() and not path.exists():
            old.replace(path)
        for left in (part, old):
            if left.is_dir():
                shutil.rmtree(left, ignore_errors=True)
            else:
                left.unlink(missing_ok=True)


@contextmanager
def disk_space(path: Path) -> Iterator[None]:
    """Say plainly that `path` could not be written because the disk, the quota or the size limit is full."""
    try:
        yield
    except OSError as error:
        if error.errno not in _FULL:
            raise
        raise ArmillaryError(
            f"The disk is full: {path} could not be written ({os.strerror(error.errno)}).",
            f"Free space on the disk that holds {path.parent} and run again.",
        ) from error


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented JSON, whole or not at all."""
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
    with whole(path) as part:
        part.write_text(text + "\n", encoding="utf-8")


def read_json(path: Path) -> Any:
    """Read a JSON file; a missing or broken one is an `ArmillaryError` that names it."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ArmillaryError(
            f"{path} cannot be read as JSON: {error}.", "Run the stage that writes it again."
        ) from error
