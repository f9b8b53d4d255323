"""The stage from table to table."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from strain_table import LOUDNESS, write_strain

from components.common.errors import InputError, ParameterError
from components.common.tables import read_provenance, read_settings, read_table
from components.preprocess.strain.preprocessing import Settings, preprocess
from components.preprocess.strain.whitening import Whitening


def _run(tmp_path: Path, settings: Settings | None = None) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    preprocess(tmp_path / "in", tmp_path / "out", settings or Settings())
    table, rejected = (read_table(tmp_path / "out" / f"{name}.parquet") for name in ("dataset", "rejected"))
    return table, dict(zip(rejected["id"], rejected["reason"], strict=True))


def test_whitens_and_splits_everything(tmp_path: Path) -> None:
    made = write_strain(tmp_path / "in", 600)
    table, rejected = _run(tmp_path)
    assert rejected == {}
    assert set(table["split"]) == {"train", "validation", "test"}
    np.testing.assert_allclose(table["strain"][..., 400:-400].std((0, 2)), 1, atol=0.01)
    np.testing.assert_array_equal(table["label"], made["label"])
    assert read_provenance(tmp_path / "out" / "dataset.parquet").origin == "simulated"


def test_what_it_stores_is_enough_to_whiten_more(tmp_path: Path) -> None:
    made = write_strain(tmp_path / "in", 200)
    table, _ = _run(tmp_path)
    stored = read_settings(tmp_path / "out" / "dataset.parquet")
    assert stored["classes"] == ["noise", "signal"]
    assert stored["detectors"] == ["H1", "L1", "V1"]
    whitening = Whitening.from_settings({k: v for k, v in stored.items() if k not in ("classes", "detectors")})
    np.testing.assert_allclose(whitening.apply(made["strain"]), table["strain"], atol=1e-4)  # six digits are kept
    np.testing.assert_allclose(np.median(whitening.psd, axis=-1) * 1024, LOUDNESS**2, rtol=0.05)


def test_noise_density_comes_from_noise_in_training_alone(tmp_path: Path) -> None:
    """Signals and the other splits may be a thousand times louder: the density does not hear them."""
    made = write_strain(tmp_path / "in", 400)
    _, splits = None, _run(tmp_path)[0]["split"]
    quiet = (made["label"] == "noise") & (splits == "train")
    loud = made["strain"] * np.where(quiet, 1, 1000)[:, None, None]
    before = read_settings(tmp_path / "out" / "dataset.parquet")["psd"]
    write_strain(tmp_path / "in", 400, strain=loud)
    _run(tmp_path)
    assert read_settings(tmp_path / "out" / "dataset.parquet")["psd"] == before


def test_no_segment_and_no_wave_crosses_the_splits(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    segments = np.array([f"s{k}" for k in rng.integers(0, 300, 600)], dtype=object)
    waves = np.array([f"w{k}" if k < 80 else "" for k in rng.integers(0, 600, 600)], dtype=object)
    write_strain(tmp_path / "in", 600, segment_id=segments, waveform_id=waves)
    table, _ = _run(tmp_path, Settings(seed=5))
    for name in ("segment_id", "waveform_id", "group_id"):
        for value in set(table[name]) - {""}:
            assert len(set(table["split"][table[name] == value])) == 1, f"{name} {value} is in two splits"
    joined = [len(set(table["segment_id"][table["waveform_id"] == wave])) for wave in set(waves) - {""}]
    assert max(joined) > 1  # else the waves would have had nothing to join


def test_rejects_with_reasons(tmp_path: Path) -> None:
    made = write_strain(tmp_path / "in", 100)
    strain, label = made["strain"], made["label"].copy()
    strain[3, 1, 50] = np.nan
    strain[4] = np.nan
    strain[5, 2] = np.nan
    label[6] = "glitch"
    write_strain(tmp_path / "in", 100, strain=strain, label=label)
    table, rejected = _run(tmp_path)
    assert rejected == {"w00003": "gap", "w00004": "no detector", "w00006": "unknown label"}
    assert np.all(table["strain"][list(table["id"]).index("w00005"), 2] == 0)  # a missing Virgo is no reason
    counts = read_provenance(tmp_path / "out" / "dataset.parquet").rejected
    assert counts == {"gap": 1, "no detector": 1, "unknown label": 1}


def test_a_detector_that_is_never_there(tmp_path: Path) -> None:
    made = write_strain(tmp_path / "in", 200)
    made["strain"][:, 2] = np.nan
    write_strain(tmp_path / "in", 200, strain=made["strain"])
    table, _ = _run(tmp_path)
    assert np.all(table["strain"][:, 2] == 0)
    assert read_settings(tmp_path / "out" / "dataset.parquet")["psd"][2] == []


def test_too_little_noise_is_an_error(tmp_path: Path) -> None:
    write_strain(tmp_path / "in", 60, label=np.full(60, "signal", dtype=object))
    with pytest.raises(InputError, match=r"Too few training rows .* are labelled 'noise'.*0 in H1"):
        preprocess(tmp_path / "in", tmp_path / "out", Settings())
    assert not (tmp_path / "out" / "dataset.parquet").exists()


@pytest.mark.parametrize("wrong", [{"classes": ("noise",)}, {"psd_average": "mode"}, {"band": "wide"}])
def test_impossible_settings_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ParameterError):
        Settings(**wrong)
