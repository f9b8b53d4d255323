"""A classifier as champion: what it says of a challenger's test objects is what predict would say."""

import json
from pathlib import Path

import numpy as np
import pytest

from components.common.files import read_json, write_json
from components.common.scores_classification import balanced_accuracy
from components.evaluate.classification.evaluation import Settings, evaluate
from components.ingest.sdss_spectra.ingestion import Settings as Ingest
from components.ingest.sdss_spectra.ingestion import ingest
from components.preprocess.spectra.preprocessing import Settings as Preprocess
from components.preprocess.spectra.preprocessing import preprocess
from components.promote.champion.classes import apply_classes, read_classes
from components.promote.champion.kinds import KINDS, find_score, name_of
from components.promote.champion.trial import hold_trial
from components.train.conv1d.training import Settings as Training
from components.train.conv1d.training import train


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folders of a run: raw, prepared, model, results; and another model."""
    folder = tmp_path_factory.mktemp("run")
    ingest(folder / "raw", Ingest(rows=700, seed=6, classes=("QSO", "GALAXY")))
    split = {"validation_fraction": 0.15, "test_fraction": 0.3, "classes": ("QSO", "GALAXY")}
    preprocess(folder / "raw", folder / "prepared", Preprocess(bin_pixels=16, **split))  # type: ignore[arg-type]
    for name, epochs in (("model", 3), ("other", 1)):
        settings = Training("label", "strided", channels=[6, 8, 12], epochs=epochs, batch_size=32, seed=1)
        train(folder / "prepared", folder / name, settings)
    evaluate(folder / "prepared", folder / "model", folder / "results", Settings(bootstrap=20))
    return folder


def test_a_model_applied_to_raw_rows_says_what_its_evaluation_said(run: Path) -> None:
    answers = read_classes(run / "results")
    applied = apply_classes(run / "model", run / "raw", answers)
    order = np.argsort(applied.rows)
    np.testing.assert_array_equal(applied.rows[order], np.arange(len(answers)))
    np.testing.assert_allclose(applied.predictions.probability[order], answers.predictions.probability, atol=1e-5)
    value = balanced_accuracy(answers.predictions, np.ones((1, len(answers))))[0]
    assert value == pytest.approx(
        read_json(run / "results" / "metrics.json")["scores"]["balanced_accuracy"]["value"]
    )


def test_two_models_are_compared_on_the_same_objects(run: Path) -> None:
    trial = hold_trial(run / "other", run / "model", run / "raw", run / "results", "balanced_accuracy", 50, 1)
    assert trial.comparison is not None, trial.why_not
    found = trial.comparison
    assert found.objects == read_json(run / "results" / "metrics.json")["rows"]["test"]
    assert found.low <= found.improvement <= found.high
    again = hold_trial(run / "model", run / "model", run / "raw", run / "results", "balanced_accuracy", 50, 1)
    assert again.comparison is not None
    assert not again.comparison.is_better


def test_the_kind_is_that_of_labels_of_spectra(run: Path) -> None:
    name = name_of(json.loads((run / "model" / "model.json").read_text()))
    assert name == ("conv1d", "label of spectra")
    assert find_score(KINDS[name], "balanced_accuracy") is not None
    assert name_of({"kind": "conv1d", "target": "label", "data": "strain"}) != name
    assert name_of({"kind": "conv1d", "target": "label", "data": "images"}) not in KINDS


def test_a_champion_of_other_classes_stays_and_is_not_compared(run: Path, tmp_path: Path) -> None:
    described = read_json(run / "model" / "model.json")
    described["answer"]["classes"] = ["QSO", "STAR"]
    write_json(tmp_path / "model.json", described)
    (tmp_path / "weights.safetensors").write_bytes((run / "model" / "weights.safetensors").read_bytes())
    trial = hold_trial(tmp_path, run / "model", run / "raw", run / "results", "balanced_accuracy", 50, 1)
    assert trial.comparison is None
    assert trial.why_not == "the champion knows the classes QSO, STAR, not QSO, GALAXY"
