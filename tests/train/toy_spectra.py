"""Simulated quasars through ingest and preprocess, few and coarse; also a process that trains on them and dies."""

import os
import signal
import sys
from pathlib import Path

import torch
from torch import Tensor

from components.ingest.sdss_spectra.ingestion import Settings as Ingest
from components.ingest.sdss_spectra.ingestion import ingest
from components.preprocess.spectra.preprocessing import Settings as Preprocess
from components.preprocess.spectra.preprocessing import preprocess
from components.train.conv1d.answers import RedshiftAnswer
from components.train.conv1d.training import Settings, train

TRAINING = Settings(channels=[6, 6, 6], epochs=2, batch_size=32, templates=6, seed=5)


def prepared_quasars(folder: Path, rows: int = 300) -> Path:
    ingest(folder / "ingested", Ingest("simulated", rows=rows, seed=2))
    settings = Preprocess(bin_pixels=16, validation_fraction=0.15, test_fraction=0.15)
    preprocess(folder / "ingested", folder / "prepared", settings)
    return folder / "prepared"


def die_in_the_second_epoch(dataset: Path, model: Path) -> None:
    """Train until the second epoch's second minibatch, and be killed there."""
    cross_entropy = RedshiftAnswer.loss
    calls = 0

    def mortal_loss(self: RedshiftAnswer, outputs: Tensor, truth: Tensor) -> Tensor:
        nonlocal calls
        calls += outputs.requires_grad
        if (model.parent / "checkpoints").is_dir() and calls > 8 and outputs.requires_grad:
            os.kill(os.getpid(), signal.SIGKILL)
        return cross_entropy(self, outputs, truth)

    RedshiftAnswer.loss = mortal_loss  # type: ignore[method-assign]
    torch.set_num_threads(1)
    train(dataset, model, TRAINING)


if __name__ == "__main__":
    die_in_the_second_epoch(Path(sys.argv[1]), Path(sys.argv[2]))
