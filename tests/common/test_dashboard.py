"""What the Kubeflow UI is given, with the real artifacts of kfp."""

import json
from pathlib import Path

import numpy as np
import pytest
from kfp.dsl import HTML, ClassificationMetrics, Metrics

from components.common.dashboard import show_confidence, show_page, show_scalars, show_training


def test_scalars_are_listed_and_the_file_is_there(tmp_path: Path) -> None:
    metrics = Metrics(uri=str(tmp_path / "new" / "metrics"))
    show_scalars(metrics, {"accuracy": np.float32(0.5), "nothing": None, "undefined": float("nan")})
    assert metrics.metadata == {"accuracy": 0.5}
    assert json.loads((tmp_path / "new" / "metrics").read_text()) == {"accuracy": 0.5}


def test_metrics_without_numbers_still_have_their_file(tmp_path: Path) -> None:
    show_scalars(Metrics(uri=str(tmp_path / "metrics")), {})
    assert (tmp_path / "metrics").is_file(), "without it Kubeflow never serves the stage from its cache"


def test_training_is_told_by_its_best_epoch(tmp_path: Path) -> None:
    epochs = [{"epoch": n, "validation_loss": loss} for n, loss in ((1, 0.9), (2, 0.4), (3, 0.5))]
    (tmp_path / "history.json").write_text(json.dumps(epochs))
    metrics = Metrics(uri=str(tmp_path / "metrics"))
    show_training(metrics, tmp_path)
    assert metrics.metadata == {"epoch": 2.0, "validation_loss": 0.4, "epochs_run": 3.0}


def test_boosting_is_told_by_its_best_round(tmp_path: Path) -> None:
    (tmp_path / "history.json").write_text(json.dumps([{"round": 1, "validation_loss": 0.5}]))
    metrics = Metrics(uri=str(tmp_path / "metrics"))
    show_training(metrics, tmp_path)
    assert metrics.metadata == {"round": 1.0, "validation_loss": 0.5, "rounds_run": 1.0}


def test_confidence_is_the_roc_curve_of_the_uncertainty(tmp_path: Path) -> None:
    wrong_answers = np.array([0, 0, 1, 0, 1, 1], dtype=bool)  # in order of rising uncertainty
    kept = np.arange(1, 7) / 6
    curve = ClassificationMetrics(uri=str(tmp_path / "curve"))
    show_confidence(curve, kept.tolist(), (np.cumsum(wrong_answers) / np.arange(1, 7)).tolist())
    points = curve.metadata["confidenceMetrics"]
    assert [p["recall"] for p in points] == pytest.approx([0, 1 / 3, 2 / 3, 2 / 3, 1, 1, 1])
    assert [p["falsePositiveRate"] for p in points] == pytest.approx([0, 0, 0, 1 / 3, 1 / 3, 2 / 3, 1])
    assert (tmp_path / "curve").is_file()


@pytest.mark.parametrize("wrong", [[0.0, 0.0], [1.0, 1.0], []])
def test_without_both_kinds_of_answers_there_is_no_curve_but_a_file(tmp_path: Path, wrong: list[float]) -> None:
    curve = ClassificationMetrics(uri=str(tmp_path / "curve"))
    show_confidence(curve, [0.5, 1.0][: len(wrong)], wrong)
    assert "confidenceMetrics" not in curve.metadata
    assert (tmp_path / "curve").is_file()


def test_the_page_is_shown_as_it_is(tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    page.write_text("<!doctype html>")
    show_page(HTML(uri=str(tmp_path / "out" / "report")), page)
    assert (tmp_path / "out" / "report").read_text() == "<!doctype html>"
