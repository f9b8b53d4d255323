"""A model folder: the same predictions as in memory, and a plain word when it is not one."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from components.common.errors import InputError
from components.train.conv1d.answers import Answer, PointAnswer, RedshiftAnswer
from components.train.conv1d.inference import Conv1dModel, load_model, save_model
from components.train.conv1d.network import Architecture

PIXELS = 120
RECORD = {"settings": {"target": "redshift", "precision": "float32"}}
PREPROCESS = {"grid": {"first_pixel": 35522, "fine_pixels": 4618, "bin_pixels": 4}, "normalisation": "robust"}


def _model(name: str) -> Conv1dModel:
    torch.manual_seed(1)
    answer: Answer
    if name == "paper":
        architecture = Architecture(name, PIXELS, 1, [9, 5, 3], [2, 3, 4], 1)
        answer = PointAnswer(0.1, 4.0, 0.3)
    else:
        options = {"templates": 3, "subpixels": 4, "dropout": 0.3}
        answer = RedshiftAnswer.covering(0.5, 8e-4, 4)
        architecture = Architecture(name, PIXELS, 3, [9, 5, 3], [2, 3, 4], answer.bins.count, options)
    return Conv1dModel(architecture.build(), architecture, answer, PREPROCESS, RECORD)


def _spectra(rows: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(2)
    return (
        rng.standard_normal((rows, PIXELS)).astype("f4"),
        rng.choice([0.0, 1.0, 9.0], (rows, PIXELS)).astype("f4"),
    )


@pytest.fixture(params=["paper", "restframe"])
def model(request: pytest.FixtureRequest) -> Conv1dModel:
    return _model(request.param)


@pytest.fixture
def folder(model: Conv1dModel, tmp_path: Path) -> Path:
    save_model(tmp_path / "model", model, [{"epoch": 1, "validation_loss": 0.5}])
    return tmp_path / "model"


def test_a_stored_model_predicts_as_in_memory(model: Conv1dModel, folder: Path) -> None:
    loaded = load_model(folder)
    here, there = (m.predict(*_spectra(7)) for m in (model, loaded))
    np.testing.assert_array_equal(here.edges, there.edges)
    np.testing.assert_array_equal(here.probability, there.probability)
    assert loaded.preprocess_settings == PREPROCESS
    assert loaded.record == RECORD
    assert loaded.architecture == model.architecture
    assert loaded.answer == model.answer
    assert not loaded.network.training


def test_predictions_do_not_depend_on_what_is_predicted_beside(model: Conv1dModel) -> None:
    """No dropout, no statistics of the batch, and no trace of the batches' size: 300 rows are two of them."""
    flux, ivar = _spectra(300)
    model.network.train()  # as the training leaves it between epochs
    together = model.outputs(flux, ivar)
    for row in (0, 255, 256, 299):
        alone = model.outputs(flux[[row]], ivar[[row]])
        # other shapes, other order of sums in the matrix products: float32 rounding
        np.testing.assert_allclose(alone[0], together[row], rtol=1e-4, atol=1e-5)


def test_no_spectra_give_no_predictions(model: Conv1dModel) -> None:
    assert len(model.predict(*_spectra(0))) == 0


def test_spectra_of_another_length_are_refused(model: Conv1dModel) -> None:
    with pytest.raises(InputError, match="have 90 pixels, but the model knows 120"):
        model.predict(np.ones((2, 90), "f4"), np.ones((2, 90), "f4"))


@pytest.mark.parametrize("missing", ["model.json", "weights.safetensors"])
def test_a_folder_that_lacks_a_file_is_no_model(folder: Path, missing: str) -> None:
    (folder / missing).unlink()
    with pytest.raises(InputError, match="is not a model of this software"):
        load_model(folder)


def test_no_folder_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere is not a model"):
        load_model(tmp_path / "nowhere")


@pytest.mark.parametrize("name", ["model.json", "weights.safetensors"])
@pytest.mark.parametrize("kept", [0.0, 0.5, 0.98])
def test_a_file_that_is_cut_off_is_no_model(folder: Path, name: str, kept: float) -> None:
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[: int(kept * len(content))])
    with pytest.raises(InputError, match="is not a model of this software"):
        load_model(folder)


@pytest.mark.parametrize(
    "change",
    [
        {"architecture": None},
        {"architecture": {"name": "paper"}},
        {"answer": {"kind": "redshift"}},
        {"answer": {"kind": "crystal ball"}},
        {"training": None},
        {"kind": "regressor"},
    ],
)
def test_another_softwares_json_is_no_model(folder: Path, change: dict[str, object]) -> None:
    stored = json.loads((folder / "model.json").read_text())
    (folder / "model.json").write_text(json.dumps({**stored, **change}))
    with pytest.raises(InputError, match="is not a model of this software"):
        load_model(folder)


def test_what_is_wrong_with_a_folder_is_said(folder: Path) -> None:
    stored = json.loads((folder / "model.json").read_text())
    (folder / "model.json").write_text(json.dumps({**stored, "kind": "regressor"}))
    with pytest.raises(InputError, match=r"its kind is 'regressor', not 'conv1d'\."):
        load_model(folder)
    del stored["architecture"]
    (folder / "model.json").write_text(json.dumps(stored))
    with pytest.raises(InputError, match=r"'architecture' is missing\."):
        load_model(folder)


def test_weights_of_another_network_are_refused(folder: Path, tmp_path: Path) -> None:
    other = Architecture("paper", PIXELS, 1, [7, 5, 3], [2, 3, 5], 1)
    stored = Conv1dModel(other.build(), other, PointAnswer(0, 1), PREPROCESS, RECORD)
    save_model(tmp_path / "other", stored, [])
    shutil.copy(tmp_path / "other" / "weights.safetensors", folder / "weights.safetensors")
    with pytest.raises(InputError, match="is not a model of this software"):
        load_model(folder)
