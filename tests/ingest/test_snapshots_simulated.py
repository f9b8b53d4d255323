"""The embedded source: simulated universes on a latin hypercube."""

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from shard_tables import assert_same

from components.common import threads
from components.common.errors import ParameterError
from components.common.tables import read_provenance, read_settings, read_table
from components.ingest.camels_snapshots.ingestion import Settings, ingest
from components.ingest.camels_snapshots.simulated import draw_cosmologies, field_seed
from components.merge.shards.merging import merge
from components.physics.density_grid import paint
from components.physics.particle_mesh import simulate

SMALL = {"rows": 5, "grid": 32, "particles": 32, "steps": 3, "seed": 7}


def small(**changes: object) -> Settings:
    return Settings(**{**SMALL, **changes})  # type: ignore[arg-type]


def test_rows_are_simulations(tmp_path: Path) -> None:
    provenance = ingest(tmp_path / "out", small())
    table = read_table(tmp_path / "out" / "dataset.parquet")
    assert provenance.origin == "simulated"
    assert (provenance.requested, provenance.received) == (5, 5)
    assert read_provenance(tmp_path / "out" / "dataset.parquet") == provenance
    cosmology = draw_cosmologies(5, 7)[3]
    early, late = simulate(cosmology, field_seed(7, 3), 32, 25.0, 3)
    assert table["omega_m"][3] == cosmology.omega_m
    assert table["seed"][3] == field_seed(7, 3)
    np.testing.assert_array_equal(table["initial"][3], paint(early.positions, 32, 25.0))
    np.testing.assert_array_equal(table["final"][3], paint(late.positions, 32, 25.0))
    about = read_settings(tmp_path / "out" / "dataset.parquet")
    assert (about["grid"], about["box_size_mpc_h"], about["target"]) == (32, 25.0, "initial")


def test_the_other_target_is_the_first_snapshot(tmp_path: Path) -> None:
    ingest(tmp_path / "out", small(rows=1, target="first"))
    table = read_table(tmp_path / "out" / "dataset.parquet")
    assert table["redshift_initial"][0] == 15
    assert 0.1 < table["initial"].std() < table["final"].std()


def test_cosmologies_fill_the_ranges_of_camels(real_data: Path) -> None:
    real = np.loadtxt(real_data / "camels" / "setup_IllustrisTNG_latin_hypercube_params.txt")
    drawn = np.array([[c.omega_m, c.sigma_8] for c in draw_cosmologies(len(real), 0)])
    np.testing.assert_allclose(np.sort(drawn, axis=0), np.sort(real[:, :2], axis=0), atol=0.001)
    assert abs(np.corrcoef(drawn.T)[0, 1]) < 0.1


def test_memory_does_not_grow_with_the_simulations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many run at a time as there are cores, whatever their number."""
    monkeypatch.setattr(threads, "cores", lambda: 2)
    peaks = []
    for rows in (1, 4, 44):
        tracemalloc.start()
        ingest(tmp_path / str(rows), small(rows=rows, steps=1))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[2] - peaks[1] < 10 * 2 * 32**3 * 4, "40 simulations more may not cost the memory of ten"


def test_seeds_differ() -> None:
    assert len({field_seed(seed, number) for seed in range(-3, 3) for number in range(100)}) == 600


def test_shards_add_up(tmp_path: Path) -> None:
    ingest(tmp_path / "whole", small())
    for shard in range(3):
        ingest(tmp_path / str(shard), small(shard=shard, shards=3))
    merge([tmp_path / str(shard) for shard in (2, 0, 1)], tmp_path / "merged")
    assert_same(tmp_path / "whole", tmp_path / "merged")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"grid": 48}, "no grid 48"),
        ({"grid": 64, "particles": 32}, "moire"),
        ({"grid": 32, "particles": 48}, "Choose a grid|no grid for such"),
        ({"particles": 33}, "33 particles"),
        ({"steps": 0}, "0 steps"),
        ({"rows": 0}, "No simulation"),
        ({"rows": -1}, "rows is -1"),
        ({"source": "tape"}, "no source 'tape'"),
        ({"target": "end"}, "no target"),
        ({"matter": "light"}, "no matter"),
        ({"box_size_mpc_h": 0.0}, "box_size_mpc_h"),
        ({"source": "files"}, "needs a location"),
        ({"shard": 3, "shards": 3}, "no shard 3"),
    ],
)
def test_refuses_impossible_settings(wrong: dict[str, object], said: str) -> None:
    with pytest.raises(ParameterError, match=said):
        small(**wrong)
