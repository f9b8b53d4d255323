"""The training loop: learns, stops, keeps the best, and goes on after a kill as if nothing had been."""

import json
import os
import signal
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
import toy_training
from safetensors.torch import load_file
from torch import Tensor, nn
from toy_training import SCHEDULE, build, loss, splits, write_toy

from components.common.errors import ArmillaryError, ParameterError
from components.common.telemetry import EVENTS_VARIABLE
from components.common.training import (
    CHECKPOINTS_VARIABLE,
    Epoch,
    Schedule,
    _Trainer,
    autocast,
    checkpoint_folder,
    fit,
    forget,
)

RELATIVE = 1e-5
"""In one thread runs differ at most by where arrays lie in memory, which moves the last digits of float32. Moments
or a random state that were not taken up again move the second."""
CALLS_PER_EPOCH = 5 + 2  # 90 training rows in minibatches of 16, and 30 validation rows


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Any:
    """Sums in one order, so that equal means equal."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_toy(tmp_path_factory.mktemp("toy") / "dataset.parquet")


def _assert_same_history(history: list[Epoch], expected: list[Epoch]) -> None:
    assert len(history) == len(expected)
    for one, other in zip(history, expected, strict=True):
        without_time = {name: value for name, value in other.items() if name != "seconds"}
        assert {name: one[name] for name in without_time} == pytest.approx(without_time, rel=RELATIVE)


def _assert_same_weights(one: dict[str, Tensor], other: dict[str, Tensor]) -> None:
    assert one.keys() == other.keys()
    for name, value in one.items():
        torch.testing.assert_close(value, other[name], rtol=RELATIVE, atol=RELATIVE, msg=name)


def _loss_on_validation(network: nn.Module, table: Path) -> float:
    _, validation = splits(table)
    network.eval()
    with torch.no_grad():
        parts = [
            (float(loss(network, {k: torch.tensor(v) for k, v in batch.items()})), len(batch["y"]))
            for batch in validation.in_order()
        ]
    return sum(value * rows for value, rows in parts) / sum(rows for _, rows in parts)


def test_it_learns(table: Path) -> None:
    network = build()
    before = _loss_on_validation(network, table)
    schedule = Schedule(epochs=40, learning_rate=0.02, patience=40)
    history = fit(network, loss, *splits(table), schedule)
    assert [epoch["epoch"] for epoch in history] == list(range(1, 41))
    assert _loss_on_validation(network, table) < 0.2 * before
    assert history[-1]["train_loss"] < 0.5 * history[0]["train_loss"]  # dropout keeps it up
    assert not network.training


def test_the_weights_of_the_best_epoch_are_kept_and_patience_ends_it(table: Path) -> None:
    """A large constant rate on a noisy problem goes up and down."""
    network = build()
    schedule = Schedule(epochs=60, learning_rate=0.3, patience=3, constant_rate=True, weight_decay=0.0)
    history = fit(network, loss, *splits(table), schedule)
    losses = [epoch["validation_loss"] for epoch in history]
    best = losses.index(min(losses))
    assert best < len(losses) - 1
    assert len(losses) < 60
    assert len(losses) - 1 - best == 3
    # the same rows with the same weights, in one thread: only the rounding of the sum over batches
    assert _loss_on_validation(network, table) == pytest.approx(min(losses), rel=1e-6)


def test_the_rate_warms_up_and_falls(table: Path) -> None:
    trainer = _Trainer(build(), loss, *splits(table), Schedule(epochs=10, learning_rate=0.1))
    rate = [trainer._rate(step) for step in range(51)]
    assert rate[0] == pytest.approx(0.005)
    assert max(rate) == rate[10] == pytest.approx(0.1)
    assert all(a < b for a, b in pairwise(rate[:11]))
    assert all(a > b for a, b in pairwise(rate[10:]))
    assert rate[50] == pytest.approx(1e-4)
    constant = _Trainer(build(), loss, *splits(table), Schedule(10, 0.1, constant_rate=True))
    assert {constant._rate(step) for step in range(51)} == {0.1}


def test_equal_seeds_learn_alike_and_others_do_not(table: Path) -> None:
    runs = []
    for seed in (4, 4, 5, -(2**62)):
        network = build()
        fit(network, loss, *splits(table), Schedule(2, 0.02, seed=seed))
        runs.append(network[0].weight.detach().clone())
    torch.testing.assert_close(runs[0], runs[1], rtol=RELATIVE, atol=RELATIVE)
    assert float((runs[0] - runs[2]).abs().max()) > 1e-3
    assert torch.isfinite(runs[3]).all()


def test_a_loss_that_is_no_number_is_told(table: Path) -> None:
    with pytest.raises(ArmillaryError, match=r"epoch 1: training diverged.*smaller learning_rate"):
        fit(build(), lambda n, b: loss(n, b) * float("nan"), *splits(table), SCHEDULE)


def test_a_precision_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ParameterError, match="no precision 'float8'"):
        autocast(torch.device("cpu"), "float8")


@pytest.mark.parametrize("precision", ["auto", "float32", "bfloat16"])
def test_precisions(table: Path, precision: str) -> None:
    seen = []

    def spy(network: nn.Module, batch: dict[str, Tensor]) -> Tensor:
        outputs = network(batch["x"])
        seen.append(outputs.dtype)
        return ((outputs[:, 0].float() - batch["y"]) ** 2).mean()

    network = build()
    fit(network, spy, *splits(table), Schedule(1, 0.01, precision=precision))
    expected = torch.bfloat16 if precision == "bfloat16" else torch.float32
    if torch.cuda.is_available() and precision == "auto":
        expected = torch.bfloat16
    assert set(seen) == {expected}
    assert {p.dtype for p in network.parameters()} == {torch.float32}


def _run_and_die(table: Path, result: Path, checkpoints: Path, killed_at: int) -> None:
    result.mkdir(exist_ok=True)
    run = subprocess.run(
        [sys.executable, toy_training.__file__, str(table), str(result), str(killed_at)],
        env={
            **os.environ,
            CHECKPOINTS_VARIABLE: str(checkpoints),
            "OMP_NUM_THREADS": "1",
            "PYTHONPATH": str(Path(__file__).resolve().parents[2]),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == -signal.SIGKILL, run.stderr
    assert not list(result.iterdir())


def test_a_killed_training_goes_on_as_if_nothing_had_been(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed as its third epoch begins, again amid the fourth, and finished by a third process: this one."""
    undisturbed = build()
    expected = fit(undisturbed, loss, *splits(table), SCHEDULE)
    _run_and_die(table, tmp_path / "result", tmp_path / "checkpoints", 2 * CALLS_PER_EPOCH + 1)
    _run_and_die(table, tmp_path / "result", tmp_path / "checkpoints", CALLS_PER_EPOCH + 4)
    monkeypatch.setenv(CHECKPOINTS_VARIABLE, str(tmp_path / "checkpoints"))
    (tmp_path / "last").mkdir()
    toy_training.main(table, tmp_path / "last", -1)
    stored = json.loads((tmp_path / "last" / "history.json").read_text())
    assert stored["calls"] == 3 * CALLS_PER_EPOCH  # what was learnt in three epochs is not repeated
    _assert_same_history(stored["history"], expected)
    _assert_same_weights(load_file(tmp_path / "last" / "weights.safetensors"), undisturbed.state_dict())


