"""Every training row once in an epoch, in an order that can be had again, from memory or streamed."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from components.common import minibatches
from components.common.errors import InputError, ParameterError
from components.common.minibatches import Minibatches
from components.common.provenance import Provenance
from components.common.tables import Columns, TableWriter, column, tensor_column

FIELDS = (column("number", "int64", "row"), column("split", "string", ""), tensor_column("image", (3,), ""))
HELD, STREAMED = 1 << 30, 4000
"""Memory: more than the 10,000 bytes of the training rows, or room for a pool of a hundred of them, twice."""
SPLITS = np.array(["train", "train", "validation", "train", "test", "train", "train"], dtype=object)


def _write(path: Path, rows: int, per_group: int) -> Path:
    with TableWriter(path, FIELDS, Provenance("simulated", "a test")) as writer:
        for start in range(0, rows, per_group):
            number = np.arange(start, min(start + per_group, rows))
            image = np.repeat(number[:, None], 3, axis=1).astype("f4")
            writer.write({"number": number, "split": SPLITS[number % 7], "image": image})
    return path


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _write(tmp_path_factory.mktemp("table") / "dataset.parquet", 700, 60)


def _train(size: int, table: Path, memory: int) -> Minibatches:
    return Minibatches(table, ["number", "image"], "train", size, memory)


def _numbers(batches: Iterator[Columns]) -> list[np.ndarray]:
    found = []
    for batch in batches:
        assert np.array_equal(batch["image"], np.repeat(batch["number"][:, None], 3, axis=1))  # rows stay whole
        found.append(batch["number"].copy())
    return found


EXPECTED = {number for number in range(700) if SPLITS[number % 7] == "train"}


@pytest.fixture
def small_pool(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several pools in a small table."""
    monkeypatch.setattr(minibatches, "_POOL_ROWS", 100)


@pytest.mark.usefixtures("small_pool")
@pytest.mark.parametrize("memory", [HELD, STREAMED])
@pytest.mark.parametrize("size", [1, 7, 32, 50, 128, 499, 500])
def test_each_training_row_comes_once_and_no_other(table: Path, memory: int, size: int) -> None:
    batches = _train(size, table, memory)
    found = _numbers(batches.shuffled(0, 0))
    assert len(found) == len(batches) == 500 // size
    assert {len(batch) for batch in found} == {size}
    flat = np.concatenate(found).tolist()
    assert len(set(flat)) == len(flat)
    assert set(flat) <= EXPECTED
    assert len(flat) == 500 // size * size


@pytest.mark.usefixtures("small_pool")
@pytest.mark.parametrize("memory", [HELD, STREAMED])
def test_the_order_depends_on_the_seed_and_the_epoch_alone(table: Path, memory: int) -> None:
    def order(seed: int, epoch: int) -> list[int]:
        return np.concatenate(_numbers(_train(32, table, memory).shuffled(seed, epoch))).tolist()

    one_object = _train(32, table, memory)
    list(one_object.shuffled(3, 0))  # an epoch before leaves no trace
    again = np.concatenate(_numbers(one_object.shuffled(3, 1))).tolist()
    assert order(3, 1) == order(3, 1) == again
    assert len({tuple(order(seed, epoch)) for seed in (3, 4, -3) for epoch in (0, 1)}) == 6
    assert order(3, 1) != sorted(order(3, 1))


@pytest.mark.usefixtures("small_pool")
def test_streamed_rows_are_mixed_across_row_groups(table: Path) -> None:
    first = _numbers(_train(50, table, STREAMED).shuffled(0, 0))[0]
    groups = np.unique(first // 60)
    assert len(groups) >= 2
    assert not np.array_equal(first, np.sort(first))


def test_the_pool_holds_no_more_than_the_memory_allows(table: Path) -> None:
    """Rows may be large: sixteen thousand maps of thirteen fields would be seven gigabytes, and twice that."""
    two, one = (_numbers(_train(10, table, memory).shuffled(0, 0))[0] for memory in (STREAMED, 800))
    assert len(np.unique(two // 60)) >= 2
    assert len(np.unique(one // 60)) == 1, "a row group fills a pool of twenty"


@pytest.mark.parametrize("memory", [HELD, STREAMED])
@pytest.mark.parametrize(("split", "rows"), [("train", 500), ("validation", 100), ("test", 100)])
def test_in_order_everything_comes_as_in_the_table(table: Path, memory: int, split: str, rows: int) -> None:
    batches = Minibatches(table, ["number", "image"], split, 32, memory)
    flat = np.concatenate(_numbers(batches.in_order()))
    expected = [number for number in range(700) if SPLITS[number % 7] == split]
    assert batches.rows == rows
    assert flat.tolist() == expected
    assert max(len(batch["number"]) for batch in batches.in_order()) <= 32


@pytest.mark.parametrize("memory", [HELD, 0])
def test_fewer_rows_than_a_minibatch_are_one_minibatch(tmp_path: Path, memory: int) -> None:
    batches = _train(64, _write(tmp_path / "few.parquet", 14, 5), memory)
    found = _numbers(batches.shuffled(0, 0))
    assert len(batches) == 1
    assert [sorted(batch) for batch in found] == [[0, 1, 3, 5, 6, 7, 8, 10, 12, 13]]


def test_a_split_without_rows_is_told(tmp_path: Path) -> None:
    table = _write(tmp_path / "two.parquet", 2, 2)
    with pytest.raises(InputError, match=r"two\.parquet has no rows in the split 'validation'"):
        Minibatches(table, ["number"], "validation", 4)


def test_a_minibatch_of_nothing_is_refused(table: Path) -> None:
    with pytest.raises(ParameterError, match="batch_size of at least 1"):
        Minibatches(table, ["number"], "train", 0)


def test_a_column_that_is_not_there_is_told(table: Path) -> None:
    with pytest.raises(InputError, match="no column colour"):
        Minibatches(table, ["number", "colour"], "train", 4)


def test_a_large_split_is_not_held(table: Path) -> None:
    """What is held survives the file; what is streamed is read again."""
    copy = table.with_name("copy.parquet")
    copy.write_bytes(table.read_bytes())
    held, streamed = (Minibatches(copy, ["number", "image"], "train", 32, memory) for memory in (HELD, 5000))
    copy.unlink()
    assert sum(len(batch) for batch in _numbers(held.shuffled(0, 0))) == 480
    with pytest.raises(InputError, match="There is no table"):
        next(streamed.shuffled(0, 0))


@pytest.mark.usefixtures("small_pool")
@pytest.mark.parametrize("memory", [HELD, STREAMED])
def test_columns_are_converted_in_every_minibatch(table: Path, memory: int) -> None:
    def parity(split: np.ndarray) -> np.ndarray:
        return (split == "train").astype(np.int64)

    batches = Minibatches(table, ["number", "split"], "train", 32, memory, {"split": parity})
    for source in (batches.shuffled(1, 0), batches.in_order()):
        found = [batch["split"] for batch in source]
        assert {values.dtype for values in found} == {np.dtype(np.int64)}
        assert all((values == 1).all() for values in found)
    alone = Minibatches(table, ["number", "split"], "train", 9999, memory, {"split": parity})
    assert next(alone.shuffled(1, 0))["split"].sum() == 500
