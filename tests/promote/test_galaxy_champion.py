"""Regressors of galaxies as champions: applied to raw spectra through their own preprocessing."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from galaxy_regressors import SMALL

from components.common.errors import InputError
from components.common.files import read_json
from components.common.store import Store
from components.evaluate.model_comparison.evaluation import evaluate
from components.evaluate.settings import Settings as Evaluation
from components.preprocess.spectra.preprocessing import Settings as Preprocessing
from components.preprocess.spectra.preprocessing import preprocess
from components.promote.champion.answers import Answers
from components.promote.champion.galaxies import apply_regressor, read_galaxies
from components.promote.champion.promotion import Settings, promote
from components.train.regressors.several import train_several

SETTINGS = Settings("galaxy-spectra", bootstrap=100, run="run-1")


@pytest.fixture(scope="module")
def two_runs(galaxies: Path, tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Path, Path, Path]]:
    """A weak model of coarse spectra, and a better one of finer ones, split alike."""
    runs = []
    for pixels, kind in ((32, "linear"), (8, "forest")):
        folder = tmp_path_factory.mktemp(kind)
        preprocess(
            galaxies / "raw",
            folder / "data",
            Preprocessing(bin_pixels=pixels, test_fraction=0.3, group_by="plate"),
        )
        settings = replace(SMALL, tuning_rows=200)
        train_several(folder / "data", folder / "models", folder / "model", [kind], ["pca"], settings)
        evaluate(folder / "data", folder / "models", folder / "results", Evaluation(bootstrap=50, seed=1))
        runs.append((galaxies / "raw", folder / "model", folder / "results"))
    return runs


def test_a_champion_answers_for_raw_spectra_as_it_did_for_its_own(two_runs: list[tuple[Path, Path, Path]]) -> None:
    source, model, results = two_runs[0]
    own = read_galaxies(results)
    applied = apply_regressor(model, source, own)
    assert applied.rows.tolist() == list(range(len(own)))
    for name in ("truth", "value", "pit", "crps"):
        found, before = (getattr(answers, name) for answers in (applied.predictions, own.predictions))
        assert np.allclose(found, before, rtol=1e-4, atol=1e-5)


def test_models_prepared_differently_are_compared_on_the_same_objects(
    configured: Store, two_runs: list[tuple[Path, Path, Path]]
) -> None:
    first = promote(*two_runs[0], SETTINGS)
    assert first.outcome == "first model"
    decision = promote(*two_runs[1], SETTINGS)
    own = read_galaxies(two_runs[1][2])
    assert decision.outcome in ("better", "not better")
    assert decision.comparison is not None
    assert decision.comparison.objects == len(own)
    for (_, _, results), found in zip(
        two_runs, (decision.comparison.champion, decision.comparison.challenger), strict=True
    ):
        scored = read_json(results / "metrics.json")["scores"]["nmad_km_s"]
        assert found.value == pytest.approx(scored["value"], rel=1e-3)


def test_raw_data_of_another_run_are_refused(two_runs: list[tuple[Path, Path, Path]]) -> None:
    source, model, results = two_runs[0]
    own = read_galaxies(results)
    foreign = Answers(np.array([f"other-{n}" for n in range(len(own))], object), own.groups, own.predictions)
    with pytest.raises(InputError, match=r"Of .* spectra that were tested, 0 are in"):
        apply_regressor(model, source, foreign)
