"""A small, strict reader of FITS binary tables.

astropy builds an object for every card and column of a file, although a spectrum needs four columns of one table
and ten of another that has 236. Reading only what is asked for, and nothing behind it, is several times faster
over a million files, and reads the rows of a catalogue in blocks. fitsio would do, but is GPL. What this reader
does not know (variable-length arrays, bits, complex numbers) it refuses to read, never guesses.

Format: FITS standard 4.0 (Pence et al. 2010, A&A 524, A42, and later revisions), sections 3.1, 4.4 and 7.3.
"""

import gzip
import io
import math
import re
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from components.common.errors import InputError

_BLOCK = 2880
_CARD = 80
_GZIP = b"\x1f\x8b"
_END = b"END".ljust(_CARD)
_MOST_HEADER_BLOCKS = 1000  # a table of 999 columns, the most there can be, has some 150

_NUMPY_TYPE = {"L": "S1", "B": "u1", "I": ">i2", "J": ">i4", "K": ">i8", "E": ">f4", "D": ">f8", "A": "S"}
_BITS = {
    "L": 8,
    "X": 1,
    "B": 8,
    "I": 16,
    "J": 32,
    "K": 64,
    "A": 8,
    "E": 32,
    "D": 64,
    "C": 64,
    "M": 128,
    "P": 64,
    "Q": 128,
}

Header = dict[str, str]


class UnusableFileError(InputError):
    """A file that cannot be used, with the reason in a word or two for the list of rejected objects."""

    def __init__(self, reason: str, problem: str, remedy: str):
        super().__init__(problem, remedy)
        self.reason = reason


@dataclass(frozen=True)
class FitsTable:
    """A binary table of an open file.

    Attributes
    ----------
    path : Path
        The file, for messages.
    file : binary file
        Opened for reading; must stay open while the table is read.
    name : str
        EXTNAME in upper case; empty where the table has none.
    offset : int
        Where its rows begin in the file, in bytes.
    rows, row_bytes : int
        Number and width of its rows.
    columns : dict of str to Column
        By name in upper case, since surveys changed their spelling over the years.
    """

    path: Path
    file: BinaryIO
    name: str
    offset: int
    rows: int
    row_bytes: int
    columns: dict[str, "Column"]

    def read(self, names: Sequence[str], start: int = 0, stop: int | None = None) -> dict[str, npt.NDArray[Any]]:
        """Read some columns of a range of rows.

        Returns
        -------
        dict of str to ndarray
            Native byte order; shape (rows,), or (rows, repeat) for vectors. Text is `bytes` without trailing
            blanks, logical columns are bool.
        """
        stop = self.rows if stop is None else min(stop, self.rows)
        wanted = [self._column(name) for name in names]
        dtype = np.dtype(
            {
                "names": list(names),
                "formats": [column.dtype for column in wanted],
                "offsets": [column.offset for column in wanted],
                "itemsize": self.row_bytes,
            }
        )
        self.file.seek(self.offset + start * self.row_bytes)
        content = self.file.read((stop - start) * self.row_bytes)
        if len(content) < (stop - start) * self.row_bytes:
            raise _truncated(self.path)
        rows = np.frombuffer(content, dtype=dtype)
        return {name: column.decode(rows[name]) for name, column in zip(names, wanted, strict=True)}

    def _column(self, name: str) -> "Column":
        column = self.columns.get(name.upper())
        if column is None or column.kind not in _NUMPY_TYPE:
            what = "has no column" if column is None else f"holds format {column.kind}, which is not read, in"
            raise UnusableFileError(
                "missing column",
                f"The table {self.name or 'without a name'} in {self.path} {what} {name}.",
                "Give a file of the layout that the SDSS data model describes.",
            )
        return column