def _interrupted(table: Path, checkpoint: Path) -> list[Epoch]:
    """Leave the checkpoint of three epochs behind."""
    trainer = _Trainer(build(), loss, *splits(table), SCHEDULE)
    for _ in range(3):
        trainer.run_epoch()
        trainer.save(checkpoint)
    return trainer.history


def test_a_finished_checkpoint_is_not_trained_again(table: Path, tmp_path: Path) -> None:
    """Killed after the last epoch, before the model was stored."""
    checkpoint = tmp_path / "toy"
    first, again = build(), build()
    history = fit(first, loss, *splits(table), SCHEDULE, checkpoint)
    assert fit(again, loss, *splits(table), SCHEDULE, checkpoint) == history
    assert torch.equal(first[0].weight, again[0].weight)
    (tmp_path / ".toy.0123abcd.part").mkdir()
    (tmp_path / "toy-other").mkdir()
    forget(checkpoint)
    assert [path.name for path in tmp_path.iterdir()] == ["toy-other"]
    forget(None)


@pytest.mark.parametrize("file", ["network", "best", "optimizer", "history"])
@pytest.mark.parametrize("kept", [0.0, 0.6])
def test_an_unreadable_checkpoint_costs_its_epochs_but_not_the_training(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, kept: float
) -> None:
    monkeypatch.setenv(EVENTS_VARIABLE, str(tmp_path / "events"))
    checkpoint = tmp_path / "toy"
    _interrupted(table, checkpoint)
    (broken,) = checkpoint.glob(f"{file}.*")
    content = broken.read_bytes()
    broken.write_bytes(content[: int(kept * len(content))])
    network, undisturbed = build(), build()
    history = fit(network, loss, *splits(table), SCHEDULE, checkpoint)
    expected = fit(undisturbed, loss, *splits(table), SCHEDULE)
    events = [json.loads(line) for line in (tmp_path / "events").read_text().splitlines()]
    warnings = [event["message"] for event in events if event["event"] == "warning"]
    assert len(warnings) == 1
    assert f"{checkpoint} cannot be read" in warnings[0]
    _assert_same_history(history, expected)
    _assert_same_weights(network.state_dict(), undisturbed.state_dict())


def test_a_checkpoint_of_another_network_is_dropped(table: Path, tmp_path: Path) -> None:
    checkpoint = tmp_path / "toy"
    _interrupted(table, checkpoint)
    torch.manual_seed(1)
    other = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1))
    history = fit(other, loss, *splits(table), SCHEDULE, checkpoint)
    assert [epoch["epoch"] for epoch in history] == [1, 2, 3, 4, 5, 6]


def test_a_checkpoint_that_is_being_replaced_is_never_missing(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk fails while the next one is written: the one before is still there."""
    checkpoint = tmp_path / "toy"
    history = _interrupted(table, checkpoint)
    trainer = _Trainer(build(), loss, *splits(table), SCHEDULE)
    trainer.restore(checkpoint)
    trainer.run_epoch()

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("components.common.training.save_file", full)
    with pytest.raises(ArmillaryError, match="disk is full"):
        trainer.save(checkpoint)
    again = _Trainer(build(), loss, *splits(table), SCHEDULE)
    again.restore(checkpoint)
    assert again.history == history


def test_only_the_same_training_finds_its_checkpoint(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(CHECKPOINTS_VARIABLE, raising=False)
    assert checkpoint_folder("toy", {"epochs": 3}) is None
    monkeypatch.setenv(CHECKPOINTS_VARIABLE, str(tmp_path))
    here = checkpoint_folder("toy", {"epochs": 3, "rate": 0.1}, ["a", "b"])
    assert here == checkpoint_folder("toy", {"rate": 0.1, "epochs": 3}, ["a", "b"])
    others = [
        checkpoint_folder("toy", {"epochs": 4, "rate": 0.1}, ["a", "b"]),
        checkpoint_folder("toy", {"epochs": 3, "rate": 0.1}, ["a", "c"]),
        checkpoint_folder("other", {"epochs": 3, "rate": 0.1}, ["a", "b"]),
    ]
    assert len({here, *others}) == 4
    assert here is not None
    assert here.parent == tmp_path
