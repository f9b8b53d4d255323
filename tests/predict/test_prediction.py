"""From spectrum files to the table of predictions, with a model simple enough to know its answer."""

import xml.etree.ElementTree as ET
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from astropy.io import fits

from components.common.distributions import BinnedDistribution
from components.common.errors import ArmillaryError, InputError
from components.common.provenance import Provenance
from components.common.tables import read_provenance, read_table
from components.ingest.sdss_spectra.batches import read_spectra
from components.ingest.sdss_spectra.ingestion import Settings as IngestSettings
from components.ingest.sdss_spectra.ingestion import ingest
from components.physics.spectral_lines import LYMAN_ALPHA_ANGSTROM
from components.physics.wavelength_grid import WavelengthGrid
from components.predict.spectra.prediction import FIELDS, predict, predict_table, write_predictions
from components.predict.spectra.spectrum_files import find_inputs
from components.predict.writing import Settings
from components.preprocess.spectra.preparation import Preparation
from components.preprocess.spectra.preprocessing import Settings as PreprocessSettings
from components.preprocess.spectra.preprocessing import preprocess
from components.train.conv1d.inference import load_model
from components.train.conv1d.training import Settings as TrainSettings
from components.train.conv1d.training import train
from pipelines.commands.predict import predict as command

PREPARATION = Preparation(WavelengthGrid(bin_pixels=4), "robust", "interpolate")
ORIGIN = Provenance("real", "a test")


class BrightestIsLymanAlpha:
    """Take the brightest stretch of the observed spectrum for Lyman alpha, sure to 1000 km/s."""

    edges = np.expm1(np.linspace(0, np.log(8), 1025))

    @property
    def preprocess_settings(self) -> Mapping[str, Any]:
        return {**PREPARATION.to_settings(), "minimum_coverage": 0.5}

    def predict(self, flux: npt.NDArray[np.float32], ivar: npt.NDArray[np.float32]) -> BinnedDistribution:
        assert flux.shape == ivar.shape
        assert flux.shape[1] == PREPARATION.grid.pixels
        window = np.ones(9) / 9
        smooth = np.array([np.convolve(row, window, mode="same") for row in flux])
        at = np.log(PREPARATION.grid.wavelength_angstrom[smooth.argmax(axis=1)] / LYMAN_ALPHA_ANGSTROM)
        centres = np.log1p((self.edges[1:] + self.edges[:-1]) / 2)
        density = np.exp(-0.5 * ((centres - at[:, None]) / (1000 / 299792.458)) ** 2) + 1e-12
        return BinnedDistribution(self.edges, (density / density.sum(axis=1, keepdims=True)).astype(np.float32))


@pytest.fixture
def spectra(real_data: Path) -> Path:
    return real_data / "sdss" / "spectra"


def _write(files: list[Path], output: Path, **settings: bool) -> dict[str, np.ndarray]:
    write_predictions(files, BrightestIsLymanAlpha(), output, Settings(**settings), ORIGIN)
    return read_table(output / "predictions.parquet")


def test_every_real_spectrum_gets_a_row(spectra: Path, tmp_path: Path) -> None:
    files = find_inputs(spectra)
    table = _write(files, tmp_path)
    rejected = read_table(tmp_path / "rejected.parquet")
    assert list(table) == [field.name for field in FIELDS]
    assert len(table["id"]) + len(rejected["id"]) == len(files)
    assert len(table["id"]) >= 0.9 * len(files)
    for name in ("redshift", "sigma", "low68", "high68", "confidence", "coverage", "sn_median"):
        assert np.isfinite(table[name]).all(), name
    assert (table["low68"] < table["high68"]).all()


