"""The evaluate stage for classes: scores on equal objects, what the files hold, and what cannot be evaluated."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from classified_spectra import CLASSES, Blue, prepared_classes
from sklearn.metrics import balanced_accuracy_score, confusion_matrix

from components.common.dashboard import show_classes
from components.common.errors import InputError, ParameterError
from components.common.provenance import Provenance
from components.common.tables import column, read_table, write_table
from components.evaluate.classification import spectra
from components.evaluate.classification.evaluation import Settings, evaluate, evaluate_model
from components.evaluate.classification.metrics import draw_curves
from components.evaluate.classification.spectra import match_redshifts
from components.evaluate.networks import load_conv1d
from components.ingest.sdss_spectra.files_source import read_folder
from components.ingest.sdss_spectra.settings import Settings as Ingest
from components.train.conv1d.training import Settings as Training
from components.train.conv1d.training import train

QUICK = Settings(bootstrap=50, seed=2)
NAMES = ("balanced_accuracy", "roc_auc", "purity_at_99_completeness", "ece")


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return prepared_classes(tmp_path_factory.mktemp("classes"))


@pytest.fixture(scope="module")
def model(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model") / "model"
    train(dataset, folder, Training("label", "strided", channels=[6, 8, 12], epochs=4, batch_size=32, seed=1))
    return folder


@pytest.fixture(scope="module")
def evaluated(dataset: Path, model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("results")
    evaluate(dataset, model, output, QUICK)
    return output


def test_metrics_have_the_schema_of_every_evaluation(evaluated: Path) -> None:
    found = json.loads((evaluated / "metrics.json").read_text())
    assert {"origin", "scores", "baselines", "external", "curves", "provenance", "rows"} <= set(found)
    assert set(NAMES) <= set(found["scores"])
    for name in NAMES:
        assert set(found["scores"][name]) == {"value", "low", "high", "baseline", "published"}
        assert found["scores"][name]["low"] <= found["scores"][name]["high"]
    assert found["scores"]["balanced_accuracy"]["baseline"] == 0.5
    assert list(found["baselines"]) == ["majority", "colours", "pca_logistic"]
    assert found["baselines"]["colours"]["roc_auc"]["value"] > 0.8, "galaxies are red"
    assert 0 < found["scores"]["roc_auc_z_matched"]["value"] <= 1


def test_the_table_of_predictions_gives_the_scores_again(evaluated: Path) -> None:
    found = json.loads((evaluated / "metrics.json").read_text())
    table = read_table(evaluated / "predictions.parquet")
    assert len(table["id"]) == found["rows"]["test"]
    score = balanced_accuracy_score(table["truth"], table["predicted"])
    assert found["scores"]["balanced_accuracy"]["value"] == pytest.approx(score)
    counts = confusion_matrix(table["truth"], table["predicted"], labels=list(CLASSES))
    assert found["curves"]["confusion"] == counts.tolist()
    for of in ("", "majority_", "colours_", "pca_logistic_"):
        total = sum(table[f"{of}probability_{name}"] for name in CLASSES)
        np.testing.assert_allclose(total, 1.0, atol=1e-6)


def test_the_report_shows_curves_lines_and_the_misclassified(evaluated: Path) -> None:
    page = (evaluated / "report.html").read_text(encoding="utf-8")
    headings = ("Scores", "Which is taken for which", "Where it errs", "What the network looks at", "Training")
    for heading in (*headings, "The misclassified"):
        assert heading in page
    assert "Simulated data" in page
    assert "Mg II" in page
    assert "taken for" in page


def test_a_model_without_a_network_is_evaluated_too(
    dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = dataclasses.replace(spectra.SPECTRA, examine=lambda *_: None, add_sections=lambda *_: None)
    monkeypatch.setattr(spectra, "SPECTRA", plain)
    found = evaluate_model(dataset, Blue(dataset), tmp_path, QUICK, [])
    assert found["scores"]["roc_auc"]["value"] > 0.7
    swapped = evaluate_model(dataset, Blue(dataset, CLASSES[::-1]), tmp_path / "swapped", QUICK, [])
    for name in NAMES:
        assert swapped["scores"][name] == pytest.approx(found["scores"][name]), "classes have no order"


def test_real_spectra_are_scored_apart_with_the_interval_of_a_few(
    dataset: Path, model: Path, real_data: Path, tmp_path: Path
) -> None:
    folder = real_data / "sdss" / "spectra"
    found = evaluate(dataset, model, tmp_path, dataclasses.replace(QUICK, external=str(folder)))
    assert found["rows"]["external"] == 42
    assert found["external_provenance"]["origin"] == "real"
    balanced = found["external"]["balanced_accuracy"]
    assert balanced["high"] - balanced["low"] > 0.05, "seven galaxies know no accuracy better"
    table = read_table(tmp_path / "external_predictions.parquet")
    wrong = {row["id"] for row in found["external_misses"]}
    assert wrong == set(table["id"][table["truth"] != table["predicted"]])
    assert "Real spectra" in (tmp_path / "report.html").read_text(encoding="utf-8")
    rejected = read_table(tmp_path / "external_rejected.parquet")
    assert "class" in set(rejected["reason"]), "the star"


def test_spectra_of_objects_that_were_learnt_from_are_no_validation(
    dataset: Path, model: Path, real_data: Path, tmp_path: Path
) -> None:
    folder, network = real_data / "sdss" / "spectra", load_conv1d(model)
    real, _ = read_folder(folder, Ingest(source="files", location=str(folder), classes=CLASSES))
    table = tmp_path / "table.parquet"
    learnt = {name: real[name][:10] for name in ("ra", "dec")} | {"split": np.array(["train"] * 10, dtype=object)}
    fields = [column("ra", "float64", ""), column("dec", "float64", ""), column("split", "string", "")]
    write_table(table, fields, learnt, Provenance("real", "a test"))
    baselines = spectra.SPECTRA.baselines(dataset / "dataset.parquet", network, 1)
    assert spectra.SPECTRA.external is not None
    found = spectra.SPECTRA.external(table, folder, network, baselines)
    assert found.rejections.counts["learnt from"] == 10
    assert len(found.outcome) == len(found.notes) == 32


def test_matched_redshifts_are_alike_in_all_classes() -> None:
    rng = np.random.default_rng(3)
    redshift = np.concatenate([rng.uniform(0, 1, 400), rng.uniform(0.5, 3, 600), [np.nan] * 5])
    truth = np.concatenate([np.zeros(400, int), np.ones(600, int), np.zeros(5, int)])
    rows = match_redshifts(redshift, truth, 2, 1)
    bins = np.floor(redshift[rows] / spectra.MATCH_STEP).astype(int)
    near, far = (np.bincount(bins[truth[rows] == k], minlength=40) for k in (0, 1))
    np.testing.assert_array_equal(near, far)
    assert near.sum() > 50
    assert len(set(rows)) == len(rows)


def test_what_does_not_belong_together_is_told(dataset: Path, tmp_path: Path) -> None:
    other = Blue(dataset, ("QSO", "STAR"))
    with pytest.raises(InputError, match="classes QSO, GALAXY, but the model knows QSO, STAR"):
        evaluate_model(dataset, other, tmp_path, QUICK, [])
    coarser = Blue(dataset)
    coarser.preprocess_settings = {**coarser.preprocess_settings, "normalisation": "standard"}
    with pytest.raises(InputError, match="prepared otherwise"):
        evaluate_model(dataset, coarser, tmp_path, QUICK, [])
    with pytest.raises(InputError, match="There is no folder"):
        Settings(external=str(tmp_path / "nowhere"))
    with pytest.raises(ParameterError, match="bootstrap is 0"):
        Settings(bootstrap=0)
    assert not (tmp_path / "metrics.json").exists()


def test_kubeflow_is_shown_matrix_and_curve(evaluated: Path, tmp_path: Path) -> None:
    from kfp.dsl import ClassificationMetrics

    found = json.loads((evaluated / "metrics.json").read_text())
    artifact = ClassificationMetrics(uri=str(tmp_path / "classes"))
    artifact.path = str(tmp_path / "classes")
    show_classes(artifact, found["classes"], found["curves"]["confusion"], found["curves"]["roc"]["model"])
    names = [entry["displayName"] for entry in artifact.metadata["confusionMatrix"]["annotationSpecs"]]
    assert names == list(CLASSES)
    points = artifact.metadata["confidenceMetrics"]
    assert points[0]["recall"] == 0.0
    assert points[-1]["recall"] == 1.0
    assert Path(artifact.path).is_file()


def test_curves_end_where_everything_is_found(dataset: Path) -> None:
    from components.evaluate.classification.outcome import predict_batches
    from components.evaluate.classification.spectra_baselines import SpectraBaselines

    baselines = SpectraBaselines(dataset / "dataset.parquet", CLASSES, 1)
    rows = read_table(dataset / "dataset.parquet", split="test")
    fields = [field.name for field in spectra.FIELDS]
    outcome = predict_batches([rows], Blue(dataset), baselines, spectra.INPUTS, fields, "QSO")
    curves = draw_curves(outcome, outcome.columns["object_id"], spectra.SPECTRA.features, 20, 1)
    for curve in curves.roc.values():
        assert (curve["fpr"][-1], curve["tpr"][-1]) == (1.0, 1.0)
        assert np.all(np.diff(curve["fpr"]) >= 0)
        assert len(curve["fpr"]) <= 202
    assert sum(curves.reliability["count"]) == len(rows["id"])
    assert np.all(outcome.predictions.right[outcome.worst] == 0)


def test_stars_have_no_redshift_to_match(dataset: Path) -> None:
    from components.evaluate.classification.outcome import predict_batches
    from components.evaluate.classification.spectra_baselines import SpectraBaselines

    classes = (*CLASSES, "STAR")
    baselines = SpectraBaselines(dataset / "dataset.parquet", classes, 1)
    rows = read_table(dataset / "dataset.parquet", split="test")
    fields = [field.name for field in spectra.FIELDS]
    outcome = predict_batches([rows], Blue(dataset, classes), baselines, spectra.INPUTS, fields, "QSO")
    assert outcome.probability.shape[1] == 3
    assert np.all(outcome.baselines["colours"][:, 2] == 0), "the training rows have no star"
    assert spectra.SPECTRA.extra_scores(outcome, 10, 1) == {}
