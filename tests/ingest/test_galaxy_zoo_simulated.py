"""The embedded default: reproducible, cut into shards without a trace, in the columns of the real table."""

from pathlib import Path

import numpy as np
import pytest
from shard_tables import assert_same, contents

from components.common.tables import read_provenance, read_settings, read_table
from components.ingest.galaxy_zoo import simulated
from components.ingest.galaxy_zoo.ingestion import Settings, ingest
from components.ingest.galaxy_zoo.schema import POSTERIOR_CLASSES, complete
from components.ingest.galaxy_zoo.simulated import sexagesimal
from components.merge.shards.merging import merge
from components.physics.gz2_classes import parse
from components.physics.gz2_votes import class_of


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three thousand galaxies."""
    output = tmp_path_factory.mktemp("galaxies") / "out"
    ingest(output, Settings(rows=3000, seed=3))
    return output


def test_truth_lies_beside_the_galaxies_and_not_among_them(folder: Path) -> None:
    galaxies, truth = (read_table(folder / name) for name in ("dataset.parquet", "truth.parquet"))
    assert read_provenance(folder / "dataset.parquet").origin == "simulated"
    assert (galaxies["id"] == truth["id"]).all()
    assert not [name for name in galaxies if name.startswith("sim_")]
    assert read_settings(folder / "truth.parquet")["classes"] == list(POSTERIOR_CLASSES)
    np.testing.assert_allclose(truth["sim_posterior"].sum(axis=1), 1, atol=1e-9)
    trunks = parse(galaxies["gz2_class"]).trunk
    own = truth["sim_posterior"][np.arange(3000), [POSTERIOR_CLASSES.index(name) for name in trunks]]
    expected = (truth["sim_posterior"] ** 2).sum(axis=1)
    assert abs(own.mean() - expected.mean()) < 4 * own.std() / np.sqrt(3000), "classes follow their probabilities"


def test_classes_follow_from_the_votes_as_in_the_real_table(folder: Path) -> None:
    galaxies = read_table(folder / "dataset.parquet")
    assert (class_of(galaxies) == galaxies["gz2_class"]).all()
    assert len(set(galaxies["gz2_class"].tolist())) > 60


def test_some_galaxies_are_seen_twice(folder: Path) -> None:
    galaxies = read_table(folder / "dataset.parquet")
    again = slice(2940, 3000)
    assert (galaxies["sample"][again] == "stripe82").all()
    place = {round(float(ra), 2): i for i, ra in enumerate(galaxies["ra"][:2940])}
    first = [place.get(round(float(ra), 2), place.get(round(float(ra) - 1e-4, 2))) for ra in galaxies["ra"][again]]
    found = np.array([i for i in first if i is not None])
    assert found.size > 50
    assert len(np.unique(galaxies["id"])) == 3000, "under other identifiers"


def test_shards_add_up_to_the_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulated, "GALAXIES_PER_BATCH", 200)
    ingest(tmp_path / "whole", Settings(rows=900))
    parts = [tmp_path / f"part-{number}" for number in range(3)]
    for number, part in enumerate(parts):
        ingest(part, Settings(rows=900, shard=number, shards=3))
    merge(parts, tmp_path / "merged")
    assert_same(tmp_path / "whole", tmp_path / "merged")
    assert contents(tmp_path / "whole" / "truth.parquet") == contents(tmp_path / "merged" / "truth.parquet")


def test_another_seed_is_another_sample(folder: Path, tmp_path: Path) -> None:
    ingest(tmp_path / "again", Settings(rows=3000, seed=3))
    ingest(tmp_path / "other", Settings(rows=3000, seed=4))
    same, other = (read_table(tmp_path / name / "dataset.parquet", ["g_r"])["g_r"] for name in ("again", "other"))
    first = read_table(folder / "dataset.parquet", ["g_r"])["g_r"]
    np.testing.assert_array_equal(first, same)
    assert not np.array_equal(first, other)


def test_a_handful_of_galaxies_is_enough(tmp_path: Path) -> None:
    assert ingest(tmp_path / "few", Settings(rows=3)).received == 3


def test_places_are_written_as_in_the_table() -> None:
    hours, degrees = sexagesimal(np.array([160.9904, 0.0]), np.array([11.70346, -0.5]))
    assert hours.tolist() == ["10:43:57.70", "00:00:00.00"]
    assert degrees.tolist() == ["+11:42:12.5", "-00:30:00.0"]


def test_columns_that_a_source_lacks_are_missing() -> None:
    whole = complete({"dr7objid": np.array([1, 2])})
    assert np.isnan(whole["g_r"]).all()
    assert whole["rastring"].tolist() == ["", ""]
