"""Moment networks as champions: applied to raw maps through their own preprocessing."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from universe_maps import SMALL, prepare_universes

from components.common.errors import InputError
from components.common.store import Store
from components.evaluate.posterior.evaluation import Settings as Evaluation
from components.evaluate.posterior.evaluation import evaluate
from components.preprocess.field_maps.preprocessing import Settings as Prepare
from components.preprocess.field_maps.preprocessing import preprocess
from components.promote.champion import comparison
from components.promote.champion.kinds import KINDS, find_score
from components.promote.champion.promotion import Settings, promote
from components.promote.champion.universes import apply_moments, read_posteriors
from components.train.moment_network.training import train

SETTINGS = Settings("cosmic-parameters", bootstrap=100, run="run-1")


@pytest.fixture(scope="module")
def two_runs(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Path, Path, Path]]:
    """A model that sees temperature alone, which tells next to nothing of cosmology, and a better one."""
    universes, runs = prepare_universes(tmp_path_factory.mktemp("universes")), []
    for fields in (("T",), ("Mtot", "T")):
        folder = tmp_path_factory.mktemp("run")
        prepare = Prepare(fields=fields, validation_fraction=0.2, test_fraction=0.25, seed=1)
        preprocess(universes / "raw", folder / "data", prepare)
        train(folder / "data", folder / "model", replace(SMALL, epochs=2))
        evaluate(folder / "data", folder / "model", folder / "results", Evaluation(bootstrap=20, seed=1))
        runs.append((universes / "raw", folder / "model", folder / "results"))
    return runs


def test_a_champion_answers_for_raw_maps_as_it_did_for_its_own(two_runs: list[tuple[Path, Path, Path]]) -> None:
    source, model, results = two_runs[1]
    own = read_posteriors(results)
    applied = apply_moments(model, source, own)
    assert sorted(applied.rows.tolist()) == list(range(len(own)))
    for name in ("truth", "mean", "width", "reference"):
        found, before = (getattr(one, name) for one in (applied.predictions, own.predictions[applied.rows]))
        assert np.allclose(found, before, atol=5e-3, equal_nan=True), name


def test_the_better_model_becomes_champion(
    configured: Store, two_runs: list[tuple[Path, Path, Path]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("components.promote.champion.trial.LEAST_GROUPS", 5)  # a few universes do here
    assert comparison.LEAST_GROUPS > 5
    assert promote(*two_runs[0], SETTINGS).outcome == "first model"
    assert promote(*two_runs[1], SETTINGS).outcome == "better"
    assert promote(*two_runs[0], SETTINGS).outcome != "better"


def test_raw_data_without_the_maps_are_told(two_runs: list[tuple[Path, Path, Path]]) -> None:
    source, model, results = two_runs[0]
    answers = read_posteriors(results)
    strange = replace(answers, ids=np.array([f"other-{name}" for name in answers.ids], dtype=object))
    with pytest.raises(InputError, match="that were tested, 0 are in"):
        apply_moments(model, source, strange)


def test_the_headline_is_a_score_of_the_kind() -> None:
    assert find_score(KINDS["moment_network", "parameters"], "rms_over_power_spectrum") is not None
