"""The one training loop: device and precision, schedule, early stopping, and resumption after a kill."""

import ctypes
import hashlib
import json
import math
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from components.common.errors import ArmillaryError, ParameterError
from components.common.files import read_json, whole, write_json
from components.common.minibatches import Minibatches
from components.common.tables import Columns
from components.common.telemetry import report_epoch, report_progress, warn

CHECKPOINTS_VARIABLE = "ARMILLARY_CHECKPOINTS"
"""Folder that outlives the process, in which an interrupted training is found again."""

Loss = Callable[[nn.Module, dict[str, Tensor]], Tensor]
Epoch = dict[str, float]

_LARGEST_KEPT = -3, 32 << 20  # M_MMAP_THRESHOLD of malloc.h, as large as it may be
_KEPT = -1, 1 << 30  # M_TRIM_THRESHOLD

_WARM_UP = 0.2
_FINAL_RATE = 1e-3
_PROGRESS_PER_EPOCH = 20


@dataclass(frozen=True)
class Schedule:
    """How long and how fast to train.

    Attributes
    ----------
    epochs : int
        At most this many passes over the training rows.
    learning_rate : float
        Highest rate, reached after a fifth of the steps and followed by a cosine down to a thousandth of it.
    weight_decay : float
        Decoupled weight decay of AdamW; 0 is Adam.
    patience : int
        Stop after so many epochs without a better validation loss.
    seed : int
        Orders the rows and draws dropout.
    precision : {"auto", "float32", "bfloat16"}
        `auto` is bfloat16 autocast on a GPU that has it, float32 elsewhere.
    constant_rate : bool
        Keep the learning rate at its highest, as the workshop paper does.
    largest_gradient : float or None
        Longer gradients are shortened to this norm, so that one odd minibatch does not undo an epoch.
    """

    epochs: int
    learning_rate: float
    weight_decay: float = 0.02
    patience: int = 5
    seed: int = 0
    precision: str = "auto"
    constant_rate: bool = False
    largest_gradient: float | None = 5.0


