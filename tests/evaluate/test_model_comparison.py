"""Regressors side by side on a few hundred galaxies."""

from pathlib import Path

import pytest

from components.common.errors import InputError
from components.common.tables import read_table
from components.evaluate.model_comparison.evaluation import Settings, evaluate


def test_comparison_tells_everything(galaxies: Path, regressors: Path, tmp_path: Path) -> None:
    metrics = evaluate(galaxies / "data", regressors / "models", tmp_path / "out", Settings(bootstrap=50, seed=1))
    assert {"nmad_km_s", "magnitude_r_rms", "outlier_fraction", "coverage_68"} <= metrics["scores"].keys()
    assert metrics["origin"] == "semi-empirical"
    assert set(metrics["models"]) == {"ridge on pca", "linear on pca"}
    assert metrics["best"] in metrics["models"]
    own, scan = metrics["scores"]["nmad_km_s"], metrics["baselines"]["template_scan"]["nmad_km_s"]
    assert own["low"] <= own["value"] <= own["high"] < own["baseline"]
    assert scan["value"] < own["value"]
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    for words in (
        "How efficient is your model now?",
        "neither: no ROC curve",
        "Principal components",
        "template scan",
    ):
        assert words in page
    table = read_table(tmp_path / "out" / "predictions.parquet")
    assert len(table["id"]) == metrics["rows"]["test"]
    assert metrics["curves"]["pca"]["chosen"].keys() == {"ridge", "linear"}


def test_no_model_to_compare(galaxies: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no model"):
        evaluate(galaxies / "data", tmp_path, tmp_path / "out", Settings())
