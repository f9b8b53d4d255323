"""A small regression to train, as a module, so that a test can run it in a process and kill that."""

import json
import os
import signal
import sys
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from components.common.minibatches import Minibatches
from components.common.provenance import Provenance
from components.common.tables import TableWriter, column, tensor_column
from components.common.training import Schedule, checkpoint_folder, fit

SCHEDULE = Schedule(epochs=6, learning_rate=0.02, patience=6, seed=4)
FIELDS = (tensor_column("x", (4,), ""), column("y", "float32", ""), column("split", "string", ""))
ROWS = 120


def write_toy(path: Path, rows: int = ROWS, noise: float = 0.01) -> Path:
    """y is a sum of |x| with weights; 3 of 4 rows to train on."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((rows, 4)).astype("f4")
    y = (np.abs(x) @ np.array([1.0, -2.0, 0.5, 0.0]) + noise * rng.standard_normal(rows)).astype("f4")
    split = np.where(np.arange(rows) % 4 == 0, "validation", "train").astype(object)
    with TableWriter(path, FIELDS, Provenance("simulated", "a test")) as writer:
        writer.write({"x": x, "y": y, "split": split})
    return path


def build() -> nn.Module:
    """Batch statistics, dropout and weights: everything that a resumed training has to take up again.

    No bias before the normalisation: its gradient would be nothing but rounding, of which Adam makes full steps.
    """
    torch.manual_seed(7)
    return nn.Sequential(
        nn.Linear(4, 24, bias=False), nn.BatchNorm1d(24), nn.ReLU(), nn.Dropout(0.1), nn.Linear(24, 1)
    )


def loss(network: nn.Module, batch: dict[str, Tensor]) -> Tensor:
    return ((network(batch["x"])[:, 0] - batch["y"]) ** 2).mean()


def splits(table: Path) -> tuple[Minibatches, Minibatches]:
    return Minibatches(table, ["x", "y"], "train", 16), Minibatches(table, ["x", "y"], "validation", 16)


def main(table: Path, result: Path, killed_at: int) -> None:
    """Train; killed by a signal that cannot be caught when the loss is asked for the `killed_at`-th time."""
    calls = 0

    def mortal_loss(network: nn.Module, batch: dict[str, Tensor]) -> Tensor:
        nonlocal calls
        calls += 1
        if calls == killed_at:
            os.kill(os.getpid(), signal.SIGKILL)
        return loss(network, batch)

    torch.set_num_threads(1)
    network = build()
    history = fit(network, mortal_loss, *splits(table), SCHEDULE, checkpoint_folder("toy", str(table)))
    save_file(network.state_dict(), result / "weights.safetensors")
    (result / "history.json").write_text(json.dumps({"history": history, "calls": calls}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
