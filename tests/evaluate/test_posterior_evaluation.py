"""Evaluation of posteriors: scores, baselines, what fields are worth, and the report."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from universe_maps import SMALL, prepare_universes, write_universes

from components.common.errors import InputError
from components.common.files import read_json
from components.evaluate.posterior.baselines import power
from components.evaluate.posterior.evaluation import Settings, evaluate
from components.evaluate.posterior.external import choose
from components.evaluate.posterior.importance import METHODS, SHAPLEY, SINGLE, measure_importance
from components.evaluate.posterior.scores import (
    Posterior,
    chance_correlation,
    chi2,
    feedback_correlation,
    feedback_correlations,
    rms_ratio,
)
from components.ingest.camels_folder.folder import find_suites, look_over
from components.train.moment_network.training import train


def make_posterior(universes: int = 60, leak: float = 0.0, seed: int = 0) -> tuple[Posterior, np.ndarray]:
    """Errors of 0.02 that lean on the first parameter of feedback by `leak`, of fifteen maps a universe."""
    rng = np.random.default_rng(seed)
    truth = np.repeat(rng.uniform(-1, 1, (universes, 6)), 15, axis=0)
    mean = truth + 0.02 * rng.normal(size=truth.shape)
    mean[:, 0] += leak * 0.02 * truth[:, 2]
    reference = truth[:, :2] + 0.04 * rng.normal(size=(len(truth), 2))
    return Posterior(truth, mean, np.full_like(truth, 0.02), reference), np.repeat(np.arange(universes), 15)


def test_scores_of_errors_that_are_known() -> None:
    posterior, _ = make_posterior()
    ones = np.ones((1, len(posterior)))
    assert chi2(posterior, ones)[0] == pytest.approx(1, abs=0.1)
    assert rms_ratio(posterior, ones)[0] == pytest.approx(0.5, abs=0.05)
    assert feedback_correlation(posterior, ones)[0] < 0.12


def test_errors_that_lean_on_feedback_are_found() -> None:
    posterior, groups = make_posterior(leak=2.0)
    found = feedback_correlations(posterior, np.ones((1, len(posterior))))[0]
    residual, feedback = posterior.residual[:, 0], posterior.truth[:, 2]
    assert found[0, 0] == pytest.approx(np.corrcoef(residual, feedback)[0, 1], abs=0.05)
    assert found[0, 0] > 0.6
    assert np.abs(np.delete(found.ravel(), 0)).max() < 0.2
    chance = chance_correlation(posterior, groups, 0, 50)
    assert chance is not None
    assert chance.mean < chance.high < 0.35
    assert chance.share == pytest.approx(1 / 51), "nothing drawn by chance came near"


def test_errors_that_have_nothing_to_do_with_feedback_are_as_chance_has_them() -> None:
    shares = []
    for seed in range(8):
        posterior, groups = make_posterior(universes=40, seed=seed)
        chance = chance_correlation(posterior, groups, seed, 60)
        assert chance is not None
        shares.append(chance.share)
    assert 0.2 < np.mean(shares) < 0.8
    assert min(shares) > 0.02


def test_correlation_by_cosmology_alone_is_not_held_against_a_model() -> None:
    posterior, _ = make_posterior(universes=200)
    truth, mean = posterior.truth.copy(), posterior.mean.copy()
    truth[:, 2] = truth[:, 0] + 0.3 * truth[:, 2]  # by chance feedback went with omega_m
    mean[:, 0] -= 0.2 * truth[:, 0]  # and estimates lean towards the middle
    shrunk = replace(posterior, truth=truth, mean=mean)
    assert abs(np.corrcoef(shrunk.residual[:, 0], truth[:, 2])[0, 1]) > 0.8
    assert feedback_correlation(shrunk, np.ones((1, len(shrunk))))[0] < 0.1


def test_universes_without_feedback_have_no_such_score() -> None:
    posterior, _ = make_posterior()
    truth = posterior.truth.copy()
    truth[:, 2:] = np.nan
    bare = replace(posterior, truth=truth)
    assert np.isnan(feedback_correlation(bare, np.ones((3, len(posterior))))).all()
    assert chance_correlation(bare, np.arange(len(posterior)), 0) is None


def test_power_of_a_wave_is_where_it_belongs() -> None:
    x = np.arange(32) * 2 * np.pi / 32
    waves = np.stack([np.cos(x)[None, :] * np.ones((32, 1)), np.cos(8 * x)[:, None] * np.ones((1, 32))])
    found = power(waves)
    assert found[0].argmax() == 0
    assert found[0, 0] > 1e6 * found[0, 1:].max()
    assert found[1].argmax() not in (0, found.shape[1] - 1)
    white = power(np.random.default_rng(0).normal(size=(400, 32, 32))).mean(axis=0)
    assert white == pytest.approx(np.ones_like(white), abs=0.1)


def test_shares_of_fields_add_up_and_the_useless_one_has_none() -> None:
    rng = np.random.default_rng(0)
    truth = np.repeat(rng.uniform(-1, 1, (40, 2)), 15, axis=0)
    truth -= truth.mean(axis=0)
    maps = np.stack([truth[:, 0], truth[:, 1], rng.normal(size=len(truth))], axis=1)[:, :, None, None]
    fields = ("one", "two", "none")

    def predict(data: np.ndarray, shown: Sequence[str] | None, summaries: np.ndarray | None) -> np.ndarray:
        assert (summaries is None) == (data is not maps), "summaries are of the maps as they were"
        weights = [float(shown is None or name in shown) for name in fields[:2]]
        return data[:, :2, 0, 0] * weights

    found = measure_importance(predict, maps, maps[:, :, 0, 0], truth, np.repeat(np.arange(40), 15), fields, 50, 0)
    assert found.values[SHAPLEY][:, 0].sum() == pytest.approx(found.whole)
    assert found.whole == pytest.approx(1)
    assert all(found.values[method][2, 0] == pytest.approx(0, abs=1e-9) for method in METHODS)
    assert found.values[SINGLE][:2, 0] == pytest.approx([0.5, 0.5], abs=0.05)
    assert (found.values[SHAPLEY][:, 1] <= found.values[SHAPLEY][:, 0]).all()


def spoil(path: Path) -> None:
    """Make one pixel of one map what no pixel can be."""
    maps = np.load(path)
    maps[20, 3, 3] = -1
    np.save(path, maps)


def test_a_whole_evaluation_with_other_files_beside(tmp_path: Path) -> None:
    universes = prepare_universes(tmp_path / "universes")
    train(universes / "data", tmp_path / "model", replace(SMALL, epochs=8, invariance="hsic"))
    write_universes(tmp_path / "other" / "deep" / "SIMBA", "SIMBA", simulations=6, seed=9)
    write_universes(tmp_path / "other" / "mine", "Astrid", simulations=4, seed=10)
    spoil(tmp_path / "other" / "mine" / "Maps_T_Astrid_LH_z=0.00.npy")
    settings = Settings("Parameters", "cosmic-parameters", bootstrap=50, external=str(tmp_path / "other"), seed=1)
    found = evaluate(universes / "data", tmp_path / "model", tmp_path / "results", settings)
    assert found == read_json(tmp_path / "results" / "metrics.json")
    names = {"omega_m_rms", "sigma_8_rms", "rms_over_power_spectrum", "chi2", "feedback_correlation"}
    assert names <= set(found["scores"])
    assert names <= set(found["external"])
    assert set(found["external_by_suite"]) == {"Astrid LH", "SIMBA LH"}
    assert found["scores"]["omega_m_rms"]["value"] < found["scores"]["omega_m_rms"]["baseline"]
    assert set(found["feedback_correlation_by_chance"]) == {"mean", "high", "share"}
    assert found["scores"]["omega_m_rms"]["value"] < 1.1 * found["baselines"]["start"]["omega_m_rms"]["value"]
    assert set(found["cost_of_invariance"]) == {"omega_m_rms", "sigma_8_rms"}
    assert found["fields"]["names"] == ["Mtot", "T"]
    page = (tmp_path / "results" / "report.html").read_text(encoding="utf-8")
    for words in (
        "Which maps matter most?",
        "Where the network looks",
        "Other files",
        "NOT reached",
        "1 negative",
    ):
        assert words in page


def test_other_files_of_universes_that_were_trained_on_are_left_out(tmp_path: Path) -> None:
    """The first simulations of CV have the seeds of the second of the hypercube and so on."""
    write_universes(tmp_path, "IllustrisTNG", simulations=6)
    for path in list(tmp_path.iterdir()):
        (tmp_path / path.name.replace("LH", "CV")).write_bytes(path.read_bytes())
    tested, learnt = find_suites(tmp_path, ["Mtot"]), {"seed-0", "seed-1", "seed-3"}
    assert [one.camels_set for one in tested] == ["CV", "LH"]
    (cv, note), (lh, _) = (choose(one, learnt) for one in tested)
    assert (cv.tolist(), lh.tolist()) == ([1, 3, 4, 5], [2, 4, 5])
    assert "2 were left out" in note[0]
    assert choose(tested[0], set())[1] == ()
    assert choose(tested[1], {f"seed-{number}" for number in range(6)})[0].tolist() == []


def test_other_files_are_looked_over_wherever_they_lie(tmp_path: Path) -> None:
    deep = tmp_path / "CMD" / "2D_maps" / "data"
    for folder, suite in ((deep / "SIMBA", "SIMBA"), (deep / "Nbody", "Nbody_SIMBA"), (deep / "mine", "EAGLE")):
        write_universes(folder, suite, simulations=2)
    (deep / "Nbody" / "Maps_T_Nbody_SIMBA_LH_z=0.00.npy").unlink()
    (deep / "SIMBA" / "params_LH_SIMBA.txt").rename(deep / "params_LH_SIMBA.txt")
    for fields in (["Mtot"], ["Mtot", "T"]):
        look_over(tmp_path, fields, 8)
    found = [(one.suite, one.simulations, sorted(one.files)) for one in find_suites(tmp_path, ["Mtot"])]
    assert found == [("Nbody_SIMBA", 2, ["Mtot"]), ("SIMBA", 2, ["Mtot", "T"])]
    assert [one.suite for one in find_suites(tmp_path, ["T"])] == ["SIMBA"]
    with pytest.raises(InputError, match="There are no maps of T, B"):
        look_over(tmp_path, ["T", "B"], 8)
    with pytest.raises(InputError, match=r"There are no maps of Mtot in .*mine"):
        look_over(deep / "mine", ["Mtot"], 8)
    with pytest.raises(InputError, match="cannot be averaged to 5"):
        look_over(tmp_path, ["T"], 5)
    (deep / "params_LH_SIMBA.txt").unlink()
    with pytest.raises(InputError, match=r"There is no params_LH_SIMBA\.txt"):
        look_over(tmp_path, ["T"], 8)