def test_where_lyman_alpha_is_the_brightest_line_the_redshift_is_right(spectra: Path, tmp_path: Path) -> None:
    """Pixels, wavelengths and rows are in their places: real quasars, and nothing learnt."""
    table = _write(find_inputs(spectra), tmp_path)
    inside = (table["file_redshift"] > 2.3) & (table["sn_median"] > 4)
    assert inside.sum() >= 3
    dv = 299792 * (table["redshift"] - table["file_redshift"]) / (1 + table["file_redshift"])
    # Absorption eats the blue side of the line: its brightest stretch may lie some thousand km/s to the red.
    assert np.median(np.abs(dv[inside])) < 3000


def test_batches_do_not_change_the_answer(spectra: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = find_inputs(spectra)
    whole = _write(files, tmp_path / "whole")
    monkeypatch.setattr("components.predict.spectra.spectrum_files.SPECTRA_PER_BATCH", 5)
    parts = _write(files, tmp_path / "parts")
    for name in whole:
        if whole[name].dtype.kind == "f":  # matrix products sum in an order that depends on the number of rows
            np.testing.assert_allclose(parts[name], whole[name], rtol=1e-12)
        else:
            assert np.array_equal(parts[name], whole[name]), name


@pytest.fixture
def damaged(spectra: Path, tmp_path: Path) -> list[Path]:
    """Two good files, and one each that is cut off, all NaN, without good pixels, no spectrum, not there."""
    good = sorted(spectra.glob("spec-3655*.fits"))[:2]
    folder = tmp_path / "damaged"
    folder.mkdir()
    cut = folder / "cut.fits"
    cut.write_bytes(good[0].read_bytes()[:40_000])
    files = [good[0], cut]
    for name, column, value in (("nan.fits", "flux", np.nan), ("masked.fits", "ivar", 0.0)):
        with fits.open(good[1]) as hdus:
            hdus[1].data[column][:] = value
            hdus.writeto(folder / name)
        files.append(folder / name)
    page = folder / "page.fits"
    page.write_text("<html>404 not found</html>")
    return [*files, page, folder / "absent.fits", good[1]]


def test_bad_files_are_listed_with_their_reason_among_good_ones(damaged: list[Path], tmp_path: Path) -> None:
    table = _write(damaged, tmp_path / "out")
    rejected = read_table(tmp_path / "out" / "rejected.parquet")
    assert list(table["file"]) == [str(damaged[0]), str(damaged[-1])]
    assert set(rejected["id"]) == {"cut.fits", "nan.fits", "masked.fits", "page.fits", "absent.fits"}
    assert all(rejected["reason"])
    counts = read_provenance(tmp_path / "out" / "predictions.parquet").rejected
    assert sum(counts.values()) == len(rejected["id"])


def test_only_bad_files_are_an_error_that_leaves_the_reasons(damaged: list[Path], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="None of the 5"):
        _write(damaged[1:-1], tmp_path / "out")
    assert len(read_table(tmp_path / "out" / "rejected.parquet")["id"]) == 5
    assert len(read_table(tmp_path / "out" / "predictions.parquet")["id"]) == 0


def test_spectra_that_cannot_be_prepared_are_rejected_and_rows_keep_their_place(spectra: Path) -> None:
    columns = read_spectra(sorted(spectra.glob("spec-3655*.fits"))[:4]).columns
    flux, ivar = columns["flux"].copy(), columns["ivar"].copy()
    flux[1] = 7.0
    ivar[2] = 0
    broken = predict_table({**columns, "flux": flux, "ivar": ivar}, BrightestIsLymanAlpha())
    assert broken.ready.rows.tolist() == [0, 3]
    assert [(i, reason) for i, reason, _ in broken.ready.rejected] == [
        (columns["id"][1], "constant flux"),
        (columns["id"][2], "no good pixel"),
    ]
    every = predict_table(columns, BrightestIsLymanAlpha())
    # The weighted means of the peaks are matrix products, whose order of summation depends on the number of rows.
    np.testing.assert_allclose(broken.columns["redshift"], every.columns["redshift"][[0, 3]], rtol=1e-12)
    assert len(broken.distribution) == len(broken.ready.prepared.flux) == 2


def test_csv_says_what_the_parquet_says(damaged: list[Path], tmp_path: Path) -> None:
    table = _write(damaged, tmp_path / "out", csv=True)
    csv = pd.read_csv(tmp_path / "out" / "predictions.csv", keep_default_na=False, na_values={"redshift": [""]})
    assert list(csv.columns) == list(table)
    assert list(csv["id"]) == list(table["id"])
    np.testing.assert_allclose(csv["redshift"], table["redshift"], rtol=1e-5)  # six digits


def test_plots_are_one_drawing_a_spectrum(damaged: list[Path], tmp_path: Path) -> None:
    table = _write(damaged, tmp_path / "out", plots=True)
    plots = sorted((tmp_path / "out" / "plots").iterdir())
    assert [plot.name for plot in plots] == [f"{n:06d}-{i}.svg" for n, i in enumerate(table["id"], start=1)]
    for plot in plots:
        text = " ".join(ET.parse(plot).getroot().itertext())
        assert "Redshift" in text
        assert plot.stem.split("-", 1)[1] in text
        assert "Mg II" in text or "C IV" in text


def test_inputs_may_be_files_and_folders(spectra: Path) -> None:
    every = find_inputs(spectra)
    assert find_inputs([every[0], spectra]) == [every[0], *every]
    assert find_inputs([spectra / "labels.csv", every[1]]) == [every[1]]
    with pytest.raises(InputError, match="no spectrum"):
        find_inputs([])


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a model that went through the stages, though not far."""
    folder = tmp_path_factory.mktemp("trained")
    ingest(folder / "spectra", IngestSettings(source="simulated", rows=120, seed=1))
    preprocess(folder / "spectra", folder / "dataset", PreprocessSettings(bin_pixels=8))
    train(folder / "dataset", folder / "model", TrainSettings(epochs=1, channels=[4, 4, 4], templates=4))
    return folder / "model"


def test_a_model_folder_is_enough_to_predict_with(trained: Path, damaged: list[Path], tmp_path: Path) -> None:
    predict(damaged, trained, tmp_path / "out", Settings(csv=True))
    table = read_table(tmp_path / "out" / "predictions.parquet")
    assert list(table["file"]) == [str(damaged[0]), str(damaged[-1])]
    model = load_model(trained)
    assert Preparation.from_settings(model.preprocess_settings).grid.bin_pixels == 8
    own = predict_table(read_spectra([damaged[0], damaged[-1]]).columns, model)
    np.testing.assert_allclose(table["redshift"], own.columns["redshift"], rtol=1e-6)
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "predictions.parquet", "predictions.csv", "rejected.parquet",
    }  # fmt: skip


def test_a_missing_model_is_an_error(damaged: list[Path], tmp_path: Path) -> None:
    with pytest.raises(ArmillaryError, match="no-model"):
        predict(damaged, tmp_path / "no-model", tmp_path / "out", Settings())
    assert not (tmp_path / "out").exists()


def test_the_command_names_each_bad_file_also_where_none_is_good(
    trained: Path,
    damaged: list[Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("ARMILLARY_HOME", str(tmp_path / "home"))
    constant = tmp_path / "constant.fits"
    with fits.open(damaged[0]) as hdus:
        hdus[1].data["flux"][:] = 1
        hdus.writeto(constant)
    bad = [file for file in damaged[1:-1] if file.exists()] + [constant]
    with pytest.raises(InputError, match=r"Nothing is left to predict for"):
        command("quasar-redshift", bad, model=str(trained), out=None, plots=None)
    said = capsys.readouterr().err
    assert all(str(file) in said for file in bad)
    assert (
        command("quasar-redshift", [*bad, damaged[0]], model=str(trained), out=tmp_path / "z.csv", plots=None) == 0
    )
    assert len((tmp_path / "z.csv").read_text().splitlines()) == 2
