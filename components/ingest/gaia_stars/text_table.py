"""Tables as text: CSV with whatever between its columns, and ECSV."""

import csv
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.csv

from components.ingest.text_head import NULLS, read_head

_BLOCK = 1 << 26


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
            include_columns=list(wanted), null_values=NULLS, strings_can_be_null=False
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


def _each_once(names: Sequence[str]) -> tuple[str, ...]:
    found: list[str] = []
    for name in names:
        found.append(name if name not in found else f"{name}#{len(found)}")
    return tuple(found)
