"""The merge of shards: what it adds up, what it refuses, and that it never holds more than a row group."""

import dataclasses
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.common.errors import ArmillaryError, InputError
from components.common.provenance import Provenance, merged
from components.common.rejections import Rejections
from components.common.shards import Shard
from components.common.tables import TableWriter, column, read_table, tensor_column
from components.merge.shards.merging import merge

WIDTH = 300
FIELDS = (column("id", "string", "name"), tensor_column("flux", (WIDTH,), "numbers"))
NOTHING_SPECIAL = Provenance("real", "an archive", query="all", retrieved_at="2026-01-01", seed=1)


def _part(folder: Path, number: int, count: int, rows: int = 3, **request: Any) -> Path:
    """Write a shard whose rows say where they are from, the last of them rejected."""
    rejections = Rejections()
    rejections.add(f"{number}-bad", "bad")
    provenance = dataclasses.replace(
        NOTHING_SPECIAL,
        requested=rows + 1,
        received=rows,
        rejected={"bad": 1},
        seed=request.get("seed", NOTHING_SPECIAL.seed),
        retrieved_at=f"2026-01-{9 - number:02d}",
    )
    settings = Shard(number, count).to_settings(
        {"seed": 1, "rows": 0, "data_version": "a", "contents": "f00d", **request}
    )
    folder.mkdir(parents=True)
    with TableWriter(folder / "dataset.parquet", FIELDS, provenance, settings) as writer:
        for start in range(0, rows, 512):
            size = min(512, rows - start)
            names = [f"{number}-{start + i}" for i in range(size)]
            writer.write({"id": names, "flux": np.full((size, WIDTH), number, dtype=np.float32)})
    rejections.write(folder / "rejected.parquet", provenance)
    return folder


def test_shards_are_put_in_order_and_added_up(tmp_path: Path) -> None:
    parts = [_part(tmp_path / f"{i}", i, 3, rows) for i, rows in enumerate((2, 0, 3))]
    provenance = merge([parts[2], parts[0], parts[1]], tmp_path / "out")
    assert (provenance.requested, provenance.received, provenance.rejected) == (8, 5, {"bad": 3})
    assert provenance.retrieved_at == "2026-01-07"
    table = read_table(tmp_path / "out" / "dataset.parquet")
    assert list(table["id"]) == ["0-0", "0-1", "2-0", "2-1", "2-2"]
    np.testing.assert_array_equal(table["flux"][:, 5], [0, 0, 2, 2, 2])
    assert list(read_table(tmp_path / "out" / "rejected.parquet")["id"]) == ["0-bad", "1-bad", "2-bad"]