def pick_device() -> torch.device:
    """Return the GPU where there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def autocast(device: torch.device, precision: str) -> AbstractContextManager[Any]:
    """Context in which the network computes in the wanted precision."""
    if precision not in ("auto", "float32", "bfloat16"):
        raise ParameterError(f"There is no precision {precision!r}.", "Choose auto, float32 or bfloat16.")
    capable = device.type == "cuda" and torch.cuda.is_bf16_supported()
    if precision == "bfloat16" or (precision == "auto" and capable):
        return torch.autocast(device.type, torch.bfloat16)
    return nullcontext()


def fit(
    network: nn.Module,
    loss: Loss,
    training: Minibatches,
    validation: Minibatches,
    schedule: Schedule,
    checkpoint: Path | None = None,
) -> list[Epoch]:
    """Train a network and leave it with the weights of its best epoch by validation loss.

    Parameters
    ----------
    network : torch.nn.Module
        Trained in place; moved to the GPU where there is one.
    loss : callable
        Mean loss of a minibatch: `loss(network, {column: tensor})`.
    training, validation : Minibatches
        Rows to learn from and rows to choose by.
    schedule : Schedule
        How long and how fast.
    checkpoint : Path, optional
        Folder written after each epoch, from which a killed training goes on; for the caller to `forget` once
        the result is stored.

    Returns
    -------
    list of dict
        For each epoch `epoch`, `train_loss`, `validation_loss`, `learning_rate`, `seconds`.
    """
    keep_memory()
    trainer = _Trainer(network, loss, training, validation, schedule)
    if checkpoint is not None and checkpoint.is_dir():
        trainer.restore(checkpoint)
    while trainer.wants_more():
        trainer.run_epoch()
        if checkpoint is not None:
            trainer.save(checkpoint)
    trainer.take_best()
    return trainer.history


def fastest_precision(wanted: str) -> str:
    """Turn `auto` into bfloat16 where it is fast: on a GPU, or a processor with instructions for it.

    Elsewhere a processor would emulate it, which is slower than float32.
    """
    if wanted != "auto":
        return wanted
    if pick_device().type == "cuda":
        return "bfloat16" if torch.cuda.is_bf16_supported() else "float32"
    capabilities = torch.cpu.get_capabilities()
    native = capabilities.get("avx512_bf16") or capabilities.get("amx_bf16") or capabilities.get("bf16")
    return "bfloat16" if native else "float32"


def keep_memory() -> None:
    """Have the C library keep memory that was freed, up to a gigabyte, instead of giving it back at once.

    Each minibatch asks for the same megabytes anew. Given back, they are emptied page by page whenever they are
    asked for, which took a fifth of the time of training on cutouts.
    """
    tune = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None  # not in musl
    for option in (_LARGEST_KEPT, _KEPT):  # both: with one given, the other no longer adapts itself
        if tune is not None:
            tune(*option)


def forget(checkpoint: Path | None) -> None:
    """Remove a checkpoint, and what a kill left of one that was being written."""
    if checkpoint is None:
        return
    shutil.rmtree(checkpoint, ignore_errors=True)
    for part in checkpoint.parent.glob(f".{checkpoint.name}.*.part"):
        shutil.rmtree(part, ignore_errors=True)


def checkpoint_folder(name: str, *identity: Any) -> Path | None:
    """Folder for the checkpoints of one training: equal `identity` finds it again, anything else does not."""
    root = os.environ.get(CHECKPOINTS_VARIABLE)
    if not root:
        return None
    digest = hashlib.sha256(json.dumps(identity, sort_keys=True, default=str).encode()).hexdigest()[:16]
    return Path(root) / f"{name}-{digest}"


class _Trainer:
    def __init__(
        self, network: nn.Module, loss: Loss, training: Minibatches, validation: Minibatches, schedule: Schedule
    ):
        self.history: list[Epoch] = []
        self.device = pick_device()
        self.network = network.to(self.device)
        self.loss, self.training, self.validation, self.schedule = loss, training, validation, schedule
        self.optimizer = self._new_optimizer()
        self.best = _copy(network)

    def _new_optimizer(self) -> torch.optim.AdamW:
        return torch.optim.AdamW(
            self.network.parameters(),
            self.schedule.learning_rate,
            weight_decay=self.schedule.weight_decay,
            fused=True,
        )

    def wants_more(self) -> bool:
        losses = [epoch["validation_loss"] for epoch in self.history]
        if len(losses) >= self.schedule.epochs:
            return False
        return not losses or len(losses) - 1 - losses.index(min(losses)) < self.schedule.patience

    def run_epoch(self) -> None:
        start = time.perf_counter()
        epoch = len(self.history)
        torch.manual_seed((self.schedule.seed * 100_003 + epoch) % 2**63)  # so that a resumed epoch repeats itself
        trained = self._train(epoch)
        validated = self._validate()
        if not (math.isfinite(trained) and math.isfinite(validated)):
            raise ArmillaryError(
                f"The loss is no longer a number in epoch {epoch + 1}: training diverged.",
                "Give a smaller learning_rate; what was learnt until then is not kept.",
            )
        if validated < min((e["validation_loss"] for e in self.history), default=math.inf):
            self.best = _copy(self.network)
        self.history.append(
            {
                "epoch": epoch + 1,
                "train_loss": trained,
                "validation_loss": validated,
                "learning_rate": self._rate((epoch + 1) * len(self.training)),
                "seconds": round(time.perf_counter() - start, 3),
            }
        )
        report_progress(epoch + 1, self.schedule.epochs, "epochs", train_loss=trained, validation_loss=validated)
        report_epoch(epoch + 1, trained, validated)

    def take_best(self) -> None:
        self.network.load_state_dict(self.best)
        self.network.eval()

    def save(self, folder: Path) -> None:
        with whole(folder) as part:
            part.mkdir()
            save_file(_copy(self.network), part / "network.safetensors")
            save_file(self.best, part / "best.safetensors")
            moments = {
                f"{index}.{name}": torch.as_tensor(value).contiguous()
                for index, state in self.optimizer.state_dict()["state"].items()
                for name, value in state.items()
            }
            save_file(moments, part / "optimizer.safetensors")
            write_json(part / "history.json", {"schedule": asdict(self.schedule), "history": self.history})

    def restore(self, folder: Path) -> None:
        """Go on from a checkpoint; from the beginning where it cannot be read."""
        first = self.best
        try:
            self._read(folder)
        except (ArmillaryError, SafetensorError, OSError, KeyError, ValueError, TypeError, RuntimeError) as error:
            warn(f"The checkpoint {folder} cannot be read ({error}): training begins anew.")
            shutil.rmtree(folder, ignore_errors=True)
            self.network.load_state_dict(first)
            self.best, self.history = first, []
            self.optimizer = self._new_optimizer()

    def _read(self, folder: Path) -> None:
        best = load_file(folder / "best.safetensors")
        self.network.load_state_dict(best)
        self.network.load_state_dict(load_file(folder / "network.safetensors"))
        self.best = best
        state: dict[int, dict[str, Tensor]] = {}
        for name, value in load_file(folder / "optimizer.safetensors").items():
            index, key = name.split(".", 1)
            state.setdefault(int(index), {})[key] = value
        self.optimizer.load_state_dict({**self.optimizer.state_dict(), "state": state})
        self.history = read_json(folder / "history.json")["history"]

    def _train(self, epoch: int) -> float:
        self.network.train()
        batches, total = len(self.training), torch.zeros((), device=self.device)
        done = 0
        for batch in self._tensors(self.training.shuffled(self.schedule.seed, epoch)):
            for group in self.optimizer.param_groups:
                group["lr"] = self._rate(epoch * batches + done)
            with autocast(self.device, self.schedule.precision):
                loss = self.loss(self.network, batch)
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            if self.schedule.largest_gradient is not None:
                nn.utils.clip_grad_norm_(self.network.parameters(), self.schedule.largest_gradient)
            self.optimizer.step()
            total += loss.detach()
            done += 1
            if done % max(1, batches // _PROGRESS_PER_EPOCH) == 0:
                report_progress(
                    epoch + done / batches, self.schedule.epochs, "epochs", train_loss=float(total) / done
                )
        return float(total) / max(done, 1)

    @torch.no_grad()
    def _validate(self) -> float:
        self.network.eval()
        total, rows = 0.0, 0
        for batch in self._tensors(self.validation.in_order()):
            size = len(next(iter(batch.values())))
            with autocast(self.device, self.schedule.precision):
                total += float(self.loss(self.network, batch)) * size
            rows += size
        return total / rows

    def _tensors(self, batches: Iterator[Columns]) -> Iterator[dict[str, Tensor]]:
        for batch in batches:
            yield {
                name: torch.as_tensor(values.copy()).to(self.device, non_blocking=True)
                for name, values in batch.items()
            }

    def _rate(self, step: int) -> float:
        if self.schedule.constant_rate:
            return self.schedule.learning_rate
        steps = self.schedule.epochs * len(self.training)
        warm = max(1, round(_WARM_UP * steps))
        if step < warm:
            return self.schedule.learning_rate * (0.05 + 0.95 * step / warm)
        fallen = 0.5 * (1 + math.cos(math.pi * min(1.0, (step - warm) / max(1, steps - warm))))
        return self.schedule.learning_rate * (_FINAL_RATE + (1 - _FINAL_RATE) * fallen)


def _copy(network: nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().cpu().clone().contiguous() for name, value in network.state_dict().items()}
