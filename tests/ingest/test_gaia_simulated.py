"""The simulated region: truth beside it, reproducible, and the same in shards."""

from pathlib import Path

import numpy as np
import pytest

from components.common.errors import InputError, ParameterError
from components.common.tables import read_provenance, read_settings, read_table
from components.ingest.gaia_stars import simulated
from components.ingest.gaia_stars.ingestion import Settings, ingest
from components.ingest.gaia_stars.schema import NAMES
from components.merge.shards.merging import merge

SMALL = {"rows": 3000, "cluster_stars": 400, "seed": 5}


def test_truth_lies_beside_the_stars_and_not_in_them(tmp_path: Path) -> None:
    provenance = ingest(tmp_path / "out", Settings(**SMALL))
    stars, truth = (read_table(tmp_path / "out" / f"{name}.parquet") for name in ("dataset", "truth"))
    assert tuple(stars) == NAMES
    np.testing.assert_array_equal(stars["source_id"], truth["source_id"])
    assert (np.diff(stars["source_id"]) > 0).all(), "an order by population would give the clusters away"
    rejected = read_table(tmp_path / "out" / "rejected.parquet")
    assert provenance.requested == 3400 == len(stars["source_id"]) + len(rejected["id"])
    assert (provenance.origin, provenance.seed) == ("simulated", 5)
    known = read_settings(tmp_path / "out" / "truth.parquet")["clusters"]
    assert [c["name"] for c in known] == ["globular-1", "open-1", "open-2"]
    assert [c["stars"] for c in known] == [240, 100, 60]
    for cluster in known:
        members = truth["cluster"] == cluster["name"]
        assert 0.9 * cluster["stars"] <= members.sum() <= cluster["stars"]
        assert (truth["probability"][members] == 1).all()
        for name in ("pmra", "pmdec"):
            error = 1.25 * np.std(stars[name][members]) / np.sqrt(members.sum())
            assert np.median(stars[name][members]) == pytest.approx(cluster[name], abs=5 * error)
    assert "cluster" not in stars


def test_a_control_field_has_no_cluster(tmp_path: Path) -> None:
    ingest(tmp_path / "out", Settings(**{**SMALL, "clusters": 0}))
    truth = read_table(tmp_path / "out" / "truth.parquet")
    assert set(truth["cluster"]) == {""}
    assert read_settings(tmp_path / "out" / "truth.parquet")["clusters"] == []
    assert 2900 < len(truth["cluster"]) <= 3000


def test_seeds_move_the_clusters(tmp_path: Path) -> None:
    for name, seed in (("a", 5), ("b", 5), ("c", -6)):
        ingest(tmp_path / name, Settings(**{**SMALL, "seed": seed}))
    one, same, other = (read_table(tmp_path / name / "dataset.parquet") for name in "abc")
    for name in NAMES:
        np.testing.assert_array_equal(one[name], same[name])
    places = [read_settings(tmp_path / n / "truth.parquet")["clusters"][0]["ra"] for n in "ac"]
    assert places[0] != places[1]
    assert not set(one["source_id"]) & set(other["source_id"])


def test_shards_are_the_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulated, "STARS_PER_BATCH", 700)
    ingest(tmp_path / "whole", Settings(**SMALL))
    for shard in range(3):
        ingest(tmp_path / f"part-{shard}", Settings(**SMALL, shard=shard, shards=3))
    merge([tmp_path / f"part-{i}" for i in (2, 0, 1)], tmp_path / "merged")
    for table in ("dataset", "truth", "rejected"):
        whole, merged = (read_table(tmp_path / f / f"{table}.parquet") for f in ("whole", "merged"))
        for name in whole:
            np.testing.assert_array_equal(whole[name], merged[name])
        settings = [read_settings(tmp_path / f / f"{table}.parquet") for f in ("whole", "merged")]
        assert settings[0] == settings[1]
    counts = [read_provenance(tmp_path / f / "dataset.parquet").requested for f in ("whole", "merged")]
    assert counts == [3400, 3400]


@pytest.mark.parametrize(
    "place",
    [
        {"ra": 0.0, "dec": 10.0, "radius_deg": 0.8},
        {"ra": 33.0, "dec": 90.0, "radius_deg": 0.8},
        {"polygon": "359 -1, 1 -1, 1 1, 359 1"},
        {"region_name": "M 92"},
    ],
    ids=["RA 0", "pole", "polygon", "name"],
)
def test_anywhere_on_the_sky(tmp_path: Path, place: dict) -> None:
    settings = Settings(**{**SMALL, **place})
    ingest(tmp_path / "out", settings)
    stars = read_table(tmp_path / "out" / "dataset.parquet", ["ra", "dec"])
    region = settings.region
    assert region is not None
    assert region.contains(stars["ra"], stars["dec"]).all()
    assert ((stars["ra"] >= 0) & (stars["ra"] < 360)).all()


def test_a_limit_that_no_member_reaches_is_said(tmp_path: Path) -> None:
    """A globular at several kpc has no star of tenth magnitude."""
    with pytest.raises(InputError, match=r"globular-1.*maximum_magnitude"):
        ingest(tmp_path / "out", Settings(**SMALL, maximum_magnitude=10.0))


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        ({"source": "telescope"}, "no source"),
        ({"release": "dr9"}, "no release"),
        ({"rows": 0}, "cannot be simulated"),
        ({"clusters": 4}, "cannot be simulated"),
        ({"cluster_stars": 10}, "too few"),
        ({"binary_fraction": 1.5}, "binary_fraction"),
        ({"maximum_magnitude": 25.0}, "maximum_magnitude"),
        ({"maximum_pm_error": -1.0}, "negative"),
        ({"timeout_seconds": 0.0}, "timeout_seconds"),
        ({"source": "files"}, "location"),
        ({"source": "archive"}, "needs a region"),
        ({"shard": 3, "shards": 2}, "no shard 3"),
    ],
)
def test_impossible_settings_are_refused(wrong: dict, problem: str) -> None:
    with pytest.raises(ParameterError, match=problem):
        Settings(**wrong)
