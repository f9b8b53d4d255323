"""What the folders of all models have in common when they are read."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

from safetensors import SafetensorError

from components.common.errors import ArmillaryError, InputError
from components.common.files import read_json

_BROKEN = (
    ArmillaryError, KeyError, TypeError, ValueError, OSError, RuntimeError, BadZipFile, SafetensorError,
)  # fmt: skip
"""What files that are damaged, missing, or of another version lead to, in json, safetensors, skops and torch."""


@contextmanager
def reading(folder: Path, kind: str) -> Iterator[dict[str, Any]]:
    """Yield what `model.json` says, and say it plainly where that, or what the block reads besides, is no model.

    Parameters
    ----------
    folder : Path
        What a training wrote.
    kind : str
        Kind of model that is wanted.

    Raises
    ------
    InputError
        When the folder is not a whole model of this kind.
    """
    try:
        stored: dict[str, Any] = read_json(folder / "model.json")
        if stored["kind"] != kind:
            raise ValueError(f"its kind is {stored['kind']!r}, not {kind!r}")
        yield stored
    except _BROKEN as error:
        raise InputError(
            f"{folder} is not a model of this software: {_why(error)}.",
            "Give the model folder that a training wrote.",
        ) from error


def _why(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"{error} is missing"
    return (error.problem if isinstance(error, ArmillaryError) else str(error)).rstrip(".")
