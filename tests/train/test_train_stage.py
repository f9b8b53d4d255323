"""The train stage on simulated quasars: a model folder that is whole, repeatable, and survives a kill."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import toy_spectra
from toy_spectra import TRAINING, prepared_quasars

from components.common.errors import InputError, ParameterError
from components.common.provenance import Provenance
from components.common.tables import column, read_provenance, read_settings, read_table, tensor_column, write_table
from components.common.training import CHECKPOINTS_VARIABLE
from components.train.conv1d import training
from components.train.conv1d.answers import PointAnswer, RedshiftAnswer
from components.train.conv1d.inference import load_model
from components.train.conv1d.training import Settings, train

ALIKE = 0.02
"""Ten times what was seen between processes; another seed differs by more than ten times as much."""
FILES = {"weights.safetensors", "model.json", "history.json"}
PAPER = Settings(
    architecture="paper", kernels=[500, 200, 10], channels=[4, 4, 4], epochs=2, batch_size=32, learning_rate=1e-3
)


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Sums in one order, so that equal means equal."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return prepared_quasars(tmp_path_factory.mktemp("quasars"))


@pytest.fixture(scope="module")
def trained(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    model = tmp_path_factory.mktemp("trained") / "model"
    train(dataset, model, TRAINING)
    return model


def _difference(one: Path, other: Path, dataset: Path) -> float:
    """Largest difference between the logits of two models on validation rows.

    Not zero: sums of the matrix library depend on where its arrays happen to lie in memory, and Adam makes a step
    of full length out of a rounding error where the gradient is nothing but that: a bias before a normalisation.
    """
    rows = read_table(dataset / "dataset.parquet", ["flux", "ivar"], "validation")
    a, b = (load_model(folder).outputs(rows["flux"], rows["ivar"]) for folder in (one, other))
    return float(np.abs(a - b).max())


def _json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def test_the_folder_says_what_it_is_and_where_it_comes_from(dataset: Path, trained: Path) -> None:
    table = dataset / "dataset.parquet"
    assert {file.name for file in trained.iterdir()} == FILES
    stored = _json(trained / "model.json")
    assert stored["kind"] == "conv1d"
    assert stored["target"] == "redshift"
    assert stored["preprocess"] == read_settings(table)
    assert stored["training"]["settings"] == dataclasses.asdict(TRAINING)
    assert Provenance.from_json(stored["training"]["data"]) == read_provenance(table)
    history = _json(trained / "history.json")
    assert [epoch["epoch"] for epoch in history] == [1, 2]
    assert stored["training"]["epochs_run"] == 2
    losses = [epoch["validation_loss"] for epoch in history]
    assert stored["training"]["best_epoch"] == 1 + losses.index(min(losses))


def test_even_two_epochs_teach_more_than_nothing(dataset: Path, trained: Path) -> None:
    history = _json(trained / "history.json")
    bins = _json(trained / "model.json")["answer"]["bins"]["count"]
    assert history[-1]["train_loss"] < np.log(bins)  # of a guess that knows nothing
    rows = read_table(dataset / "dataset.parquet", ["flux", "ivar"], "test")
    distribution = load_model(trained).predict(rows["flux"], rows["ivar"])
    assert len(distribution) == len(rows["flux"])
    assert np.all((distribution.peak_value() > -0.01) & (distribution.peak_value() < 6))
    assert (
        distribution.edges[-1] > read_table(dataset / "dataset.parquet", ["redshift"], "train")["redshift"].max()
    )


def test_the_temperature_is_calibrated_on_validation_rows(dataset: Path, trained: Path) -> None:
    model = load_model(trained)
    assert isinstance(model.answer, RedshiftAnswer)
    rows = read_table(dataset / "dataset.parquet", ["flux", "ivar", "redshift"], "validation")
    outputs = model.outputs(rows["flux"], rows["ivar"])
    plain = dataclasses.replace(model.answer, temperature=1.0)
    again = plain.calibrated(outputs, rows["redshift"])
    assert model.answer.temperature == pytest.approx(again.temperature, rel=1e-4)
    assert model.answer.temperature != 1.0


def test_a_large_validation_split_is_calibrated_on_a_sample_of_it(
    dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = read_table(dataset / "dataset.parquet", ["flux", "ivar", "redshift"], "validation")
    monkeypatch.setattr(training, "CALIBRATION_ROWS", 20)
    train(dataset, tmp_path / "model", dataclasses.replace(PAPER, epochs=1))
    model = load_model(tmp_path / "model")
    assert isinstance(model.answer, PointAnswer)
    outputs, truth = model.outputs(rows["flux"], rows["ivar"]), rows["redshift"].astype(np.float64)
    chosen = training._choose(len(truth), PAPER.seed)
    assert chosen.sum() == 20 < len(truth)
    sample, whole = (model.answer.calibrated(outputs[r], truth[r]).sigma for r in (chosen, np.ones_like(chosen)))
    assert model.answer.sigma == pytest.approx(sample, rel=1e-4)
    assert abs(whole / sample - 1) > 1e-3, "the sample is not the whole"
    assert (chosen != training._choose(len(truth), PAPER.seed + 1)).any()
    assert (chosen == training._choose(len(truth), PAPER.seed)).all()


def test_a_sample_is_drawn_for_any_seed_and_only_where_rows_abound() -> None:
    assert training._choose(training.CALIBRATION_ROWS, 0).all()
    for seed in (0, -1):
        chosen = training._choose(5 * training.CALIBRATION_ROWS, seed)
        assert chosen.sum() == training.CALIBRATION_ROWS
        assert chosen[: len(chosen) // 2].mean() == pytest.approx(0.2, abs=0.01)  # from all over the table


def test_equal_seeds_give_equal_models(dataset: Path, trained: Path, tmp_path: Path) -> None:
    train(dataset, tmp_path / "same", TRAINING)
    train(dataset, tmp_path / "other", dataclasses.replace(TRAINING, seed=6))
    assert _difference(trained, tmp_path / "same", dataset) < ALIKE
    assert _difference(trained, tmp_path / "other", dataset) > 10 * ALIKE


def test_the_test_rows_play_no_part(dataset: Path, trained: Path, tmp_path: Path) -> None:
    """Change every test row: the same model comes out."""
    source = dataset / "dataset.parquet"
    columns = read_table(source)
    test = columns["split"] == "test"
    assert test.any()
    changed = {name: values.copy() for name, values in columns.items()}
    changed["flux"][test], changed["redshift"][test] = 1e6, 0.3
    pixels = columns["flux"].shape[1]
    fields = [
        tensor_column("flux", (pixels,), ""),
        tensor_column("ivar", (pixels,), ""),
        column("redshift", "float64", ""),
        column("split", "string", ""),
        column("id", "string", ""),
    ]
    (tmp_path / "data").mkdir()
    target = tmp_path / "data" / "dataset.parquet"
    write_table(target, fields, changed, read_provenance(source), read_settings(source))
    train(tmp_path / "data", tmp_path / "model", TRAINING)
    assert _difference(trained, tmp_path / "model", dataset) < ALIKE
    answers = [_json(folder / "model.json")["answer"] for folder in (tmp_path / "model", trained)]
    assert answers[0].pop("temperature") == pytest.approx(answers[1].pop("temperature"), rel=ALIKE)
    assert answers[0] == answers[1]


def test_a_kill_leaves_no_model_and_the_next_run_goes_on(
    dataset: Path, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoints = tmp_path / "checkpoints"
    monkeypatch.setenv(CHECKPOINTS_VARIABLE, str(checkpoints))
    run = subprocess.run(
        [sys.executable, toy_spectra.__file__, str(dataset), str(tmp_path / "model")],
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).resolve().parents[2])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == -signal.SIGKILL, run.stderr
    assert not (tmp_path / "model").exists()
    (checkpoint,) = checkpoints.iterdir()
    first = _json(checkpoint / "history.json")["history"]
    assert len(first) == 1
    train(dataset, tmp_path / "model", TRAINING)
    assert _difference(trained, tmp_path / "model", dataset) < ALIKE
    assert _json(tmp_path / "model" / "history.json")[0] == first[0]  # its seconds too: it was not run again
    assert not list(checkpoints.iterdir())


def test_a_failure_while_storing_keeps_the_checkpoint(
    dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was learnt outlives a disk that is full when the model is written; another training does not use it."""
    monkeypatch.setenv(CHECKPOINTS_VARIABLE, str(tmp_path / "checkpoints"))
    (tmp_path / "full").write_text("not a folder")
    short = dataclasses.replace(TRAINING, epochs=1)
    with pytest.raises(OSError, match="full"):
        train(dataset, tmp_path / "full" / "model", short)
    train(dataset, tmp_path / "other", dataclasses.replace(short, seed=9))
    (checkpoint,) = (tmp_path / "checkpoints").iterdir()
    stored = _json(checkpoint / "history.json")["history"]
    train(dataset, tmp_path / "model", short)
    assert _json(tmp_path / "model" / "history.json") == stored


