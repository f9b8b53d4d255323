"""Classes of new spectra: real files in, probabilities and warnings out, and what cannot be used named."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from components.common.errors import InputError
from components.common.provenance import Provenance
from components.common.tables import read_table
from components.ingest.sdss_spectra.batches import read_spectra
from components.physics.wavelength_grid import WavelengthGrid
from components.predict.classes.prediction import fields, predict, predict_table, write_predictions
from components.predict.classes.warnings import BITS, find_warnings
from components.predict.spectra.prediction import predict as predict_redshifts
from components.predict.warning_bits import describe
from components.predict.writing import Settings
from components.preprocess.spectra.preparation import Preparation
from components.train.conv1d.class_answer import ClassAnswer
from components.train.conv1d.inference import Conv1dModel, save_model
from components.train.conv1d.network import Architecture

CLASSES = ("QSO", "GALAXY")


class Third:
    """Gives quasars a third of the probability, whatever the spectrum."""

    def __init__(self, classes: tuple[str, ...] = CLASSES):
        self.preprocess_settings = Preparation(
            WavelengthGrid(bin_pixels=16), "robust", "interpolate"
        ).to_settings()
        self.classes = classes
        self.seen: list[tuple[int, ...]] = []

    def predict(self, *data: np.ndarray) -> np.ndarray:
        self.seen += [values.shape for values in data]
        return np.tile([1 / 3, 2 / 3], (len(data[0]), 1))


@pytest.fixture
def files(real_data: Path) -> list[Path]:
    return sorted((real_data / "sdss" / "spectra").glob("spec-3655-*.fits"))[:4]


def test_files_become_rows_with_probabilities(files: list[Path], tmp_path: Path) -> None:
    broken = tmp_path / "spec-0000-00000-0000.fits"
    broken.write_bytes(b"no spectrum")
    model = Third()
    write_predictions(
        [*files, broken], model, tmp_path / "out", Settings(csv=True, plots=True), Provenance("real", "files")
    )
    table = read_table(tmp_path / "out" / "predictions.parquet")
    assert list(table) == [field.name for field in fields(CLASSES)]
    assert set(table["label"]) == {"GALAXY"}
    np.testing.assert_allclose(table["probability"], 2 / 3)
    np.testing.assert_allclose(table["probability_QSO"] + table["probability_GALAXY"], 1.0)
    assert all("UNSURE" in text.split() for text in table["warnings"])
    assert [Path(name).name for name in table["file"]] == [file.name for file in files]
    assert model.seen == [(4, model_pixels()), (4, model_pixels())]
    rejected = read_table(tmp_path / "out" / "rejected.parquet")
    assert list(rejected["id"]) == [broken.name]
    assert len(pd.read_csv(tmp_path / "out" / "predictions.csv")) == 4
    pictures = sorted((tmp_path / "out" / "plots").iterdir())
    assert len(pictures) == 4
    assert "GALAXY" in pictures[0].read_text(encoding="utf-8")


def model_pixels() -> int:
    return WavelengthGrid(bin_pixels=16).pixels


def test_not_one_usable_file_is_an_error_that_says_where_to_look(tmp_path: Path) -> None:
    broken = tmp_path / "spec-0000-00000-0000.fits"
    broken.write_bytes(b"no spectrum")
    with pytest.raises(InputError, match="None of the 1 spectra can be used"):
        write_predictions([broken], Third(), tmp_path / "out", Settings(csv=True), Provenance("real", "files"))
    assert len(read_table(tmp_path / "out" / "rejected.parquet")["id"]) == 1


def test_a_model_of_classes_is_refused_where_redshifts_are_asked_for(files: list[Path], tmp_path: Path) -> None:
    architecture = Architecture("paper", model_pixels(), 1, [9, 5, 3], [2, 3, 4], 2)
    answer = ClassAnswer(CLASSES, (1.0, 1.0))
    record = {"settings": {"target": "spectral_class", "precision": "float32"}}
    model = Conv1dModel(architecture.build(), architecture, answer, Third().preprocess_settings, record)
    save_model(tmp_path / "model", model, [])
    with pytest.raises(InputError, match="tells QSO, GALAXY apart and knows no redshifts"):
        predict_redshifts(files, tmp_path / "model", tmp_path / "out", Settings())


def test_a_model_of_redshifts_is_refused(files: list[Path]) -> None:
    with pytest.raises(InputError, match="trained to predict a number"):
        predict_table(read_spectra(files).columns, Third(()))


def test_a_folder_without_a_model_is_told(files: list[Path], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not a model of this software"):
        predict(files, tmp_path / "nothing", tmp_path / "out", Settings())


def test_each_warning_is_given_for_its_reason() -> None:
    probability = np.array([[0.9, 0.1]] * 5 + [[0.6, 0.4]])
    coverage = np.array([1, 1, 0.4, 1, 1, 1], dtype=np.float32)
    spectra = {
        "sn_median": np.array([5, 0.5, 5, 5, 5, 5], dtype=np.float32),
        "resampled": np.array([False, False, False, True, False, False]),
        "zwarning": np.array([0, 0, 0, 0, 4, 0]),
    }
    bits = find_warnings(probability, coverage, spectra)
    names = [" ".join(describe(int(value), BITS)) for value in bits]
    assert names == ["", "LOW_SN", "LITTLE_COVERAGE", "RESAMPLED", "ZWARNING_INPUT", "UNSURE"]
    assert len(set(BITS.values())) == len(BITS)
