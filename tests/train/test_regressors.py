"""Regressors on a few hundred galaxies: tuned, stored, honest about their errors, compared."""

from pathlib import Path

import numpy as np
import pytest

from components.common.errors import InputError, ParameterError
from components.common.files import read_json
from components.common.tables import read_table
from components.evaluate.model_comparison.evaluation import Settings as Evaluation
from components.evaluate.model_comparison.evaluation import evaluate
from components.ingest.sdss_spectra.ingestion import Settings as Ingestion
from components.ingest.sdss_spectra.ingestion import ingest
from components.predict.galaxies.prediction import predict
from components.preprocess.spectra.preprocessing import Settings as Preprocessing
from components.preprocess.spectra.preprocessing import preprocess
from components.train.regressors.features import COLUMNS
from components.train.regressors.inference import load_model
from components.train.regressors.several import best_of, train_several
from components.train.regressors.training import Settings, train
from components.train.regressors.uncertainty import LEVELS, Uncertainty, crps_of_quantiles

SMALL = {"tuning_rows": 120, "folds": 2, "epochs": 1, "seed": 1}


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("galaxies")
    ingest(folder / "raw", Ingestion("semi-empirical", rows=500, seed=1, classes=("GALAXY",)))
    preprocess(folder / "raw", folder / "data", Preprocessing(bin_pixels=16, test_fraction=0.2, seed=1))
    return folder / "data"


@pytest.mark.parametrize("features", ["pixels", "pca"])
@pytest.mark.parametrize("kind", ["linear", "ridge", "forest", "svr", "network"])
def test_stored_model_answers_as_the_trained_one(dataset: Path, tmp_path: Path, kind: str, features: str) -> None:
    record = train(dataset, tmp_path / "model", Settings(kind, features, **SMALL))  # type: ignore[arg-type]
    model = load_model(tmp_path / "model")
    rows = read_table(dataset / "dataset.parquet", [*COLUMNS, "redshift", "magnitude_r"], "validation")
    found = model.predict(rows, np.column_stack([rows["redshift"], rows["magnitude_r"]]))
    error = found["magnitude_r"].value - rows["magnitude_r"]
    assert np.sqrt(np.mean(error**2)) == pytest.approx(record["validation"]["magnitude_r_rms"], rel=1e-3)
    assert (found["redshift"].sigma > 0).all()
    inside = (rows["redshift"] > found["redshift"].low68) & (rows["redshift"] < found["redshift"].high68)
    assert 0.5 < inside.mean() < 0.85
    assert record["cost"]["fit_seconds"] > 0
    assert not list((tmp_path / "model").glob("*.pkl"))


def test_magnitude_is_learnt_from_the_flux_scale(dataset: Path, tmp_path: Path) -> None:
    record = train(dataset, tmp_path / "model", Settings("ridge", "pixels", **SMALL))  # type: ignore[arg-type]
    assert record["validation"]["magnitude_r_rms"] < 0.1


@pytest.fixture(scope="module")
def models(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    settings = Settings(**SMALL)  # type: ignore[arg-type]
    records = train_several(dataset, folder / "models", folder / "best", ["ridge", "linear"], ["pca"], settings)
    assert (folder / "best" / "model.json").read_text() == (
        folder / "models" / best_of(records) / "model.json"
    ).read_text()
    return folder


def test_comparison_tells_everything(dataset: Path, models: Path, tmp_path: Path) -> None:
    metrics = evaluate(dataset, models / "models", tmp_path / "out", Evaluation(bootstrap=50, seed=1))
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
    assert read_json(tmp_path / "out" / "metrics.json")["curves"]["pca"]["chosen"].keys() == {"ridge", "linear"}


def test_prediction_on_real_files(models: Path, real_data: Path, tmp_path: Path) -> None:
    files = sorted((real_data / "sdss" / "spectra").glob("spec-02*.fits"))
    predict([*files, tmp_path / "none.fits"], models / "best", tmp_path / "out", csv=True, plots=True)
    table, rejected = (read_table(tmp_path / "out" / f"{name}.parquet") for name in ("predictions", "rejected"))
    assert len(table["id"]) == len(files)
    assert list(rejected["reason"]) == ["no file"]
    assert np.isfinite(table["magnitude_r"]).all()
    assert len(list((tmp_path / "out" / "plots").glob("*.svg"))) == len(files)


def test_no_model_to_compare(dataset: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no model"):
        evaluate(dataset, tmp_path, tmp_path / "out", Evaluation())


def test_unknown_kind() -> None:
    with pytest.raises(ParameterError, match="model_kind"):
        Settings("oracle")


def test_failure_of_one_names_it(tmp_path: Path) -> None:
    from components.common.errors import ArmillaryError

    with pytest.raises(ArmillaryError, match="ridge-pixels"):
        train_several(tmp_path, tmp_path / "m", tmp_path / "b", ["ridge"], ["pixels"], Settings())
    assert not (tmp_path / "m").exists()


def test_uncertainty_finds_what_makes_errors_large() -> None:
    rng = np.random.default_rng(0)
    clue = rng.normal(size=(4000, 2))
    error = np.exp(clue[:, 0]) * rng.standard_t(4, 4000)
    fitted = Uncertainty.fit(clue[:2000], error[:2000])
    rest, value = slice(2000, None), np.zeros(2000)
    low, high = fitted.interval(value, clue[rest])
    assert np.mean((error[rest] > low) & (error[rest] < high)) == pytest.approx(0.683, abs=0.03)
    assert np.corrcoef(np.log(fitted.expected(clue[rest])), clue[rest, 0])[0, 1] > 0.99
    pit = fitted.cdf(value, clue[rest], error[rest])
    assert np.abs(np.sort(pit) - np.linspace(0, 1, 2000)).max() < 0.05


def test_crps_of_a_point_is_its_error_and_of_a_normal_the_formula() -> None:
    from scipy import stats

    assert crps_of_quantiles(np.full((1, len(LEVELS)), 2.0), np.array([5.0]))[0] == pytest.approx(3.0, rel=1e-6)
    normal = stats.norm.ppf(LEVELS)[None]
    assert crps_of_quantiles(normal, np.array([0.0]))[0] == pytest.approx(0.2337, abs=0.002)