def test_the_papers_network_trains_too(dataset: Path, tmp_path: Path) -> None:
    train(dataset, tmp_path / "model", PAPER)
    model = load_model(tmp_path / "model")
    assert isinstance(model.answer, PointAnswer)
    assert model.architecture.kernels == [31, 12, 3]
    rates = {epoch["learning_rate"] for epoch in _json(tmp_path / "model" / "history.json")}
    assert rates == {1e-3}
    table = dataset / "dataset.parquet"
    labels = read_table(table, ["redshift"], "train")["redshift"]
    assert (model.answer.lowest, model.answer.highest) == (labels.min(), labels.max())
    rows = read_table(table, ["flux", "ivar", "redshift"], "validation")
    distribution = model.predict(rows["flux"], rows["ivar"])
    low, high = distribution.interval(0.6827)
    inside = np.mean((low <= rows["redshift"]) & (rows["redshift"] <= high))
    assert inside == pytest.approx(0.68, abs=0.08)  # its width was set on these rows


def test_the_papers_network_learns_another_column(dataset: Path, tmp_path: Path) -> None:
    train(dataset, tmp_path / "model", dataclasses.replace(PAPER, target="sn_median", epochs=1))
    assert _json(tmp_path / "model" / "model.json")["target"] == "sn_median"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"architecture": "resnet"}, "no architecture 'resnet'"),
        ({"kernels": [3, 3]}, "three convolutions"),
        ({"channels": [3, 3, 3, 3]}, "three convolutions"),
        ({"target": "sn_median"}, "knows redshifts only"),
        ({"epochs": 0}, r"epochs is 0.*at least 1"),
        ({"batch_size": 0}, r"batch_size is 0.*at least 1"),
        ({"patience": 0}, r"patience is 0.*at least 1"),
        ({"kernels": [3, 0, 3]}, r"kernels is .*at least 1"),
        ({"learning_rate": 0.0}, r"learning_rate is 0.0.*above 0"),
        ({"learning_rate": float("nan")}, r"learning_rate is nan.*above 0"),
        ({"dropout": 1.0}, "below 1"),
    ],
)
def test_impossible_settings_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        Settings(**settings)


