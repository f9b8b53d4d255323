"""Arrays in tables are plain bytes that know their shape, and come back as they went in."""

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from components.common.errors import InputError
from components.common.provenance import Provenance
from components.common.tables import column, read_table, tensor_column, write_table

ORIGIN = Provenance("simulated", "a test")
FIELDS = (
    column("id", "string", "identifier"),
    tensor_column("image", (3, 4), "float pixels", "nanomaggies"),
    tensor_column("mask", (2,), "integer pixels", dtype="int64"),
)


def _columns(rows: int) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(5)
    return {
        "id": np.array([f"row {k}" for k in range(rows)], dtype=object),
        "image": generator.normal(size=(rows, 3, 4)).astype(np.float32),
        "mask": generator.integers(-9, 9, size=(rows, 2)),
    }


@pytest.mark.parametrize("rows", [0, 1, 700])
def test_tensors_return_bit_for_bit(tmp_path: Path, rows: int) -> None:
    columns = _columns(rows)
    write_table(tmp_path / "t.parquet", FIELDS, columns, ORIGIN)
    back = read_table(tmp_path / "t.parquet")
    for name in columns:
        assert back[name].shape == columns[name].shape
        assert np.array_equal(back[name], columns[name])
    assert back["image"].dtype == np.float32
    assert back["mask"].dtype == np.int64


def test_big_endian_and_strided_arrays_are_written_by_value(tmp_path: Path) -> None:
    columns = _columns(6)
    odd = np.repeat(columns["image"], 2, axis=0).astype(">f4")[::2]
    write_table(tmp_path / "t.parquet", FIELDS, {**columns, "image": odd}, ORIGIN)
    assert np.array_equal(read_table(tmp_path / "t.parquet")["image"], columns["image"])


def test_wrong_shape_is_refused(tmp_path: Path) -> None:
    columns = _columns(4)
    with pytest.raises(InputError, match="image"):
        write_table(tmp_path / "t.parquet", FIELDS, {**columns, "image": columns["image"][:, :2]}, ORIGIN)
    assert list(tmp_path.iterdir()) == []


def test_another_reader_finds_shape_unit_and_values(tmp_path: Path) -> None:
    """What the module's docstring promises to a reader who has only pyarrow."""
    columns = _columns(3)
    write_table(tmp_path / "t.parquet", FIELDS, columns, ORIGIN)
    table = pq.read_table(tmp_path / "t.parquet")
    metadata = table.field("image").metadata
    assert metadata[b"unit"] == b"nanomaggies"
    cell = np.frombuffer(table["image"][1].as_py(), metadata[b"dtype"].decode())
    assert np.array_equal(cell.reshape(json.loads(metadata[b"shape"])), columns["image"][1])
