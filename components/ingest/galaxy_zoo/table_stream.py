"""Tables of galaxies on the disk, read in pieces: CSV, FITS and Parquet, plain or packed with gzip."""

import gzip
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from components.common.errors import InputError
from components.common.tables import Columns
from components.ingest.galaxy_zoo.derived import measured
from components.ingest.galaxy_zoo.names import find_columns, warn_of_missing_votes
from components.ingest.galaxy_zoo.schema import TEXT_COLUMNS
from components.ingest.text_head import NULLS, read_head

SUFFIXES = (".csv", ".parquet", ".fits", ".fit")
_REMEDY = "Give CSV, FITS or Parquet, plain or .gz; fetch the file again if it is cut off."
_BLOCK = 1 << 24
_LARGEST = int(np.iinfo(np.int64).max)
_MOST_DIGITS = len(str(_LARGEST))
_NO_NUMBER = re.compile(
    r"CSV column #(\d+): (?:Row #(\d+): )?CSV conversion error to double: invalid value ('.*')"
)


class TableStream:
    """A table on the disk.

    Parameters
    ----------
    path : Path
        Its name says its format.
    needed : tuple of str
        Columns that it must have.

    Raises
    ------
    InputError
        When it cannot be read, or lacks a needed column.
    """

    def __init__(self, path: Path, needed: tuple[str, ...] = ("dr7objid", "gz2_class")):
        self.path = path
        plain = path.name.lower().removesuffix(".gz")
        self._kind = Path(plain).suffix
        if self._kind not in SUFFIXES:
            raise InputError(f"{path} is of no known format.", _REMEDY)
        with self._told(), self._readable() as file:
            _refuse_page(file, path)
            self._names = self._read_names(file)
        self.columns = find_columns(self._names, f"{path}", needed)
        warn_of_missing_votes(self.columns, f"{path}")

    def count(self) -> int:
        """Count the rows, without keeping them."""
        with self._told(), self._readable() as file:
            if self._kind == ".parquet":
                rows: int = pq.read_metadata(file).num_rows
                return rows
            if self._kind == ".csv":
                first = [next(iter(self.columns.values()))]
                return sum(batch.num_rows for batch in self._csv(file, first))
            from astropy.io import fits

            with fits.open(file) as hdus:
                return len(_table_of(hdus, self.path).data)

    def batches(self, rows: int) -> Iterator[Columns]:
        """Yield the table in pieces of `rows` rows: identifiers as int64, -1 where there is none; NaN for null."""
        with self._told(), self._readable() as file, ExitStack() as stack:
            if self._kind in (".fits", ".fit"):
                from astropy.io import fits

                hdus = stack.enter_context(fits.open(file, memmap=True))
                yield from self._from_fits(_table_of(hdus, self.path).data, rows)
                return
            wanted = list(dict.fromkeys(self.columns.values()))
            if self._kind == ".parquet":
                opened = stack.enter_context(pq.ParquetFile(file))
                pieces: Iterator[pa.RecordBatch] = opened.iter_batches(rows, columns=wanted)
            else:
                pieces = self._csv(file, wanted)
            yield from (self._from_arrow(piece) for piece in _regrouped(pieces, rows))

    def _read_names(self, file: Path) -> list[str]:
        if self._kind == ".parquet":
            return list(pq.read_schema(file).names)
        if self._kind == ".csv":
            with pyarrow.csv.open_csv(file, *_csv_options(file)) as reader:
                return list(reader.schema.names)
        from astropy.io import fits

        with fits.open(file) as hdus:
            return list(_table_of(hdus, self.path).columns.names)

    def _csv(self, file: Path, wanted: list[str]) -> Iterator[pa.RecordBatch]:
        # Identifiers are read as text, because as floats they would lose digits; so is what looks like a number
        # in the first block and is none later.
        texts = {self.columns[name] for name in (*TEXT_COLUMNS, "dr7objid") if name in self.columns}
        types = {name: pa.string() if name in texts else pa.float64() for name in wanted}
        options = pyarrow.csv.ConvertOptions(column_types=types, include_columns=wanted, null_values=NULLS)
        try:
            with pyarrow.csv.open_csv(file, *_csv_options(file), options) as reader:
                yield from reader
        except pa.ArrowInvalid as error:
            if not (found := _NO_NUMBER.search(str(error))):
                raise
            column, line, value = found.groups()
            where = f"column {self._names[int(column)]}" + (f", line {line}" if line else "")
            raise InputError(
                f"{self.path} has {value} in its {where}: that is no number.",
                "Correct it, or leave the cell empty.",
            ) from error

    def _from_arrow(self, piece: pa.Table) -> Columns:
        out: Columns = {}
        for ours, theirs in self.columns.items():
            values = piece[theirs]
            if ours == "dr7objid":
                out[ours] = _identifiers(values.to_pylist())
            elif ours in TEXT_COLUMNS:
                out[ours] = np.array([("" if v is None else _text(v)) for v in values.to_pylist()], dtype=object)
            else:
                out[ours] = measured(values.cast(pa.float64()).to_numpy(), ours)
        return out

    def _from_fits(self, data: Any, rows: int) -> Iterator[Columns]:
        for start in range(0, len(data), rows):
            piece = data[start : start + rows]
            out: Columns = {}
            for ours, theirs in self.columns.items():
                values = np.asarray(piece[theirs])
                if ours == "dr7objid":
                    out[ours] = _identifiers(values.tolist())
                elif ours in TEXT_COLUMNS:
                    out[ours] = np.array([_text(value) for value in values.tolist()], dtype=object)
                else:
                    out[ours] = measured(values.astype(np.float64), ours)
            yield out

    @contextmanager
    def _readable(self) -> Iterator[Path]:
        """Yield a file that can be read at any place: CSV is unpacked on the way, the others before."""
        if self._kind == ".csv" or not self.path.name.lower().endswith(".gz"):
            yield self.path
            return
        with tempfile.TemporaryDirectory(prefix="armillary-") as scratch:
            plain = Path(scratch) / f"table{self._kind}"
            with gzip.open(self.path) as packed, plain.open("wb") as file:
                shutil.copyfileobj(packed, file)
            yield plain

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (OSError, EOFError, pa.ArrowException, ValueError, KeyError, TypeError) as error:
            raise InputError(f"{self.path} cannot be read as a table: {error}.", _REMEDY) from error