@dataclass(frozen=True)
class Column:
    """Where a column lies in a row, and how it is stored."""

    offset: int
    kind: str
    repeat: int
    scale: str = ""
    zero: str = ""

    @property
    def dtype(self) -> np.dtype[Any]:
        """The stored type, big-endian."""
        if self.kind == "A":
            return np.dtype(f"S{self.repeat}")
        return np.dtype((_NUMPY_TYPE[self.kind], (self.repeat,) if self.repeat != 1 else ()))

    def decode(self, stored: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Bring stored values into native byte order, and apply TSCAL and TZERO where the table has them."""
        if self.kind == "A":
            return np.char.rstrip(stored) if self.repeat else stored
        if self.kind == "L":
            return np.asarray(stored == b"T")
        native = stored.astype(stored.dtype.newbyteorder("="))
        if not self.scale and not self.zero:
            return native
        if not self.scale and native.dtype.kind in "iu" and float(self.zero).is_integer():
            return native.astype(np.int64) + int(float(self.zero))  # the FITS way to store unsigned integers
        return np.asarray(native * float(self.scale or 1) + float(self.zero or 0))


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """Open a file of a few megabytes at most, such as a spectrum, unpacking it where it is compressed by gzip.

    Raises
    ------
    UnusableFileError
        When what is compressed is cut off or damaged.
    """
    with path.open("rb") as file:
        packed = file.read(len(_GZIP)) == _GZIP
        file.seek(0)
        if not packed:
            yield file
            return
        try:
            content = gzip.decompress(file.read())
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise _truncated(path) from error
    yield io.BytesIO(content)


def binary_tables(path: Path, file: BinaryIO) -> Iterator[FitsTable]:
    """Walk the binary tables of a FITS file in order, reading headers only as far as the caller goes.

    Raises
    ------
    UnusableFileError
        When the file is not FITS, or ends before it should.
    """
    _require_fits(path, file)
    size = file.seek(0, 2)
    if size % _BLOCK:  # a FITS file is a whole number of blocks, so this one was cut
        raise _truncated(path)
    position = 0
    while position < size:
        file.seek(position)
        header = _read_header(path, file)
        start = file.tell()
        try:
            data_bytes = _data_bytes(header)
            table = _table(path, file, header, start) if _is_table(header) else None
        except (KeyError, ValueError) as error:
            raise _damaged(path, f"a header that cannot be read ({error})") from error
        if start + data_bytes > size:
            raise _truncated(path)
        if table is not None:
            yield table
        position = start + -(-data_bytes // _BLOCK) * _BLOCK


def _is_table(header: Header) -> bool:
    return _text(header.get("XTENSION", "")) == "BINTABLE"


def _table(path: Path, file: BinaryIO, header: Header, start: int) -> FitsTable:
    columns, width = _columns(header)
    row_bytes = _integer(header["NAXIS1"])
    if width != row_bytes:
        raise _damaged(path, f"a table whose columns fill {width} bytes of rows of {row_bytes}")
    return FitsTable(
        path=path,
        file=file,
        name=_text(header.get("EXTNAME", "")).upper(),
        offset=start,
        rows=_integer(header["NAXIS2"]),
        row_bytes=row_bytes,
        columns=columns,
    )


def _require_fits(path: Path, file: BinaryIO) -> None:
    first = file.read(_CARD)
    if first.startswith(b"SIMPLE  ="):
        return
    if not first:
        raise UnusableFileError("empty file", f"{path} is empty.", "Download it again.")
    if first.lstrip()[:1] == b"<":
        raise UnusableFileError(
            "not FITS",
            f"{path} is a web page, not a FITS file.",
            "The archive answered with an error page: download the file again later.",
        )
    for magic, command in ((_GZIP, "gunzip"), (b"BZh", "bunzip2"), (b"PK", "unzip")):
        if first.startswith(magic):
            raise UnusableFileError("not FITS", f"{path} is compressed.", f"Run `{command} {path.name}` first.")
    raise UnusableFileError("not FITS", f"{path} is not a FITS file.", "Give a FITS file.")


def _truncated(path: Path) -> UnusableFileError:
    return UnusableFileError(
        "truncated", f"{path} ends before its data do.", "It was cut while downloading or copying: get it again."
    )


def _damaged(path: Path, what: str) -> UnusableFileError:
    return UnusableFileError("damaged", f"{path} holds {what}.", "The file is damaged: get it again.")


def _read_header(path: Path, file: BinaryIO) -> Header:
    blocks = []
    for _ in range(_MOST_HEADER_BLOCKS):
        block = file.read(_BLOCK)
        if len(block) < _BLOCK:
            raise _truncated(path)
        blocks.append(block)
        end = block.find(_END)
        if end >= 0 and end % _CARD == 0:
            text = b"".join(blocks)[: end - _BLOCK].decode("latin-1")
            cards = (text[i : i + _CARD] for i in range(0, len(text), _CARD))
            return {card[:8].rstrip(): card[10:] for card in cards if card[8:10] == "= "}
    raise _damaged(path, "a header without an end")


def _data_bytes(header: Header) -> int:
    axes = [_integer(header[f"NAXIS{i + 1}"]) for i in range(_integer(header["NAXIS"]))]
    if not axes:
        return 0
    elements = _integer(header.get("PCOUNT", "0")) + math.prod(axes)
    if elements < 0 or min(axes) < 0:
        raise ValueError("a negative size")
    return abs(_integer(header["BITPIX"])) // 8 * _integer(header.get("GCOUNT", "1")) * elements


def _columns(header: Header) -> tuple[dict[str, Column], int]:
    columns: dict[str, Column] = {}
    offset = 0
    for i in range(1, _integer(header["TFIELDS"]) + 1):
        kind, repeat = _format(_text(header[f"TFORM{i}"]))
        name = _text(header.get(f"TTYPE{i}", "")).upper()
        scale, zero = (_number(header.get(f"{key}{i}", "")) for key in ("TSCAL", "TZERO"))
        columns.setdefault(name, Column(offset, kind, repeat, scale, zero))
        offset += -(-repeat * _BITS[kind] // 8)
    return columns, offset


@lru_cache(maxsize=1024)
def _format(text: str) -> tuple[str, int]:
    match = re.match(r"(\d*)([LXBIJKAEDCMPQ])", text)
    if match is None:
        raise ValueError(f"TFORM {text!r}")
    return match[2], int(match[1] or 1)


def _text(value: str) -> str:
    parts = value.split("'", 2)
    return parts[1].rstrip() if len(parts) > 1 else ""


def _integer(value: str) -> int:
    return int(value.split("/", 1)[0])


def _number(value: str) -> str:
    return value.split("/", 1)[0].strip().replace("D", "E")  # FITS allows Fortran's exponents
