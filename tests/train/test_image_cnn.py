"""The network of cutouts: its symmetries, what it learns, what it stores, and what it refuses."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from galaxy_pictures import SMALL

from components.common.errors import InputError, ParameterError
from components.common.provenance import Provenance
from components.common.tables import column, read_provenance, read_settings, read_table, tensor_column, write_table
from components.common.training import CHECKPOINTS_VARIABLE, fastest_precision
from components.train.conv1d.answers import RedshiftAnswer
from components.train.image_cnn import training
from components.train.image_cnn.attribution import integrated_gradients
from components.train.image_cnn.inference import load_model
from components.train.image_cnn.network import Architecture, Residual, vary
from components.train.image_cnn.side_inputs import MAGNITUDES, SideInputs, stack_magnitudes
from components.train.image_cnn.training import Settings, make_loss, storage_unit, train
from components.train.symmetries import symmetry

STORED = {"bands": ["i", "r", "g"], "encoding": "jpeg", "size": 16, "scale_arcsec": 0.396127}


def write_toy(folder: Path, rows: int = 360, seed: int = 0) -> Path:
    """Write pictures of a square whose brightness alone tells the redshift, and magnitudes that tell nothing."""
    rng = np.random.default_rng(seed)
    redshift = rng.uniform(0.02, 0.3, rows)
    images = rng.integers(0, 10, (rows, 3, 16, 16)).astype(np.uint8)
    images[:, :, 6:10, 6:10] += (600 * redshift).astype(np.uint8)[:, None, None, None]
    split = np.array(["train"] * (rows - 120) + ["validation"] * 60 + ["test"] * 60, dtype=object)
    columns: dict[str, Any] = {
        "id": np.array([f"toy-{i}" for i in range(rows)], dtype=object),
        "split": split,
        "redshift": redshift,
        **{name: rng.normal(17, 1, rows).astype(np.float32) for name in MAGNITUDES},
        "image": images,
    }
    fields = [
        column("id", "string", ""),
        column("split", "string", ""),
        column("redshift", "float64", ""),
        *(column(name, "float32", "") for name in MAGNITUDES),
        tensor_column("image", (3, 16, 16), "", dtype="uint8"),
    ]
    folder.mkdir(parents=True, exist_ok=True)
    write_table(folder / "dataset.parquet", fields, columns, Provenance("simulated", "toy"), STORED, 64)
    return folder


TOY = Settings(channels=[8, 16], blocks=[0, 1], hidden=32, epochs=12, batch_size=16, learning_rate=5e-3, seed=3)


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_toy(tmp_path_factory.mktemp("toy"))


@pytest.fixture(scope="module")
def learnt(toy: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    model = tmp_path_factory.mktemp("learnt") / "model"
    train(toy, model, TOY)
    return model


def _error(model: Path, table: Path, inputs_known: bool = True) -> float:
    rows = read_table(table / "dataset.parquet", None, "test")
    magnitudes = stack_magnitudes(rows) if inputs_known else np.full((len(rows["id"]), 5), np.nan, np.float32)
    value = load_model(model).predict(rows["image"], magnitudes).median()
    return float(np.median(np.abs(value - rows["redshift"])))


def test_the_eight_views_are_all_there_are_and_each_is_drawn() -> None:
    image = torch.arange(9.0).reshape(1, 1, 3, 3)
    views = {tuple(symmetry(image, number).flatten().tolist()) for number in range(8)}
    assert len(views) == 8
    torch.manual_seed(0)
    drawn = {tuple(v.flatten().tolist()) for v in vary(image.expand(16, 1, 3, 3))}
    assert drawn == views
    batch = torch.randint(0, 255, (20, 3, 8, 8), dtype=torch.uint8)
    assert vary(batch).dtype == torch.uint8
    assert sorted(vary(batch).sum((1, 2, 3)).tolist()) == sorted(batch.sum((1, 2, 3)).tolist())
    assert vary(batch[:3]).shape == (3, 3, 8, 8), "a minibatch may be smaller than there are views"


def test_rows_stay_with_their_labels_when_they_are_turned() -> None:
    batch = torch.arange(16.0).view(16, 1, 1, 1).expand(16, 1, 8, 8)
    assert vary(batch)[:, 0, 0, 0].tolist() == list(range(16))


def test_a_block_begins_as_nothing() -> None:
    data = torch.rand(2, 4, 8, 8)
    assert torch.equal(Residual(4)(data), data)


def test_it_learns_from_pictures_alone_what_only_pictures_tell(toy: Path, learnt: Path) -> None:
    constant = read_table(toy / "dataset.parquet", ["redshift"], "test")["redshift"]
    guess = float(np.median(np.abs(constant - np.median(constant))))
    assert _error(learnt, toy) < 0.35 * guess
    assert _error(learnt, toy, inputs_known=False) < 0.5 * guess, "magnitudes were withheld in training too"


@pytest.mark.parametrize(("inputs", "learns"), [("images", True), ("magnitudes", False)])
def test_each_input_alone(toy: Path, tmp_path: Path, inputs: str, learns: bool) -> None:
    train(toy, tmp_path / "model", replace(TOY, inputs=inputs))
    model = load_model(tmp_path / "model")
    assert (model.architecture.images, model.side_inputs.count > 0) == (inputs == "images", inputs == "magnitudes")
    constant = read_table(toy / "dataset.parquet", ["redshift"], "test")["redshift"]
    guess = float(np.median(np.abs(constant - np.median(constant))))
    assert (_error(tmp_path / "model", toy) < 0.5 * guess) == learns


def test_widths_are_those_that_validation_rows_have(toy: Path, learnt: Path) -> None:
    rows = read_table(toy / "dataset.parquet", None, "validation")
    pit = load_model(learnt).predict(rows["image"], stack_magnitudes(rows)).cdf(rows["redshift"])
    assert 0.5 < (np.abs(pit - 0.5) < 0.3413).mean() < 0.85


def test_the_folder_says_what_it_is_and_where_it_comes_from(toy: Path, learnt: Path) -> None:
    assert {file.name for file in learnt.iterdir()} == {"weights.safetensors", "model.json", "history.json"}
    stored = json.loads((learnt / "model.json").read_text())
    assert (stored["kind"], stored["target"], stored["data"]) == ("image_cnn", "redshift", "images")
    assert stored["preprocess"] == read_settings(toy / "dataset.parquet")
    assert Provenance.from_json(stored["training"]["data"]) == read_provenance(toy / "dataset.parquet")
    history = json.loads((learnt / "history.json").read_text())
    assert stored["training"]["epochs_run"] == len(history) <= TOY.epochs
    assert isinstance(load_model(learnt).answer, RedshiftAnswer)


def test_stored_and_raw_pictures_give_the_same(pictures: Path, picture_model: Path) -> None:
    """The loss scales minibatches itself: it must do what `prepare` does."""
    table = pictures / "data" / "dataset.parquet"
    model = load_model(picture_model)
    rows = read_table(table, ["image", "redshift", *MAGNITUDES], "validation")
    unit = storage_unit(read_settings(table))
    loss = make_loss(model.answer, model.side_inputs, "redshift", unit)
    batch = {name: torch.as_tensor(values.copy()) for name, values in rows.items()}
    with torch.no_grad():
        found = float(loss(model.network.eval(), batch))
    outputs = torch.from_numpy(model.outputs(rows["image"], stack_magnitudes(rows)))
    expected = float(replace(model.answer, temperature=1.0).loss(outputs, batch["redshift"]))
    assert found == pytest.approx(expected, rel=0.01)  # one of them may be computed in bfloat16


def test_attribution_adds_up_to_what_the_picture_changes(toy: Path, learnt: Path) -> None:
    model = load_model(learnt)
    rows = read_table(toy / "dataset.parquet", None, "test")
    images, magnitudes = rows["image"][:6], stack_magnitudes(rows)[:6]
    found = integrated_gradients(model, images, magnitudes, steps=64)
    centre = np.log1p(model.answer.bins.edges)
    centre = (centre[1:] + centre[:-1]) / 2
    both = [model.predict(shown, magnitudes).probability @ centre for shown in (images, np.zeros_like(images))]
    assert found.sum((1, 2, 3)) == pytest.approx(both[0] - both[1], abs=0.01)
    inside = np.abs(found[:, :, 4:12, 4:12]).sum() / np.abs(found).sum()
    assert inside > 0.5, "the square is in the middle"


def test_a_killed_training_is_taken_up(toy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CHECKPOINTS_VARIABLE, str(tmp_path / "checkpoints"))
    short = replace(TOY, epochs=2)

    class KilledError(Exception):
        pass

    def killed(*_: Any) -> None:
        raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr(training, "save_model", killed)
        with pytest.raises(KilledError):
            train(toy, tmp_path / "model", short)
    assert not (tmp_path / "model").exists()
    (kept,) = (tmp_path / "checkpoints").iterdir()
    seconds = [epoch["seconds"] for epoch in json.loads((kept / "history.json").read_text())["history"]]
    train(toy, tmp_path / "model", short)
    again = [epoch["seconds"] for epoch in json.loads((tmp_path / "model" / "history.json").read_text())]
    assert again == seconds, "not one epoch was trained twice"
    assert not kept.exists()


def test_magnitudes_are_scaled_by_training_rows_and_missing_ones_are_said() -> None:
    rng = np.random.default_rng(0)
    magnitudes = rng.normal([19, 18, 17, 16.7, 16.5], 0.5, (500, 5)).astype(np.float32)
    sides = SideInputs.of_training(magnitudes)
    numbers = sides.make(magnitudes)
    assert numbers.shape == (500, sides.count) == (500, 10)
    assert np.abs(np.median(numbers[:, :5], axis=0)).max() < 1e-3
    assert not numbers[:, 5:].any()
    magnitudes[0, 0] = np.nan
    magnitudes[1] = np.nan
    numbers = sides.make(magnitudes)
    assert numbers[0, 5:].tolist() == [0, 1, 0, 0, 0], "u is missing, and so is its colour"
    assert numbers[1].tolist() == [0] * 5 + [1] * 5
    assert np.isfinite(numbers).all()
    assert np.isfinite(SideInputs.of_training(np.full((3, 5), np.nan, np.float32)).make(magnitudes)).all()


def test_auto_is_bfloat16_only_where_the_processor_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("components.common.training.pick_device", lambda: torch.device("cpu"))
    for name, expected in (("avx512_bf16", "bfloat16"), ("amx_bf16", "bfloat16"), ("avx2", "float32")):
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda name=name: {name: True})
        assert fastest_precision("auto") == expected
    assert fastest_precision("float32") == "float32"


def test_what_cannot_be_is_refused(toy: Path, learnt: Path, tmp_path: Path) -> None:
    for wrong in ({"inputs": "spectra"}, {"target": "mass"}, {"channels": [8]}, {"epochs": 0}, {"dropout": 1.0}):
        with pytest.raises(ParameterError):
            replace(SMALL, **wrong)  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="multiple of 8"):
        Architecture(3, 20)
    with pytest.raises(ParameterError, match="shown nothing"):
        Architecture(3, 16, images=False).build()
    model = load_model(learnt)
    with pytest.raises(InputError, match="smaller than"):
        model.predict(np.zeros((1, 3, 8, 8), np.uint8), np.zeros((1, 5), np.float32))
    with pytest.raises(InputError, match="no magnitudes"):
        model.predict(np.zeros((1, 3, 16, 16), np.uint8))
    with pytest.raises(InputError, match="not a model"):
        load_model(tmp_path)


def test_a_table_without_magnitudes_or_labels_is_told(toy: Path, tmp_path: Path) -> None:
    rows = read_table(toy / "dataset.parquet")
    fields = [
        column("id", "string", ""),
        column("split", "string", ""),
        column("redshift", "float64", ""),
        tensor_column("image", (3, 16, 16), "", dtype="uint8"),
    ]
    write_table(tmp_path / "dataset.parquet", fields, rows, Provenance("simulated", "toy"), STORED)
    with pytest.raises(InputError, match="m_g"):
        train(tmp_path, tmp_path / "model", TOY)
    rows["redshift"][3] = np.nan
    write_table(tmp_path / "dataset.parquet", fields, rows, Provenance("simulated", "toy"), STORED)
    with pytest.raises(InputError, match="1 training rows"):
        train(tmp_path, tmp_path / "model", replace(TOY, inputs="images"))
