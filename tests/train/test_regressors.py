"""Regressors on a few hundred galaxies: tuned, stored, honest about their errors."""

import os
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from galaxy_regressors import SMALL

from components.common.errors import ArmillaryError, ParameterError
from components.common.tables import read_table
from components.train.regressors import several
from components.train.regressors.features import COLUMNS
from components.train.regressors.inference import load_model
from components.train.regressors.several import train_several
from components.train.regressors.training import Settings, read_rows, train
from components.train.regressors.uncertainty import LEVELS, Uncertainty, crps_of_quantiles


@pytest.mark.parametrize("features", ["pixels", "pca"])
@pytest.mark.parametrize("kind", ["linear", "ridge", "forest", "svr", "network"])
def test_stored_model_answers_as_the_trained_one(galaxies: Path, tmp_path: Path, kind: str, features: str) -> None:
    record = train(galaxies / "data", tmp_path / "model", replace(SMALL, model_kind=kind, features=features))
    model = load_model(tmp_path / "model")
    rows = read_table(galaxies / "data" / "dataset.parquet", [*COLUMNS, "redshift", "magnitude_r"], "validation")
    found = model.predict(rows, np.column_stack([rows["redshift"], rows["magnitude_r"]]))
    error = found["magnitude_r"].value - rows["magnitude_r"]
    assert np.sqrt(np.mean(error**2)) == pytest.approx(record["validation"]["magnitude_r_rms"], rel=1e-3)
    assert (found["redshift"].sigma > 0).all()
    inside = (rows["redshift"] > found["redshift"].low68) & (rows["redshift"] < found["redshift"].high68)
    assert 0.5 < inside.mean() < 0.85
    assert record["cost"]["fit_seconds"] > 0
    assert not list((tmp_path / "model").glob("*.pkl"))


def test_magnitude_is_learnt_from_the_flux_scale(galaxies: Path, tmp_path: Path) -> None:
    record = train(galaxies / "data", tmp_path / "model", replace(SMALL, model_kind="ridge", features="pixels"))
    assert record["validation"]["magnitude_r_rms"] < 0.1


def test_of_many_rows_some_are_drawn_and_keep_their_labels(galaxies: Path) -> None:
    table = galaxies / "data" / "dataset.parquet"
    every = read_rows(table, "train", 10_000, 3)
    some = read_rows(table, "train", 20, 3)
    assert len(some.spectra) == len(some.targets) == len(some.groups) == 20 < len(every.spectra)
    rows = [int(np.flatnonzero((every.targets == target).all(axis=1))[0]) for target in some.targets]
    assert np.array_equal(every.spectra.pixels[rows], some.spectra.pixels)
    assert np.array_equal(every.groups[rows], some.groups)
    assert not np.array_equal(read_rows(table, "train", 20, 4).targets, some.targets)


def test_unknown_kind() -> None:
    with pytest.raises(ParameterError, match="model_kind"):
        Settings("oracle")


def killed(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_training_that_is_killed_is_told_with_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(several, "_train_one", killed)
    with pytest.raises(ArmillaryError, match=r"was killed, most often for want of memory\. .*most_rows"):
        train_several(tmp_path, tmp_path / "m", tmp_path / "b", ["ridge"], ["pixels"], Settings())
    assert not (tmp_path / "m").exists()


def test_failure_of_one_names_it(tmp_path: Path) -> None:
    with pytest.raises(ArmillaryError, match="ridge-pixels"):
        train_several(tmp_path, tmp_path / "m", tmp_path / "b", ["ridge"], ["pixels"], Settings())
    assert not (tmp_path / "m").exists()


def test_uncertainty_finds_what_makes_errors_large() -> None:
    rng = np.random.default_rng(0)
    clue = rng.normal(size=(4000, 2))
    error = np.exp(clue[:, 0]) * rng.standard_t(4, 4000)
    fitted = Uncertainty.fit(clue[:2000], error[:2000])
    rest, value = slice(2000, None), np.zeros(2000)
    low, high = fitted.interval(value, clue[rest])
    assert np.mean((error[rest] > low) & (error[rest] < high)) == pytest.approx(0.683, abs=0.03)
    assert np.corrcoef(np.log(fitted.expected(clue[rest])), clue[rest, 0])[0, 1] > 0.99
    pit = fitted.cdf(value, clue[rest], error[rest])
    assert np.abs(np.sort(pit) - np.linspace(0, 1, 2000)).max() < 0.05


def test_crps_of_a_point_is_its_error_and_of_a_normal_the_formula() -> None:
    from scipy import stats

    assert crps_of_quantiles(np.full((1, len(LEVELS)), 2.0), np.array([5.0]))[0] == pytest.approx(3.0, rel=1e-6)
    normal = stats.norm.ppf(LEVELS)[None]
    assert crps_of_quantiles(normal, np.array([0.0]))[0] == pytest.approx(0.2337, abs=0.002)


def test_one_of_the_kinds_is_trained_alone(
    galaxies: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARMILLARY_EVENTS", str(tmp_path / "events.jsonl"))
    folders = galaxies / "data", tmp_path / "models", tmp_path / "best"
    records = train_several(*folders, ["ridge", "linear"], ["pca"], SMALL, only="linear")
    assert set(records) == {"linear-pca"}
    assert '"train-linear"' in (tmp_path / "events.jsonl").read_text(), "pods of one run are told apart"
    with pytest.raises(ParameterError, match="none of the kinds"):
        train_several(*folders, ["ridge"], ["pca"], SMALL, only="linear")
