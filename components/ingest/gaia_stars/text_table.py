"""Tables as text: CSV with whatever between its columns, and ECSV."""

import csv
import gzip
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv

from components.common.errors import InputError

_BLOCK = 1 << 26
_GZIP = b"\x1f\x8b"
_DELIMITERS = ",;\t|"
_NULLS = ["", "null", "NULL", "nan", "NaN", "NA", "N/A", "--", "None"]
_SAID = re.compile(r"#\s*delimiter:\s*'(.)'")


class TextTable:
    """A table whose first line that is no comment names its columns.

    Parameters
    ----------
    path : Path
        Plain or .gz. Astropy writes ECSV with blanks between its columns, Gaia's archive with commas: either says.

    Attributes
    ----------
    names : tuple of str
        Of its columns, without blanks around them; of two alike the second has a number behind.
    """

    def __init__(self, path: Path):
        self._path = path
        head, self._lines, self._delimiter = read_head(path)
        row = next(csv.reader([head], delimiter=self._delimiter, skipinitialspace=True), [])
        self.names = _each_once([name.strip() for name in row])

    def read(self, wanted: Sequence[str]) -> pa.Table:
        """Read columns."""
        options = pyarrow.csv.ConvertOptions(
            include_columns=list(wanted), null_values=_NULLS, strings_can_be_null=False
        )
        # Types are guessed from the first block: a small one may have whole numbers alone where decimals follow.
        reading = pyarrow.csv.ReadOptions(skip_rows=self._lines, column_names=list(self.names), block_size=_BLOCK)
        parsing = pyarrow.csv.ParseOptions(delimiter=self._delimiter)
        try:
            return pyarrow.csv.read_csv(self._path, reading, parsing, options)
        except pa.ArrowInvalid as error:
            if "Empty CSV" not in str(error) or not self.names:
                raise
            return pa.table({name: pa.array([], pa.float64()) for name in wanted})


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


def _each_once(names: Sequence[str]) -> tuple[str, ...]:
    found: list[str] = []
    for name in names:
        found.append(name if name not in found else f"{name}#{len(found)}")
    return tuple(found)
