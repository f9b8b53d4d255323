"""Redshifts and magnitudes of real galaxies, and warnings of what no model of nearby galaxies can judge."""

from pathlib import Path

import numpy as np
import pytest

from components.common.tables import read_table
from components.ingest.sdss_spectra.batches import read_spectra
from components.predict.galaxies.prediction import predict, predict_table
from components.predict.galaxies.warnings import BITS, find_warnings
from components.predict.spectra.warnings import BITS as SPECTRUM_BITS
from components.predict.warning_bits import describe
from components.predict.writing import Settings
from components.train.regressors.inference import load_model

NEARBY = "spec-02*.fits"
FAR = "spec-3586-55181-0003.fits"  # redshift 0.589, where training ends at 0.4
QUASARS = "spec-3655-*.fits"


def test_prediction_on_real_files(regressors: Path, real_data: Path, tmp_path: Path) -> None:
    files = sorted((real_data / "sdss" / "spectra").glob(NEARBY))
    predict(
        [*files, tmp_path / "none.fits"], regressors / "best", tmp_path / "out", Settings(csv=True, plots=True)
    )
    table, rejected = (read_table(tmp_path / "out" / f"{name}.parquet") for name in ("predictions", "rejected"))
    assert len(table["id"]) == len(files)
    assert list(rejected["reason"]) == ["no file"]
    assert np.isfinite(table["magnitude_r"]).all()
    assert (table["sigma"] > 0).all()
    # Real ones are 60 to 300 km/s; what five hundred spectra at 16 pixels a bin teach of them is hardly more.
    assert ((table["velocity_dispersion"] > 30) & (table["velocity_dispersion"] < 500)).all()
    assert (table["velocity_dispersion_sigma"] > 0).all()
    assert "stellar_mass" not in table, "nobody has trained it"
    assert len(list((tmp_path / "out" / "plots").glob("*.svg"))) == len(files)


@pytest.mark.parametrize("wanted", [FAR, QUASARS])
def test_what_is_unlike_the_training_data_is_said_to_be_and_gets_no_error(
    regressors: Path, real_data: Path, tmp_path: Path, wanted: str
) -> None:
    files = sorted((real_data / "sdss" / "spectra").glob(wanted))
    predict(files, regressors / "best", tmp_path / "out", Settings(plots=wanted == FAR))
    table = read_table(tmp_path / "out" / "predictions.parquet")
    unfamiliar = np.array(["UNFAMILIAR" in names for names in table["warnings"]])
    assert unfamiliar.mean() > 0.9  # a faint quasar may look like a galaxy
    for name in ("sigma", "low68", "high68", "magnitude_r_sigma"):
        assert np.isnan(table[name][unfamiliar]).all()
    if wanted == FAR:
        assert unfamiliar.all()
        drawing = next((tmp_path / "out" / "plots").glob("*.svg")).read_text(encoding="utf-8")
        assert "UNFAMILIAR" in drawing


def test_galaxies_near_and_simulated_are_familiar(regressors: Path, galaxies: Path, real_data: Path) -> None:
    model = load_model(regressors / "best")
    near = predict_table(read_spectra(sorted((real_data / "sdss" / "spectra").glob(NEARBY))).columns, model)
    raw = read_table(galaxies / "raw" / "dataset.parquet")
    simulated = predict_table(raw, model)
    assert not (near.columns["warning"] & BITS["UNFAMILIAR"]).any()
    assert np.mean(simulated.columns["warning"] & BITS["UNFAMILIAR"] > 0) < 0.02


def test_noise_alone_does_not_make_a_spectrum_unfamiliar(regressors: Path, galaxies: Path) -> None:
    model = load_model(regressors / "best")
    raw = read_table(galaxies / "raw" / "dataset.parquet")
    bright = np.argsort(raw["sn_median"])[-50:]
    rows = {name: values[bright].copy() for name, values in raw.items()}
    seen = rows["ivar"] > 0
    noise = np.where(seen, 10 / np.sqrt(np.where(seen, rows["ivar"], 1.0)), 0.0)
    rows["flux"] += (noise * np.random.default_rng(0).standard_normal(noise.shape)).astype(np.float32)
    rows["ivar"] /= 101.0
    departure = model.familiarity.departure(predict_table(rows, model).inputs)
    assert np.mean(departure > model.familiarity.limit) < 0.1


def test_bits_are_those_of_other_spectra_and_add_up() -> None:
    assert all(SPECTRUM_BITS.get(name, bit) == bit for name, bit in BITS.items())
    assert len(set(BITS.values()) | set(SPECTRUM_BITS.values())) == len({*BITS, *SPECTRUM_BITS})
    spectra = {
        "sn_median": np.array([5.0, 0.5]), "resampled": np.array([False, True]), "zwarning": np.array([0, 4]),
    }  # fmt: skip
    bits = find_warnings(
        np.array([0.1, 0.5]), [0.01, 0.4], np.array([1.0, 0.2], np.float32), np.array([False, True]), spectra
    )
    assert bits[0] == 0
    assert set(describe(int(bits[1]), BITS)) == set(BITS)
