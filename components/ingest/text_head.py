"""The head of a table as text: where its columns are named, and what parts them."""

import gzip
import re
from pathlib import Path
from typing import Any

from components.common.errors import InputError

NULLS = ["", "null", "NULL", "nan", "NaN", "NA", "N/A", "--", "None"]
"""What archives write into a cell for what they do not know."""

_GZIP = b"\x1f\x8b"
_DELIMITERS = ",;\t|"
_SAID = re.compile(r"#\s*delimiter:\s*'(.)'")


def read_head(path: Path) -> tuple[str, int, str]:
    """Return the line of names, the number of lines up to its end, and what parts the columns.

    Raises
    ------
    InputError
        When it is a web page, or is packed where its name says that it is not, or the other way round.
    """
    _require_packed_as_named(path)
    said = " " if path.name.lower().removesuffix(".gz").endswith(".ecsv") else ""
    with _opened(path) as file:
        for number, line in enumerate(file, start=1):
            if match := _SAID.match(line):
                said = match[1]
            if line.startswith("#") or not line.strip():
                continue
            if line.lstrip().startswith("<"):
                raise InputError(
                    f"{path} is a web page, not a table.",
                    "The archive answered with an error page: download the file again later.",
                )
            return line, number, said or max(_DELIMITERS, key=line.count)
    return "", 0, said or ","


def _require_packed_as_named(path: Path) -> None:
    """Browsers unpack what they fetch, or do not, and leave the name as it was."""
    with path.open("rb") as file:
        packed = file.read(len(_GZIP)) == _GZIP
    if packed != path.name.lower().endswith(".gz"):
        raise InputError(
            f"{path} is {'packed with gzip' if packed else 'not packed with gzip'}, which its name does not say.",
            f"Rename it to {path.name + '.gz' if packed else path.stem}.",
        )


def _opened(path: Path) -> Any:
    """Open for its head: a comment in another encoding spoils nothing."""
    options: dict[str, Any] = {"mode": "rt", "encoding": "utf-8-sig", "errors": "replace"}
    return gzip.open(path, **options) if path.name.lower().endswith(".gz") else path.open(**options)
