"""Read the wanted columns of a table, whatever its format."""

import gzip
import io
import shutil
import tempfile
import warnings
import zlib
from collections.abc import Iterable, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from components.common.errors import InputError
from components.ingest.gaia_stars.text_table import TextTable

SUFFIXES = (".csv", ".tsv", ".ecsv", ".parquet", ".fits", ".fit", ".vot", ".votable", ".xml")
_REMEDY = "Give VOTable (.vot, .votable, .xml), FITS, CSV (also TSV, ECSV) or Parquet, plain or .gz."


class TableFile:
    """A table on the disk.

    Parameters
    ----------
    path : Path
        Its name says its format.

    Raises
    ------
    InputError
        When it cannot be read.
    """

    def __init__(self, path: Path):
        self._path = path
        plain = path.name.lower().removesuffix(".gz")
        self._kind = Path(plain).suffix
        if self._kind not in SUFFIXES:
            raise InputError(f"{path} is of no known format.", _REMEDY)
        self._text: TextTable | None = None
        self._votable: Any = None
        with self._told():
            self.names = tuple(self._read_names())

    def read(self, columns: Iterable[str]) -> dict[str, npt.NDArray[Any]]:
        """Read columns: integers stay integers where no value is missing, else NaN stands for null."""
        wanted = list(dict.fromkeys(columns))
        with self._told():
            if self._kind in (".fits", ".fit"):
                return {name: from_astropy(values) for name, values in self._fits(wanted).items()}
            if self._votable is not None:
                return {name: from_astropy(self._votable[name]) for name in wanted}
            table = self._arrow(wanted)
            return {name: _from_arrow(table[name]) for name in wanted}

    def _read_names(self) -> Sequence[str]:
        if self._kind == ".parquet":
            with self._plain_file() as path, pq.ParquetFile(path) as file:
                return list(file.schema_arrow.names)
        if self._kind in (".csv", ".tsv", ".ecsv"):
            self._text = TextTable(self._path)
            return self._text.names
        if self._kind in (".fits", ".fit"):
            return list(self._fits(None))
        self._votable = _read_votable(self._path)
        return list(self._votable.colnames)

    def _arrow(self, wanted: list[str]) -> pa.Table:
        if self._text is not None:
            return self._text.read(wanted)
        with self._plain_file() as path:
            return pq.read_table(path, columns=wanted)

    def _fits(self, wanted: list[str] | None) -> dict[str, Any]:
        from astropy.io import fits

        with warnings.catch_warnings():
            warnings.filterwarnings("error", message=".*truncated.*")
            with self._unpacked() as content, fits.open(content, memmap=content is self._path) as file:
                hdu = next((h for h in file if isinstance(h, fits.BinTableHDU)), None)
                if hdu is None:
                    raise InputError(f"{self._path} holds no table.", _REMEDY)
                names = wanted if wanted is not None else hdu.columns.names
                nulls = {c.name: c.null for c in hdu.columns}
                return {name: _without_null(np.array(hdu.data[name]), nulls.get(name)) for name in names}

    @contextmanager
    def _unpacked(self) -> Any:
        """Unpack all of it: astropy takes a compressed file that was cut off for one without tables."""
        if self._path.name.lower().endswith(".gz"):
            with gzip.open(self._path) as packed:
                yield io.BytesIO(packed.read())
        else:
            yield self._path

    @contextmanager
    def _plain_file(self) -> Any:
        if not self._path.name.lower().endswith(".gz"):
            yield self._path
            return
        with tempfile.TemporaryDirectory(prefix="armillary-") as scratch:
            plain = Path(scratch) / "table.parquet"
            with gzip.open(self._path) as packed, plain.open("wb") as file:
                shutil.copyfileobj(packed, file)
            yield plain

    @contextmanager
    def _told(self) -> Any:
        try:
            yield
        except (OSError, ValueError, EOFError, KeyError, IndexError, TypeError, zlib.error, UserWarning) as error:
            why = str(error).strip().rstrip(".")
            raise InputError(
                f"{self._path} cannot be read as a table: {why}.", f"Get it again if it was cut off. {_REMEDY}"
            ) from error


def _read_votable(path: Path) -> Any:
    """Read all columns: asked for some in another order, astropy 8.0 takes one for the other in binary tables."""
    from astropy.io.votable import parse_single_table

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # archives write small errors against the standard
        return parse_single_table(path, verify="ignore").to_table(use_names_over_ids=True)


def _from_arrow(values: pa.ChunkedArray) -> npt.NDArray[Any]:
    if pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
        return np.asarray(values.fill_null("").to_numpy(), dtype=object)
    if values.null_count and pa.types.is_integer(values.type) and values.type.bit_width == 64:
        return np.asarray(values.fill_null(-1).to_numpy())  # as a float it would lose digits
    return np.asarray(values.to_numpy())


def _without_null(values: npt.NDArray[Any], null: Any) -> Any:
    return values if null is None else np.ma.masked_equal(values, null)


def from_astropy(values: Any) -> npt.NDArray[Any]:
    """Return a column of astropy or numpy with NaN, -1 (64-bit integers) or "" for what is masked."""
    mask = np.ma.getmaskarray(np.ma.asarray(values))
    plain = np.asarray(np.ma.getdata(np.ma.asarray(values)))
    if plain.dtype.kind in "SUO":
        text = [v.decode() if isinstance(v, bytes) else str(v) for v in plain]
        return np.where(mask, "", np.array(text, dtype=object)).astype(object)
    native = plain.astype(plain.dtype.newbyteorder("="), copy=False)
    if not mask.any():
        return native
    if native.dtype.kind in "iu" and native.dtype.itemsize == 8:
        return np.where(mask, -1, native)
    return np.where(mask, np.nan, native)
