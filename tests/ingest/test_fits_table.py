from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from components.ingest.sdss_spectra.fits_table import UnusableFileError, binary_tables

_FORMATS = {
    "L": np.bool_, "B": np.uint8, "I": np.int16, "J": np.int32, "K": np.int64, "E": np.float32, "D": np.float64,
}  # fmt: skip


@st.composite
def _columns(draw: st.DrawFn) -> list[fits.Column]:
    rows = draw(st.integers(0, 5))
    kinds = draw(st.lists(st.sampled_from([*_FORMATS, "A", "U"]), min_size=1, max_size=8))
    columns = []
    for i, kind in enumerate(kinds):
        if kind == "A":
            width = draw(st.integers(1, 12))
            text = st.text("abc XYZ-19", max_size=width)
            values: Any = np.array(draw(st.lists(text, min_size=rows, max_size=rows)), dtype=f"S{width}")
            columns.append(fits.Column(f"c{i}", f"{width}A", array=values))
        elif kind == "U":  # stored as int16 with TZERO 32768
            values = draw(hnp.arrays(np.uint16, rows))
            columns.append(fits.Column(f"c{i}", "I", array=values, bzero=32768))
        else:
            repeat = draw(st.integers(1, 4))
            values = draw(hnp.arrays(_FORMATS[kind], (rows, repeat) if repeat > 1 else rows))
            columns.append(fits.Column(f"c{i}", f"{repeat}{kind}", array=values))
    return columns


@settings(max_examples=60, deadline=None, derandomize=True)  # deadline: the first example imports half of astropy
@given(columns=_columns(), image=st.booleans(), name=st.sampled_from(["", "COADD"]))
def test_reads_what_astropy_wrote(
    tmp_path_factory: pytest.TempPathFactory, columns: list[fits.Column], image: bool, name: str
) -> None:
    path = tmp_path_factory.mktemp("fits") / "table.fits"
    table = fits.BinTableHDU.from_columns(columns)
    if name:
        table.name = name
    images = [fits.ImageHDU(np.arange(30.0).reshape(5, 6))] if image else []
    fits.HDUList([fits.PrimaryHDU(), *images, table]).writeto(path)
    with path.open("rb") as file, fits.open(path, uint=True) as expected:
        (read,) = list(binary_tables(path, file))
        assert read.name == name
        values = read.read([c.name for c in columns])
        for column in columns:
            theirs = np.asarray(expected[-1].data[column.name])
            ours = values[column.name]
            assert ours.dtype.isnative
            if ours.dtype.kind == "S":
                # Trailing blanks mean nothing in FITS; astropy keeps one in a cell that is all blank.
                assert [v.decode() for v in ours] == [str(v).rstrip() for v in theirs]
            else:
                np.testing.assert_array_equal(ours, theirs.astype(ours.dtype))


def test_reads_a_range_of_rows(tmp_path: Path) -> None:
    path = tmp_path / "rows.fits"
    fits.BinTableHDU.from_columns(
        [fits.Column("A", "J", array=np.arange(100)), fits.Column("B", "D", array=np.arange(100) / 7)]
    ).writeto(path)
    with path.open("rb") as file:
        (table,) = binary_tables(path, file)
        np.testing.assert_array_equal(table.read(["b"], 90, 200)["b"], np.arange(90, 100) / 7)


@pytest.mark.parametrize("cut", [1, 2879, 2880, 5760, 8640])
def test_names_a_truncated_file(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "cut.fits"
    fits.BinTableHDU.from_columns([fits.Column("A", "J", array=np.arange(3000))]).writeto(path)
    path.write_bytes(path.read_bytes()[:-cut])
    with path.open("rb") as file, pytest.raises(UnusableFileError, match=r"cut\.fits") as raised:
        list(binary_tables(path, file))
    assert raised.value.reason == "truncated"


@pytest.mark.parametrize(
    ("content", "reason", "said"),
    [
        (b"", "empty file", "empty"),
        (b"<!DOCTYPE html><html></html>", "not FITS", "web page"),
        (b"\x1f\x8b\x08 and so on", "not FITS", "gunzip"),
        (b"BZh91AY&SY and so on", "not FITS", "bunzip2"),
        (b"plate,mjd\n3655,55240\n" * 200, "not FITS", "not a FITS file"),
        (b"SIMPLE  =                    T".ljust(2880), "truncated", "ends before"),
        (b"SIMPLE  =                    T".ljust(80) + b"END".ljust(2800), "damaged", "NAXIS"),
        (
            b"".join(
                card.ljust(80)
                for card in (b"SIMPLE  = T", b"BITPIX  = 8", b"NAXIS   = 1", b"NAXIS1  = -2880", b"END")
            ).ljust(2880),
            "damaged",
            "negative",
        ),
    ],
)
def test_names_what_is_no_fits_file(tmp_path: Path, content: bytes, reason: str, said: str) -> None:
    path = tmp_path / "wrong.fits"
    path.write_bytes(content)
    with path.open("rb") as file, pytest.raises(UnusableFileError, match=said) as raised:
        list(binary_tables(path, file))
    assert raised.value.reason == reason


def test_refuses_a_format_it_does_not_know(tmp_path: Path) -> None:
    path = tmp_path / "variable.fits"
    values = np.array([np.arange(2), np.arange(3)], dtype=object)
    fits.BinTableHDU.from_columns([fits.Column("V", "PJ()", array=values)]).writeto(path)
    with path.open("rb") as file:
        (table,) = binary_tables(path, file)
        with pytest.raises(UnusableFileError, match="format P"):
            table.read(["V"])
