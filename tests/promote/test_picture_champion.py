"""Networks of cutouts as champions: applied to raw pictures through their own preprocessing."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from galaxy_pictures import SMALL

from components.common.errors import InputError
from components.common.store import Store
from components.evaluate.regression.evaluation import Settings as Evaluation
from components.evaluate.regression.evaluation import evaluate
from components.promote.champion.kinds import KINDS, find_score
from components.promote.champion.pictures import apply_image_cnn, read_pictures
from components.promote.champion.promotion import Settings, promote
from components.train.image_cnn.training import train

SETTINGS = Settings("galaxy-photoz", bootstrap=100, run="run-1")


@pytest.fixture(scope="module")
def two_runs(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Path, Path, Path]]:
    """A model of pictures that has learnt next to nothing, and a better one of magnitudes."""
    runs = []
    for inputs, epochs in (("images", 1), ("magnitudes", 15)):
        folder = tmp_path_factory.mktemp("run")
        train(pictures / "data", folder / "model", replace(SMALL, inputs=inputs, epochs=epochs))
        evaluate(pictures / "data", folder / "model", folder / "results", Evaluation(bootstrap=20, seed=1))
        runs.append((pictures / "raw", folder / "model", folder / "results"))
    return runs


def test_a_champion_answers_for_raw_pictures_as_it_did_for_its_own(
    pictures: Path, picture_model: Path, tmp_path: Path
) -> None:
    evaluate(pictures / "data", picture_model, tmp_path / "results", Evaluation(bootstrap=20, seed=1))
    own = read_pictures(tmp_path / "results")
    applied = apply_image_cnn(picture_model, pictures / "raw", own)
    assert sorted(applied.rows.tolist()) == list(range(len(own)))
    for name in ("truth", "value", "pit", "crps"):
        found, before = (
            getattr(answers, name) for answers in (applied.predictions, own.predictions[applied.rows])
        )
        assert np.allclose(found, before, rtol=1e-3, atol=1e-3), name


def test_the_better_model_becomes_champion(configured: Store, two_runs: list[tuple[Path, Path, Path]]) -> None:
    assert promote(*two_runs[0], SETTINGS).outcome == "first model"
    assert promote(*two_runs[1], SETTINGS).outcome == "better"
    assert promote(*two_runs[0], SETTINGS).outcome != "better"


def test_raw_data_without_the_objects_are_told(
    picture_model: Path, two_runs: list[tuple[Path, Path, Path]]
) -> None:
    source, _, results = two_runs[0]
    answers = read_pictures(results)
    strange = replace(answers, ids=np.array([f"other-{name}" for name in answers.ids], dtype=object))
    with pytest.raises(InputError, match="that were tested, 0 are in"):
        apply_image_cnn(picture_model, source, strange)


def test_the_headline_is_a_score_of_the_kind() -> None:
    assert find_score(KINDS["image_cnn", "redshift"], "nmad") is not None