def test_kernels_too_long_for_the_pixels_leave_no_model(dataset: Path, tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="shorter kernels"):
        train(dataset, tmp_path / "model", dataclasses.replace(PAPER, kernels=[4000, 2000, 10]))
    assert not list(tmp_path.iterdir())


def test_a_data_set_that_cannot_be_learnt_from_is_told(dataset: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="There is no table"):
        train(tmp_path / "nowhere", tmp_path / "model", TRAINING)
    with pytest.raises(InputError, match="no column colour"):
        train(dataset, tmp_path / "model", dataclasses.replace(PAPER, target="colour"))
    fields = [
        tensor_column("flux", (8,), ""),
        tensor_column("ivar", (8,), ""),
        column("redshift", "float64", ""),
        column("split", "string", ""),
    ]
    columns = {
        "flux": np.ones((4, 8)),
        "ivar": np.ones((4, 8)),
        "redshift": np.array([1.0, np.nan, 1.0, 2.0]),
        "split": np.array(["train", "train", "validation", "test"], dtype=object),
    }
    for settings, message in (
        ({}, "wavelength grid"),
        ({"grid": {"fine_pixels": 8}}, "1 training rows .* redshift"),
    ):
        write_table(tmp_path / "dataset.parquet", fields, columns, Provenance("simulated", "a test"), settings)
        with pytest.raises(InputError, match=message):
            train(tmp_path, tmp_path / "model", TRAINING)
    assert not (tmp_path / "model").exists()
