"""Simulated quasars and galaxies as a source: columns, objects, shards, and what cannot be made."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from shard_tables import assert_same

from components.common.errors import ParameterError
from components.common.tables import read_provenance, read_table
from components.ingest.sdss_spectra.ingestion import Settings, ingest
from components.ingest.sdss_spectra.mixture import simulate
from components.ingest.sdss_spectra.schema import GALAXY, NAMES, QSO, STAR
from components.merge.shards.merging import merge

BOTH = Settings(rows=300, seed=5, classes=(QSO, GALAXY))


def test_ingest_writes_both_classes_and_says_how_they_were_told_apart(tmp_path: Path) -> None:
    provenance = ingest(tmp_path, BOTH)
    table = read_table(tmp_path / "dataset.parquet")
    assert set(NAMES) <= set(table)
    assert set(table["spectral_class"]) == {QSO, GALAXY}
    assert read_provenance(tmp_path / "dataset.parquet") == provenance
    assert (provenance.origin, provenance.received) == ("simulated", 300)
    assert any("outshines its galaxy" in note for note in provenance.notes)
    assert np.isfinite(table["magnitude_r"]).all()


def test_spectra_with_one_galaxy_in_them_are_one_object(tmp_path: Path) -> None:
    ingest(tmp_path, dataclasses.replace(BOTH, rows=2048))
    table = read_table(tmp_path / "dataset.parquet", ["id", "object_id", "spectral_class"])
    assert len(set(table["id"])) == 2048
    shared = [name for name in table["object_id"] if name.startswith("gst-")]
    assert len(set(shared)) < len(shared), "of 2048 draws from ten thousand some are the same"
    galaxies = table["spectral_class"] == GALAXY
    assert all(name.startswith("gst-") for name in table["object_id"][galaxies])


def test_shards_add_up(tmp_path: Path) -> None:
    settings = dataclasses.replace(BOTH, rows=600)
    ingest(tmp_path / "whole", settings)
    parts = [tmp_path / f"part{number}" for number in range(2)]
    for number, part in enumerate(parts):
        ingest(part, dataclasses.replace(settings, shard=number, shards=2))
    merge(parts, tmp_path / "merged")
    assert_same(tmp_path / "whole", tmp_path / "merged")


def test_quasars_alone_are_still_what_they_were(tmp_path: Path) -> None:
    from components.ingest.sdss_spectra.simulated import simulate as quasars

    ingest(tmp_path, Settings(rows=4, seed=5))
    expected = next(quasars(4, 5, 0.0, 7.0))
    np.testing.assert_array_equal(read_table(tmp_path / "dataset.parquet", ["flux"])["flux"], expected["flux"])


@pytest.mark.parametrize("classes", [(GALAXY,), (STAR,), (QSO, STAR), (QSO, GALAXY, STAR)])
def test_what_the_simulator_cannot_make_is_told(classes: tuple[str, ...]) -> None:
    with pytest.raises(ParameterError, match="simulator cannot make"):
        Settings(rows=10, classes=classes)


def test_a_range_without_galaxies_is_refused() -> None:
    with pytest.raises(ParameterError, match=r"No galaxy can be simulated"):
        next(simulate(4, 0, 1.0, 3.0))
