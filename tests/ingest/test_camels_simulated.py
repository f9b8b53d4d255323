"""The embedded universes: labels in their ranges, numbers that stay, and sets as CAMELS has them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from components.common.errors import ParameterError
from components.common.tables import read_provenance, read_settings, read_table
from components.ingest.camels_maps.ingestion import Settings, ingest
from components.ingest.camels_maps.schema import phases_of
from components.ingest.camels_maps.simulated import parameters_of, phases_seed
from components.merge.shards.merging import merge
from components.physics.multifield import PARAMETERS, PRIOR


def _settings(**changes: Any) -> Settings:
    return Settings(
        **{"fields": ("Mtot", "HI"), "simulations": "0-3", "grid": 16, "particles": 16, "steps": 4} | changes
    )


def test_maps_say_that_they_are_simulated_and_what_of_it_is_invented(tmp_path: Path) -> None:
    provenance = ingest(tmp_path / "out", _settings())
    assert provenance.origin == "simulated"
    assert (provenance.requested, provenance.received, dict(provenance.rejected)) == (60, 60, {})
    assert "means nothing for CAMELS" in provenance.notes[0]
    assert read_provenance(tmp_path / "out" / "dataset.parquet") == provenance
    table = read_table(tmp_path / "out" / "dataset.parquet")
    assert table["maps"].shape == (60, 2, 16, 16)
    assert len(set(table["phases"])) == 4
    assert read_settings(tmp_path / "out" / "dataset.parquet")["parameters"] == list(PARAMETERS)
    mean = table["maps"][:15, 0].mean(dtype=np.float64)
    assert mean == pytest.approx(table["omega_m"][0] * 2.775e11 * 5, rel=1e-3), "labels belong to their maps"


def test_a_simulation_does_not_depend_on_which_others_are_asked_for(tmp_path: Path) -> None:
    ingest(tmp_path / "all", _settings())
    ingest(tmp_path / "some", _settings(simulations="2"))
    ingest(tmp_path / "other", _settings(simulations="2", seed=1))
    everything, one, other = (read_table(tmp_path / name / "dataset.parquet") for name in ("all", "some", "other"))
    for name, values in one.items():
        np.testing.assert_array_equal(values, everything[name][30:45])
    assert not np.array_equal(one["maps"], other["maps"])
    assert one["omega_m"][0] != other["omega_m"][0]


def test_shards_add_up(tmp_path: Path) -> None:
    ingest(tmp_path / "whole", _settings())
    parts = [tmp_path / f"part-{number}" for number in range(5)]
    for number, part in enumerate(parts):
        ingest(part, _settings(shard=number, shards=5))
    merge(parts, tmp_path / "merged")
    whole, merged = (read_table(tmp_path / name / "dataset.parquet") for name in ("whole", "merged"))
    for name, values in whole.items():
        np.testing.assert_array_equal(merged[name], values)


def test_labels_fill_their_ranges_and_are_not_correlated() -> None:
    points = np.array([parameters_of("LH", number, 5) for number in range(256)])
    low, high = np.array(list(PRIOR.values())).T
    assert (points >= low).all()
    assert (points <= high).all()
    even = points.copy()
    even[:, 2:] = np.log(points[:, 2:])
    low[2:], high[2:] = np.log(low[2:]), np.log(high[2:])
    counts = np.array([np.histogram(even[:, i], 8, (low[i], high[i]))[0] for i in range(6)])
    assert np.abs(counts - 32).max() <= 3, "as in a latin hypercube, every part of a range is there"
    assert np.abs(np.corrcoef(even.T) - np.eye(6)).max() < 0.1


def test_the_other_sets_are_as_in_camels() -> None:
    assert parameters_of("CV", 7, 0) == (0.3, 0.8, 1, 1, 1, 1)
    table = np.array([parameters_of("1P", number, 0) for number in range(66)])
    varied = table != np.array([0.3, 0.8, 1, 1, 1, 1])
    assert varied.sum(1).max() == 1
    np.testing.assert_allclose(table[0:11, 0], np.linspace(0.1, 0.5, 11))
    np.testing.assert_allclose(table[22:33, 2], np.geomspace(0.25, 4, 11))
    assert parameters_of("EX", 1, 0)[3] == 100
    for name, number in (("1P", "66"), ("EX", "4")):
        with pytest.raises(ParameterError, match=f"set {name} has no simulation {number}"):
            ingest(Path("never"), _settings(camels_set=name, simulations=number))
    assert len({phases_seed("1P", number, 0) for number in range(9)}) == 1
    assert len({phases_seed("CV", number, 0) for number in range(9)}) == 9


def test_no_feedback_at_all_can_be_painted(tmp_path: Path) -> None:
    ingest(tmp_path / "out", _settings(camels_set="EX", fields=("Mgas", "Mstar", "T", "B", "MgFe")))
    table = read_table(tmp_path / "out" / "dataset.parquet")
    assert set(table["a_sn1"]) == {0.0, 1.0, 100.0}
    assert np.isfinite(table["maps"]).all()
    assert set(table["phases"]) == {"Armillary-EX"}


def test_phases_follow_the_public_tables_of_seeds(real_data: Path) -> None:
    """IllustrisTNG's hypercube has the seeds from 0 on, CV in every suite those from 1 on; SIMBA's has its own."""
    table = np.genfromtxt(real_data / "camels" / "CosmoAstroSeed_IllustrisTNG_L25n256_LH.txt", dtype=None)
    for row in table[::97]:
        name, number = row[0].decode() if isinstance(row[0], bytes) else row[0], row[-1]
        assert phases_of("IllustrisTNG", "LH", int(name.removeprefix("LH_"))) == f"seed-{number}"
    assert phases_of("SIMBA", "CV", 3) == phases_of("Nbody_Astrid", "CV", 3) == phases_of("IllustrisTNG", "LH", 4)
    assert phases_of("SIMBA", "1P", 3) == phases_of("IllustrisTNG", "1P", 60)
    assert phases_of("SIMBA", "LH", 3) != phases_of("IllustrisTNG", "LH", 3)
    assert phases_of("Nbody_SIMBA", "LH", 3) == phases_of("SIMBA", "LH", 3)