def _csv_options(file: Path) -> tuple[pyarrow.csv.ReadOptions, pyarrow.csv.ParseOptions]:
    """Pass over what stands before the line of names: SkyServer writes #Table1 there."""
    _, lines, delimiter = read_head(file)
    reading = pyarrow.csv.ReadOptions(block_size=_BLOCK, skip_rows=max(0, lines - 1))
    return reading, pyarrow.csv.ParseOptions(delimiter=delimiter)


def _refuse_page(file: Path, path: Path) -> None:
    with file.open("rb") as opened:
        if opened.read(256).lstrip()[:1] == b"<":
            raise InputError(
                f"{path} is a web page, not a table.", "Look into it: it may say why; fetch it again."
            )


def _table_of(hdus: Any, path: Path) -> Any:
    from astropy.io import fits

    table = next((hdu for hdu in hdus if isinstance(hdu, fits.BinTableHDU)), None)
    if table is None:
        raise InputError(f"{path} holds no table.", _REMEDY)
    return table


def _regrouped(pieces: Iterator[pa.RecordBatch], rows: int) -> Iterator[pa.Table]:
    """Cut a stream of rows into pieces of one size, the last excepted."""
    held: list[pa.Table] = []
    number = 0
    for piece in pieces:
        held.append(pa.Table.from_batches([piece]))
        number += piece.num_rows
        if number < rows:
            continue
        table = pa.concat_tables(held)
        for start in range(0, number - number % rows, rows):
            yield table.slice(start, rows)
        held, number = [table.slice(number - number % rows)], number % rows
    if number:
        yield pa.concat_tables(held)


def _identifiers(values: list[Any]) -> npt.NDArray[np.int64]:
    return np.array([_identifier(value) for value in values], dtype=np.int64)


def _identifier(value: Any) -> int:
    """Return an identifier as an integer, -1 for none; a float has lost digits of those of SDSS, and is none.

    Those of Stripe 82's stacked images have 19 digits, and are below the largest of 64 bits nevertheless.
    """
    text = _text(value) if value is not None else ""
    number = int(text) if text.isdecimal() and len(text) <= _MOST_DIGITS else -1
    return number if number <= _LARGEST else -1


def _text(value: Any) -> str:
    return (value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)).strip()