def _refusal(tmp_path: Path, parts: list[Path]) -> str:
    with pytest.raises(InputError) as caught:
        merge(parts, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    return str(caught.value)


def test_missing_shards_are_named(tmp_path: Path) -> None:
    parts = [_part(tmp_path / f"{i}", i, 5) for i in (0, 2, 4)]
    assert "Of 5 shards these are missing: 1, 3." in _refusal(tmp_path, parts)
    assert "no shard to merge" in _refusal(tmp_path, [])


def test_a_double_shard_is_named(tmp_path: Path) -> None:
    parts = [_part(tmp_path / name, i, 2) for name, i in (("a", 0), ("b", 1), ("c", 1))]
    assert f"Shard 1 is there twice: {tmp_path / 'b'} and {tmp_path / 'c'}." in _refusal(tmp_path, parts)


@pytest.mark.parametrize(
    ("request_of_it", "what"),
    [
        ({"seed": 2}, "seed is 2, not 1"),
        ({"data_version": "b"}, "data_version is 'b', not 'a'"),
        ({"contents": "beef"}, "contents is 'beef', not 'f00d'"),
        ({"plates": "3655"}, "plates is '3655', not None"),
    ],
)
def test_a_shard_of_another_request_is_named(tmp_path: Path, request_of_it: dict[str, Any], what: str) -> None:
    parts = [_part(tmp_path / "0", 0, 2), _part(tmp_path / "1", 1, 2, **request_of_it)]
    assert f"{tmp_path / '1'}, shard 1, is of another request than {tmp_path / '0'}: {what}" in _refusal(
        tmp_path, parts
    )


def test_a_shard_of_another_number_of_shards_is_named(tmp_path: Path) -> None:
    parts = [_part(tmp_path / "0", 0, 2), _part(tmp_path / "1", 1, 3)]
    assert "shard 1, is of another request" in (message := _refusal(tmp_path, parts))
    assert "shards is 3, not 2" in message


def test_a_source_that_changed_between_two_shards_is_noticed(tmp_path: Path) -> None:
    parts = [_part(tmp_path / f"{i}", i, 2) for i in (0, 1)]
    other = dataclasses.replace(NOTHING_SPECIAL, sha256="0" * 64)
    settings = Shard(1, 2).to_settings({"seed": 1, "rows": 0, "data_version": "a", "contents": "f00d"})
    with TableWriter(parts[1] / "dataset.parquet", FIELDS, other, settings) as writer:
        writer.write({"id": ["x"], "flux": np.zeros((1, WIDTH))})
    assert "Part 1 has another sha256 than part 0" in _refusal(tmp_path, parts)


def test_a_table_that_is_no_shard_is_named(tmp_path: Path) -> None:
    parts = [_part(tmp_path / "0", 0, 2), _part(tmp_path / "1", 0, 1)]
    assert f"{tmp_path / '1' / 'dataset.parquet'} does not say which shard" in _refusal(tmp_path, parts)


def test_other_columns_and_altered_tables_are_named(tmp_path: Path) -> None:
    parts = [_part(tmp_path / f"{i}", i, 2) for i in (0, 1)]
    table, settings = (
        parts[1] / "dataset.parquet",
        Shard(1, 2).to_settings({"seed": 1, "rows": 0, "data_version": "a", "contents": "f00d"}),
    )
    one_more = dataclasses.replace(NOTHING_SPECIAL, received=9)
    with TableWriter(table, FIELDS, one_more, settings) as writer:
        writer.write({"id": ["x"], "flux": np.zeros((1, WIDTH))})
    assert "hold 4 rows, but say that they received 12" in _refusal(tmp_path, parts)
    with TableWriter(table, FIELDS[:1], NOTHING_SPECIAL, settings) as writer:
        writer.write({"id": ["x"]})
    assert f"{table} has other columns than the first shard: id." in _refusal(tmp_path, parts)


def test_shards_that_are_all_empty_are_an_error_that_says_why(tmp_path: Path) -> None:
    parts = [_part(tmp_path / f"{i}", i, 2, rows=0) for i in (0, 1)]
    assert "All 2 shards are empty: {'bad': 2}." in _refusal(tmp_path, parts)


COUNTS = st.dictionaries(st.sampled_from(["class", "no redshift", "cut"]), st.integers(1, 50), max_size=3)
PROVENANCES = st.lists(
    st.builds(
        lambda received, rejected, day, notes: dataclasses.replace(
            NOTHING_SPECIAL,
            requested=received + sum(rejected.values()),
            received=received,
            rejected=rejected,
            retrieved_at=f"2026-01-{day:02d}",
            notes=tuple(notes),
        ),
        st.integers(0, 1000),
        COUNTS,
        st.integers(1, 28),
        st.lists(st.sampled_from("abc"), unique=True),
    ),
    min_size=1,
    max_size=9,
)


@given(PROVENANCES, st.integers(0, 9))
def test_provenance_adds_up_however_the_shards_are_grouped(parts: list[Provenance], cut: int) -> None:
    total = merged(parts)
    assert total.requested == total.received + sum(total.rejected.values())
    assert total.received == sum(part.received for part in parts)
    assert total.retrieved_at == min(part.retrieved_at for part in parts)
    assert {note for part in parts for note in part.notes} == set(total.notes)
    assert len(set(total.notes)) == len(total.notes)
    groups = [group for group in (parts[:cut], parts[cut:]) if group]
    assert merged([merged(group) for group in groups]) == total
    assert merged(parts[:1]) == parts[0]


@pytest.mark.parametrize("change", [{"origin": "simulated"}, {"archive": "b"}, {"query": "b"}, {"release": "b"}])
def test_provenances_of_different_data_are_not_mixed(change: dict[str, Any]) -> None:
    with pytest.raises(ArmillaryError, match=f"Part 1 has another {next(iter(change))} than part 0"):
        merged([NOTHING_SPECIAL, dataclasses.replace(NOTHING_SPECIAL, **change)])


MERGE_AND_TELL = """
import sys
from pathlib import Path

import pyarrow as pa

from components.merge.shards.merging import merge

*parts, output = map(Path, sys.argv[1:])
merge(parts, output)
print(pa.default_memory_pool().max_memory())
"""


def test_memory_does_not_grow_with_the_rows(tmp_path: Path) -> None:
    peaks = []
    for groups in (5, 50):
        parts = [_part(tmp_path / f"{groups}-{i}", i, 2, rows=groups * 512) for i in (0, 1)]
        command = [sys.executable, "-c", MERGE_AND_TELL, *map(str, parts), str(tmp_path / f"out-{groups}")]
        peaks.append(int(subprocess.run(command, capture_output=True, text=True, check=True).stdout))
    one_group = 512 * WIDTH * 4
    assert peaks[0] > one_group, "it is counted"
    assert peaks[1] < peaks[0] + 5 * one_group, "ninety more row groups passed through"
