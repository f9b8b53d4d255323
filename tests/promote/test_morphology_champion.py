"""A classifier of galaxies as champion: what it says of a challenger's test objects is what predict would say."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from components.common.files import read_json, write_json
from components.evaluate.classification.evaluation import Settings, evaluate
from components.ingest.galaxy_zoo.ingestion import Settings as Ingestion
from components.ingest.galaxy_zoo.ingestion import ingest
from components.preprocess.morphology_table.preprocessing import Settings as Preprocessing
from components.preprocess.morphology_table.preprocessing import preprocess
from components.promote.champion.answers import OtherQuestionError
from components.promote.champion.classes import read_classes
from components.promote.champion.kinds import KINDS, find_score, name_of
from components.promote.champion.morphology import apply_morphology
from components.promote.champion.trial import hold_trial
from components.train.boosted_trees.training import Settings as Training
from components.train.boosted_trees.training import train


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folders of a run: raw, data, model, results; and another model."""
    folder = tmp_path_factory.mktemp("run")
    ingest(folder / "raw", Ingestion(rows=900, seed=6))
    preprocess(folder / "raw", folder / "data", Preprocessing(test_fraction=0.3, seed=6))
    small = Training(kinds=("boosting",), tuning_rows=150, folds=2, iterations=30, epochs=1, seed=1)
    train(folder / "data", folder / "model", small)
    train(folder / "data", folder / "other", replace(small, iterations=2))
    evaluate(folder / "data", folder / "model", folder / "results", Settings(headline="macro_f1", bootstrap=20))
    return folder


def test_a_model_applied_to_raw_rows_says_what_its_evaluation_said(run: Path) -> None:
    answers = read_classes(run / "results")
    applied = apply_morphology(run / "model", run / "raw", answers)
    order = np.argsort(applied.rows)
    np.testing.assert_array_equal(applied.rows[order], np.arange(len(answers)))
    np.testing.assert_allclose(applied.predictions.probability[order], answers.predictions.probability, atol=1e-9)


def test_two_models_are_compared_by_the_headline(run: Path) -> None:
    name = name_of(json.loads((run / "model" / "model.json").read_text()))
    assert name == ("boosted_trees", "label of morphology")
    assert find_score(KINDS[name], "macro_f1") is not None
    trial = hold_trial(run / "other", run / "model", run / "raw", run / "results", "macro_f1", 50, 1)
    assert trial.comparison is not None, trial.why_not
    found = trial.comparison
    assert found.objects == read_json(run / "results" / "metrics.json")["rows"]["test"]
    assert found.low <= found.improvement <= found.high
    again = hold_trial(run / "model", run / "model", run / "raw", run / "results", "macro_f1", 50, 1)
    assert again.comparison is not None
    assert not again.comparison.is_better


def test_a_champion_of_other_classes_says_nothing_of_ours(run: Path, tmp_path: Path) -> None:
    for path in (run / "model").iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    described = read_json(run / "model" / "model.json")
    described["classes"] = ["E", "Se", "SB"]
    write_json(tmp_path / "model.json", described)
    with pytest.raises(OtherQuestionError, match="champion knows the classes E, Se, SB, not E, S, SB"):
        apply_morphology(tmp_path, run / "raw", read_classes(run / "results"))
