"""Simulated strain as a table."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from components.common.errors import ParameterError
from components.common.tables import read_provenance, read_table
from components.ingest.gw_strain.ingestion import Settings, ingest
from components.ingest.gw_strain.injections import draw_snr
from components.ingest.gw_strain.schema import NAMES, SAMPLES


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("strain") / "out"
    ingest(path, Settings(rows=300, seed=4))
    return path


def test_writes_every_column_and_counts_add_up(folder: Path) -> None:
    table, provenance = read_table(folder / "dataset.parquet"), read_provenance(folder / "dataset.parquet")
    assert tuple(table) == NAMES
    assert table["strain"].shape == (300, 3, SAMPLES)
    assert table["strain"].dtype == np.float64
    assert np.isfinite(table["strain"]).all()
    assert (provenance.origin, provenance.requested, provenance.received) == ("simulated", 300, 300)
    assert len(read_table(folder / "rejected.parquet")["id"]) == 0
    assert len(set(table["id"])) == 300


def test_noise_rows_have_no_wave_and_signal_rows_are_described(folder: Path) -> None:
    table = read_table(folder / "dataset.parquet")
    signal = table["label"] == "signal"
    assert set(table["label"]) == {"noise", "signal"}
    assert 0.4 < signal.mean() < 0.6
    assert np.isnan(table["merger_time"][~signal]).all()
    assert np.all(table["snr_network"][~signal] == 0)
    assert np.all(table["waveform_id"][~signal] == "")
    assert len(set(table["waveform_id"][signal])) == signal.sum()
    assert np.all((table["merger_time"][signal] >= 1.0) & (table["merger_time"][signal] <= 1.8))
    alone = np.stack([table[f"snr_{name}"][signal] for name in ("h1", "l1", "v1")])
    np.testing.assert_allclose(np.sqrt((alone**2).sum(0)), table["snr_network"][signal])
    assert np.all(table["mass_1"][signal] >= table["mass_2"][signal])


def test_windows_of_a_segment_lie_side_by_side(folder: Path) -> None:
    """The noise goes on from one window to the next of its segment: their edges are neighbours."""
    table = read_table(folder / "dataset.parquet")
    quiet = table["label"] == "noise"
    pairs = quiet[:-1] & quiet[1:]
    same = pairs & (table["segment_id"][:-1] == table["segment_id"][1:])
    step = np.abs(table["strain"][1:, :, 0] - table["strain"][:-1, :, -1])
    assert step[same].mean() < 0.3 * step[pairs & ~same].mean()
    names, counts = np.unique(table["segment_id"], return_counts=True)
    assert counts[:-1].tolist() == [8] * (len(names) - 1)


def test_short_runs_are_the_beginning_of_long_ones(folder: Path, tmp_path: Path) -> None:
    ingest(tmp_path / "short", Settings(rows=40, seed=4))
    long, short = (read_table(path / "dataset.parquet") for path in (folder, tmp_path / "short"))
    for name in NAMES:
        np.testing.assert_array_equal(short[name], long[name][:40])


def test_seeds_matter_and_the_share_of_signals_leaves_the_noise(tmp_path: Path) -> None:
    made = {}
    for name, settings in {
        "one": Settings(rows=64, seed=1),
        "other": Settings(rows=64, seed=2),
        "quiet": Settings(rows=64, seed=1, signal_fraction=0.0),
    }.items():
        ingest(tmp_path / name, settings)
        made[name] = read_table(tmp_path / name / "dataset.parquet")
    assert not np.array_equal(made["one"]["strain"], made["other"]["strain"])
    noise = made["one"]["label"] == "noise"
    np.testing.assert_array_equal(made["one"]["strain"][noise], made["quiet"]["strain"][noise])
    assert set(made["quiet"]["label"]) == {"noise"}


def test_snr_is_drawn_as_in_g2net() -> None:
    drawn = draw_snr(20_000, Settings(rows=1), np.random.default_rng(0)) / np.sqrt(3)
    assert drawn.min() == pytest.approx(1.0)
    assert np.median(drawn) == pytest.approx(3.6, abs=0.03)
    assert drawn.std() == pytest.approx(1.0, abs=0.02)


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"source": "ligo", "rows": 1}, "no source"),
        ({"rows": 0}, "rows is 0"),
        ({"source": "g2net"}, "needs a location"),
        ({"source": "gwosc"}, "needs to know which data"),
        ({"rows": 1, "signal_fraction": 1.5}, "signal_fraction"),
        ({"rows": 1, "minimum_mass": 90.0}, "cannot be simulated"),
        ({"rows": 1, "maximum_spin": 1.0}, "maximum_spin"),
        ({"rows": 1, "latest_merger": 2.5}, "do not lie in a window"),
        ({"source": "gwosc", "event": "GW150914", "exclude": "noon"}, "exclude is 'noon'"),
        ({"source": "gwosc", "event": "GW150914", "minimum_detectors": 4}, "minimum_detectors"),
    ],
)
def test_impossible_settings_are_named(settings: dict[str, Any], problem: str) -> None:
    with pytest.raises(ParameterError, match=problem):
        Settings(**settings)
