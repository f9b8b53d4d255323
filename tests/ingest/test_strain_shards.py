"""Shards of strain add up to exactly what one ingest writes, from every source."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from gwosc_writer import write_gwosc
from shard_tables import assert_same

from components.common.errors import InputError, ParameterError
from components.common.provenance import Provenance
from components.common.tables import read_table
from components.ingest.gw_strain import g2net_source
from components.ingest.gw_strain.ingestion import Settings, ingest
from components.merge.shards.merging import merge

RATE = 4096


def _whole_and_shards(folder: Path, settings: Settings, shards: int) -> list[Provenance]:
    """Ingest at once and in shards, check that both are the same, and return what the shards say of themselves."""
    ingest(folder / "whole", settings)
    parts = [folder / f"part{number}" for number in range(shards)]
    found = [
        ingest(part, dataclasses.replace(settings, shard=number, shards=shards))
        for number, part in enumerate(parts)
    ]
    merge(parts[::-1], folder / "merged")
    assert_same(folder / "whole", folder / "merged")
    assert all(p.requested == p.received + sum(p.rejected.values()) for p in found)
    return found


@pytest.mark.parametrize(("rows", "shards"), [(600, 2), (300, 3)])
def test_simulated_shards_add_up(tmp_path: Path, rows: int, shards: int) -> None:
    found = _whole_and_shards(tmp_path, Settings(rows=rows, seed=3), shards)
    assert sum(p.received for p in found) == rows
    assert (min(p.received for p in found) == 0) == (shards == 3), "an empty shard is no failure"


@pytest.mark.parametrize("rows", [0, 11])
def test_shards_of_the_competition_add_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: int) -> None:
    monkeypatch.setattr(g2net_source, "WINDOWS_PER_BATCH", 4)
    rng = np.random.default_rng(0)
    names = [f"{number:010x}" for number in rng.integers(0, 2**40, 14)]
    for name in names[:-1]:  # the last has a label and no file
        path = tmp_path / "g2net" / name[0] / name[1] / name[2] / f"{name}.npy"
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, rng.normal(scale=1e-20, size=(3, 4096)))
    lines = "".join(f"{name},{number % 2}\n" for number, name in enumerate(names))
    (tmp_path / "g2net" / "training_labels.csv").write_text(f"id,target\n{lines}{names[0]},1\nodd!,1\n")
    found = _whole_and_shards(tmp_path, Settings("g2net", rows=rows, location=str(tmp_path / "g2net")), 3)
    assert {"duplicate", "odd name"} <= found[0].rejected.keys(), "the first counts what belongs to no shard"
    assert not {"duplicate", "odd name"} & found[1].rejected.keys()


@pytest.mark.parametrize("rows", [0, 14])
def test_shards_of_open_data_are_stretches_of_time(tmp_path: Path, rows: int) -> None:
    rng = np.random.default_rng(1)
    for start in (1_000_000_000, 1_000_000_100, 1_000_000_200):
        for detector in ("H1", "L1"):
            write_gwosc(tmp_path / "gw", detector, rng.normal(scale=1e-21, size=32 * RATE), start)
    settings = Settings("gwosc", rows=rows, location=str(tmp_path / "gw"), exclude="1000000116", seed=5)
    found = _whole_and_shards(tmp_path, settings, 2)
    table = read_table(tmp_path / "whole" / "dataset.parquet")
    assert len(np.unique(table["gps_start"] // 100)) == 3, "a part of the rows comes from every stretch"
    assert [p.rejected for p in found].count({}) == 1, "the excluded time lies in one of the shards"
    if rows:
        assert len(table["id"]) == rows


def test_impossible_and_empty(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="no shard 2 of 2"):
        Settings(rows=10, shard=2, shards=2)
    parts = [tmp_path / f"part{number}" for number in range(2)]
    for number, part in enumerate(parts):
        ingest(part, Settings(rows=10, seed=number, shard=number, shards=2))
    with pytest.raises(InputError, match="another request"):
        merge(parts, tmp_path / "merged")
