"""Strain evaluated: the bound, what is found by loudness, what changed windows do, and the report."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from components.common.errors import InputError
from components.common.scores_classification import ClassPredictions, roc_auc
from components.common.tables import read_settings, read_table
from components.evaluate.classification.evaluation import Settings, evaluate_model
from components.evaluate.classification.outcome import Outcome
from components.evaluate.classification.strain import CHANGES
from components.evaluate.classification.strain_baselines import MATCHED_FILTER
from components.evaluate.classification.strain_efficiency import auc_ratio, efficiency_by, half_efficiency
from components.ingest.gw_strain.g2net_source import check_folder
from components.ingest.gw_strain.ingestion import Settings as IngestSettings
from components.ingest.gw_strain.ingestion import ingest
from components.preprocess.strain.preprocessing import Settings as PreprocessSettings
from components.preprocess.strain.preprocessing import preprocess
from components.train.conv1d.class_answer import ClassAnswer
from components.train.conv1d.inference import Conv1dModel
from components.train.conv1d.network import Architecture

RATE, SAMPLES = 2048.0, 4096


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("strain")
    ingest(folder / "raw", IngestSettings(rows=400, snr_mean=6.0, seed=3))
    preprocess(folder / "raw", folder / "white", PreprocessSettings(test_fraction=0.3, seed=3))
    return folder / "white"


def _model(dataset: Path) -> Conv1dModel:
    """A network as it is before any training."""
    options = {"groups": [[0, 1], [2]], "strides": [4, 2, 2, 2], "dropout": 0.0}
    plan = Architecture("strided", SAMPLES, 3, [32, 16, 8], [4, 4, 8], 2, options, "strain")
    torch.manual_seed(1)
    answer = ClassAnswer(("noise", "signal"), (1.0, 1.0))
    stored = read_settings(dataset / "dataset.parquet")
    return Conv1dModel(plan.build().eval(), plan, answer, stored, {"settings": {"precision": "float32"}})


def _outcome(rows: int = 4000, seed: int = 0) -> Outcome:
    """Half are waves of S/N 2 to 12, and both methods rank by the S/N with an error of 1."""
    rng = np.random.default_rng(seed)
    truth = np.arange(rows) % 2
    snr = truth * rng.uniform(2, 12, rows)
    first, second = (1 / (1 + np.exp(-(snr + rng.normal(size=rows)) / 4)) for _ in range(2))
    columns: dict[str, Any] = {
        "id": np.arange(rows).astype(str).astype(object),
        "group_id": np.arange(rows).astype(str).astype(object),
        "snr_network": snr,
    }
    empty = np.empty(0, dtype=np.int64)
    both = {MATCHED_FILTER: np.stack([1 - second, second], 1)}
    probability = np.stack([1 - first, first], 1)
    return Outcome(("noise", "signal"), 1, columns, truth, probability, both, empty, {}, empty, {})


def test_everything_is_scored_beside_the_matched_filter(dataset: Path, tmp_path: Path) -> None:
    settings = Settings(headline="roc_auc", bootstrap=100, slug="gravitational-waves", title="Waves")
    metrics = evaluate_model(dataset, _model(dataset), tmp_path, settings, [])
    auc = {name: scores["roc_auc"]["value"] for name, scores in metrics["baselines"].items()}
    assert auc["majority"] == 0.5
    assert auc[MATCHED_FILTER] > 0.95, "waves of an S/N of 10 are hard to miss"
    assert auc[MATCHED_FILTER] > auc["excess_power"] > 0.6
    own = metrics["scores"]
    ratio = own["auc_over_matched_filter"]
    assert ratio["value"] == pytest.approx(own["roc_auc"]["value"] / auc[MATCHED_FILTER])
    assert ratio["low"] <= ratio["value"] <= ratio["high"]
    assert {"tpr_at_fpr_1e-1", "tpr_at_fpr_1e-2", "tpr_at_fpr_1e-3", "ece", "balanced_accuracy"} <= set(own)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    for text in ("600 templates", "What it rests on", "Livingston 0.2 s later", "Found, missed, mistaken"):
        assert text in page
    assert "Spectrograms of H1, L1, V1" in page
    table = read_table(tmp_path / "predictions.parquet")
    assert set(table["truth"]) == {"noise", "signal"}
    assert np.all(table["snr_network"][table["truth"] == "noise"] == 0)


def test_windows_whitened_otherwise_are_refused(dataset: Path, tmp_path: Path) -> None:
    model = _model(dataset)
    other = dataclasses.replace(model, preprocess_settings={**model.preprocess_settings, "low_hz": 30.0})
    with pytest.raises(InputError, match="prepared otherwise"):
        evaluate_model(dataset, other, tmp_path, Settings(headline="roc_auc"), [])


def test_ratio_of_areas_is_paired() -> None:
    outcome = _outcome()
    groups = outcome.columns["group_id"]
    same = dataclasses.replace(outcome, probability=outcome.baselines[MATCHED_FILTER])
    itself = auc_ratio(same, groups, 100, 0)
    assert (itself.value, itself.low, itself.high) == (1.0, 1.0, 1.0)
    found = auc_ratio(outcome, groups, 200, 0)
    assert found.low < 1 < found.high, "both are equally good"
    ones = np.ones((1, len(outcome)))
    alone = ClassPredictions(outcome.truth, outcome.probability)
    assert found.value == pytest.approx(
        float((roc_auc(alone, ones) / roc_auc(outcome.baseline(MATCHED_FILTER), ones))[0])
    )


def test_half_of_the_waves_are_found_where_the_noise_reaches() -> None:
    """The threshold is the highest hundredth of a normal distribution, 2.33: waves of that S/N pass it by half."""
    outcome = _outcome()
    found = half_efficiency(outcome, outcome.columns["group_id"], 100, 0)
    assert found is not None
    assert found.value == pytest.approx(2.33, abs=0.35)
    assert found.low < found.value < found.high
    by = efficiency_by(outcome, "snr_network", (1.0, 2.0, 4.0, 6.0, np.inf))
    assert by.low.tolist() == [2.0, 4.0, 6.0], "no wave is weaker than 2"
    assert np.all(np.diff(by.found["model"]) >= 0)
    assert by.found["model"][-1] > 0.99
    unknown = dataclasses.replace(outcome, columns={**outcome.columns, "snr_network": np.full(4000, np.nan)})
    assert half_efficiency(unknown, outcome.columns["group_id"], 100, 0) is None


def test_changes_do_what_they_are_called() -> None:
    strain = np.random.default_rng(0).normal(size=(2, 3, SAMPLES)).astype(np.float32)
    changed = {name: change(strain, RATE) for name, change in CHANGES.items()}
    np.testing.assert_array_equal(changed["nothing"], strain)
    late = changed["Livingston 0.2 s later"]
    np.testing.assert_array_equal(late[:, 1, 410:], strain[:, 1, :-410])
    np.testing.assert_array_equal(late[:, [0, 2]], strain[:, [0, 2]])
    np.testing.assert_array_equal(changed["Hanford and Livingston exchanged"], strain[:, [1, 0, 2]])
    assert not changed["Virgo silent"][:, 2].any()
    assert not changed["Hanford alone"][:, 1:].any()
    np.testing.assert_array_equal(changed["Hanford alone"][:, 0], strain[:, 0])


def _lay_out(root: Path, windows: int, seed: int = 8) -> Path:
    """Simulated windows in the layout of the competition, as loud as those of the training."""
    ingest(root / "raw", IngestSettings(rows=windows, snr_mean=6.0, seed=seed))
    rows = read_table(root / "raw" / "dataset.parquet", ["id", "label", "strain"])
    lines = ["id,target"]
    for number, (label, strain) in enumerate(zip(rows["label"], rows["strain"], strict=True)):
        name = f"{number:010d}"
        path = root / "g2net" / "train" / name[0] / name[1] / name[2] / f"{name}.npy"
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, 2 * strain)  # of detectors half as good as those of the training
        lines.append(f"{name},{int(label == 'signal')}")
    (root / "g2net" / "training_labels.csv").write_text("\n".join([*lines, "9999999999,1", "0000000000,1"]) + "\n")
    return root / "g2net"


def test_labelled_windows_from_outside_are_whitened_by_their_own_noise(dataset: Path, tmp_path: Path) -> None:
    folder = _lay_out(tmp_path, 160)
    check_folder(str(folder))
    settings = Settings(bootstrap=50, external=str(folder))
    metrics = evaluate_model(dataset, _model(dataset), tmp_path / "out", settings, [])
    assert metrics["rows"]["external"] == 160
    assert metrics["external_provenance"]["origin"] == "simulated"
    assert metrics["external_provenance"]["rejected"] == {"duplicate": 1, "no file": 1}
    bound = metrics["external_baselines"][MATCHED_FILTER]["roc_auc"]["value"]
    same = metrics["baselines"][MATCHED_FILTER]["roc_auc"]
    assert same["low"] - 0.1 < bound < same["high"] + 0.1, "the filter finds in them what it finds in the test set"
    noise = metrics["external_baselines"][MATCHED_FILTER]["ece"]["value"]
    assert noise < 0.15, "and its probabilities hold, although the strain is twice as large"
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "windows of strain from outside" in page.lower()
    assert "Real windows" not in page, "they are simulated"
    assert len(read_table(tmp_path / "out" / "external_predictions.parquet")["id"]) == 160


def test_a_folder_is_looked_over_before_anything_is_trained(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"labels\.csv cannot"):
        check_folder(str(tmp_path))
    (tmp_path / "training_labels.csv").write_text("id,target\n0123456789,1\n")
    with pytest.raises(InputError, match="is labelled noise"):
        check_folder(str(tmp_path))
    (tmp_path / "training_labels.csv").write_text("id,target\n0123456789,1\n0123456780,0\n")
    with pytest.raises(InputError, match="The first window"):
        check_folder(str(tmp_path))
