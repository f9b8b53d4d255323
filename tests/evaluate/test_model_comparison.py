"""Regressors side by side on a few hundred galaxies."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from astropy.io import fits

from components.common.errors import InputError
from components.common.tables import read_table
from components.evaluate.model_comparison.diagrams import draw_distributions, draw_score_against_components
from components.evaluate.model_comparison.evaluation import evaluate
from components.evaluate.model_comparison.scores import MAGNITUDE
from components.evaluate.settings import Settings
from components.train.regressors.inference import load_model


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
        "Further targets",
        "The velocity dispersion of",
    ):
        assert words in page
    table = read_table(tmp_path / "out" / "predictions.parquet")
    assert len(table["id"]) == metrics["rows"]["test"]
    assert metrics["curves"]["pca"]["chosen"].keys() == {"ridge", "linear"}
    dispersion = metrics["further"]["velocity_dispersion"]
    assert dispersion["models"].keys() == {"ridge on pca", "linear on pca"}
    assert dispersion["best"] in dispersion["models"]
    assert dispersion["rows"] == metrics["rows"]["test"]
    assert 20 < dispersion["constant"]["rms"]["value"] < 100
    assert 0.4 < dispersion["models"][dispersion["best"]]["coverage_68"]["value"] < 0.9
    assert load_model(regressors / "best" / "further" / "velocity_dispersion").name == dispersion["best"]


def test_no_model_to_compare(galaxies: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no model"):
        evaluate(galaxies / "data", tmp_path, tmp_path / "out", Settings())


def test_real_galaxies_are_scored_apart(galaxies: Path, regressors: Path, real_data: Path, tmp_path: Path) -> None:
    folder = real_data / "sdss" / "spectra"
    settings = Settings(bootstrap=50, seed=1, external=str(folder))
    metrics = evaluate(galaxies / "data", regressors / "models", tmp_path / "out", settings)
    listed = metrics["external_spectra"]
    assert len(listed) == 7
    far = next(entry for entry in listed if entry["id"] == "3586-55181-0003")
    assert not far["scored"], "its redshift of 0.59 is outside of the training data"
    assert "UNFAMILIAR" in far["warnings"]
    assert sum(entry["scored"] for entry in listed) == metrics["rows"]["external"] == 6
    assert metrics["external"].keys() == metrics["scores"].keys()
    assert metrics["external_models"].keys() == metrics["models"].keys()
    assert metrics["external_provenance"]["origin"] == "real"
    # the survey's own magnitudes, of spectra that no model has seen
    assert metrics["external"]["magnitude_r_rms"]["value"] < 0.15
    table = read_table(tmp_path / "out" / "external_predictions.parquet")
    assert len(table["id"]) == 7
    rejected = read_table(tmp_path / "out" / "external_rejected.parquet")
    assert len(rejected["id"]) + 7 == metrics["external_provenance"]["requested"]
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "Real spectra" in page
    assert "3586-55181-0003" in page


def test_a_spectrum_without_a_magnitude_has_no_error_of_it(
    galaxies: Path, regressors: Path, real_data: Path, tmp_path: Path
) -> None:
    """SkyServer's CSV says nothing of the light in the fibre."""
    name = "spec-0266-51602-0573"
    coadd = fits.getdata(real_data / "sdss" / "spectra" / f"{name}.fits", 1)
    pixels = {"Wavelength": 10 ** coadd["loglam"].astype(float), "Flux": coadd["flux"].astype(float)}
    (tmp_path / "in").mkdir()
    pd.DataFrame(pixels).to_csv(tmp_path / "in" / f"{name}.csv", index=False)
    (tmp_path / "in" / "labels.csv").write_text(f"file,class,redshift\n{name}.csv,GALAXY,0.26186\n")
    settings = Settings(bootstrap=20, seed=1, external=str(tmp_path / "in"))
    metrics = evaluate(galaxies / "data", regressors / "models", tmp_path / "out", settings)
    assert metrics["external_spectra"][0]["magnitude_r_error"] is None
    assert metrics["external"].keys() == metrics["scores"].keys() - {score.name for score in MAGNITUDE}
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert not re.search(r"\bnan\b", page)


def test_a_folder_without_galaxies_is_refused(
    galaxies: Path, regressors: Path, real_data: Path, tmp_path: Path
) -> None:
    (tmp_path / "stars").mkdir()
    star = real_data / "sdss" / "spectra" / "spec-9367-57758-0500.fits"
    (tmp_path / "stars" / star.name).symlink_to(star)
    settings = Settings(bootstrap=50, external=str(tmp_path / "stars"))
    with pytest.raises(InputError, match="can be used"):
        evaluate(galaxies / "data", regressors / "models", tmp_path / "out", settings)
    with pytest.raises(InputError, match="no folder"):
        Settings(external=str(tmp_path / "nowhere"))


def test_what_is_the_same_in_all_spectra_can_be_drawn() -> None:
    """As the coverage where no pixel is missing, which comes in single precision."""
    drawn = draw_distributions(np.full(40, 0.97, dtype=np.float32), "coverage")
    assert "coverage of 40 spectra with a median of 0.97" in drawn.alt


def test_errors_between_two_powers_of_ten_have_labels() -> None:
    drawn = draw_score_against_components({"ridge": ([5, 10, 25], [7775.0, 6563.0, 5915.0])})
    assert ">7000</text>" in drawn.svg
