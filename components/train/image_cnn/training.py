"""The train stage: a network for cutouts, chosen on validation rows, calibrated, and stored."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from components.common.checks import require_at_least, require_dropout, require_positive
from components.common.errors import InputError, ParameterError
from components.common.files import whole
from components.common.minibatches import Minibatches
from components.common.tables import (
    open_table,
    read_batches,
    read_settings,
    read_table,
)
from components.common.telemetry import report_counts, stage
from components.common.training import Schedule, checkpoint_folder, fastest_precision, fit, forget
from components.preprocess.cutouts.preparation import Preparation, prepare
from components.train.conv1d.answers import RedshiftAnswer
from components.train.image_cnn.inference import INPUTS, CutoutModel, save_model
from components.train.image_cnn.magnitude_density import MagnitudeDensity, Pooled
from components.train.image_cnn.network import Architecture, vary
from components.train.image_cnn.side_inputs import MAGNITUDES, SideInputs, stack_magnitudes
from components.train.network_folder import identify, record_training

IMAGE = "image"
"""Column with the prepared cutouts."""

BIN_STEP = 2e-3
"""Width of a bin in log10(1 + z): half the scatter that pictures in five bands allow (Pasquet et al. 2019)."""

CALIBRATION_ROWS = 20_000
"""Validation rows that the widths are set on: one number is found from them."""

WITHHELD = 0.1
"""Share of the training rows whose magnitudes are withheld, so that a picture alone can be answered for too."""

_SCALE_ROWS = 8192


@dataclass(frozen=True)
class Settings:
    """What to train and how.

    Attributes
    ----------
    target : {"redshift"}
        Column to predict.
    inputs : {"images", "images+magnitudes", "magnitudes"}
        What the network is shown. Magnitudes alone tell what the images add.
    channels, blocks : list of int
        Features and residual blocks at a quarter and at an eighth of the resolution.
    hidden : int
        Width of the layers that join pictures and magnitudes.
    dropout : float
        Probability of leaving a feature out in training.
    epochs, learning_rate, patience : int, float, int
        As in `components.common.training.Schedule`.
    batch_size : int
        Rows that the network learns from at once.
    precision : {"auto", "float32", "bfloat16"}
        Arithmetic of the convolutions; `auto` is bfloat16 where the processor computes in it.
    seed : int
        Draws the first weights, orders the rows and turns the cutouts.
    """

    target: str = "redshift"
    inputs: str = "images+magnitudes"
    channels: list[int] = field(default_factory=lambda: [48, 64])
    blocks: list[int] = field(default_factory=lambda: [1, 1])
    hidden: int = 128
    dropout: float = 0.1
    epochs: int = 20
    batch_size: int = 64
    learning_rate: float = 3e-3
    patience: int = 10
    precision: str = "auto"
    seed: int = 0

    def __post_init__(self) -> None:
        if self.target != "redshift":
            raise ParameterError(f"Nothing is known of the target {self.target!r}.", "Set target=redshift.")
        if self.inputs not in INPUTS:
            raise ParameterError(f"There are no inputs {self.inputs!r}.", f"Choose one of {', '.join(INPUTS)}.")
        if len(self.channels) != 2 or len(self.blocks) != 2:
            raise ParameterError("The network has two resolutions.", "Give two channels and two blocks.")
        require_at_least(0, blocks=self.blocks)
        require_at_least(1, channels=self.channels, hidden=self.hidden)
        require_at_least(1, epochs=self.epochs, batch_size=self.batch_size, patience=self.patience)
        require_positive(learning_rate=self.learning_rate)
        require_dropout(self.dropout)


def train(dataset: Path, model: Path, settings: Settings) -> None:
    """Train on the rows of split `train`, choose the epoch and calibrate on `validation`, write the model folder.

    Parameters
    ----------
    dataset : Path
        Folder of the preprocess stage, with `dataset.parquet`.
    model : Path
        Folder to create: `weights.safetensors`, `model.json`, `history.json`.
    settings : Settings
        What to train and how.
    """
    table = dataset / "dataset.parquet"
    with stage("train", model):
        columns = [*_columns(table, settings), settings.target]
        answer = _answer(table, settings)
        architecture, side_inputs = _design(table, settings, answer)
        training = Minibatches(table, columns, "train", settings.batch_size)
        validation = Minibatches(table, columns, "validation", 4 * settings.batch_size)
        report_counts(rows_in=training.rows, rows_validation=validation.rows)
        torch.manual_seed(settings.seed)
        network = architecture.build()
        checkpoint = checkpoint_folder("image_cnn", asdict(settings), architecture.to_json(), identify(table))
        schedule, stored = _schedule(settings), read_settings(table)
        loss = make_loss(answer, side_inputs, settings.target, storage_unit(stored))
        history = fit(network, loss, training, validation, schedule, checkpoint)
        record = record_training(table, settings, history, precision=schedule.precision)
        pooled = Pooled(network, _density(table, settings, side_inputs, answer))
        unfinished = CutoutModel(pooled, architecture, answer, side_inputs, stored, record)
        with whole(model) as folder:
            save_model(folder, calibrate(unfinished, table), history)
        forget(checkpoint)


def make_loss(
    answer: RedshiftAnswer, side_inputs: SideInputs, target: str, unit: float = 1.0
) -> Callable[[nn.Module, dict[str, Tensor]], Tensor]:
    """Make the loss of a minibatch of columns, whose cutouts are turned and mirrored in training alone.

    Parameters
    ----------
    answer : RedshiftAnswer
        What the outputs mean.
    side_inputs : SideInputs
        Scales of the magnitudes.
    target : str
        Column of the labels.
    unit : float
        What 1 of a stored cutout is to the network, as of `storage_unit`.
    """

    def loss(network: nn.Module, batch: dict[str, Tensor]) -> Tensor:
        images = beside = None
        if IMAGE in batch:
            shown = batch[IMAGE]
            if shown.is_floating_point():  # 8-bit numbers are turned as they are, which is cheaper
                shown = shown.to(dtype_for(shown))
            shown = vary(shown) if network.training else shown
            shown = shown.contiguous(memory_format=torch.channels_last)  # first, while a number is a byte
            images = shown.to(dtype_for(shown)).mul_(unit)
        if MAGNITUDES[0] in batch:
            magnitudes = torch.stack([batch[name].float() for name in MAGNITUDES], 1).cpu().numpy()
            if network.training and images is not None:
                magnitudes[torch.rand(len(magnitudes)).numpy() < WITHHELD] = np.nan
            beside = torch.as_tensor(side_inputs.make(magnitudes)).to(batch[target].device)
        truth = batch[target]
        if network.training:
            truth = blur(truth, BIN_STEP)
        return answer.loss(network(images, beside), truth)

    return loss


def blur(redshift: Tensor, width: float) -> Tensor:
    """Scatter labels around themselves by a normal distribution of this width in log10(1 + z).

    In the mean over the epochs a label is then a smooth bump over bins instead of one or two of them, so that what
    is learnt is smooth as well: the distributions of galaxies at hand would be combs otherwise.
    """
    return (1 + redshift) * 10.0 ** (width * torch.randn(redshift.shape).to(redshift)) - 1


def storage_unit(settings: Mapping[str, Any]) -> float:
    """Return what `prepare` makes of 1 in a stored cutout: a minibatch is scaled by it where it is computed."""
    preparation = Preparation.from_settings(settings)
    one = np.ones((1, len(preparation.bands), preparation.size, preparation.size), preparation.storage)
    return float(prepare(one, settings).flat[0])


def dtype_for(images: Tensor) -> torch.dtype:
    """Return the type that cutouts are computed in: that of the convolutions around."""
    kind = images.device.type
    return torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else torch.float32


def calibrate(model: CutoutModel, table: Path) -> CutoutModel:
    """Set the share of the density and the temperature on validation rows, at most `CALIBRATION_ROWS` of them.

    They are read a row group at a time.
    """
    settings = model.record["settings"]
    outputs, told, truth, rows = [], [], [], 0
    names = [*_names(settings["inputs"]), settings["target"]]
    for batch in read_batches(table, names, "validation"):
        take = slice(max(0, CALIBRATION_ROWS - rows))
        images = batch.get(IMAGE, batch[settings["target"]])[take]
        magnitudes = stack_magnitudes(batch)[take] if MAGNITUDES[0] in batch else None
        outputs.append(torch.from_numpy(model.outputs(images, magnitudes)))
        if magnitudes is not None:
            told.append(torch.from_numpy(model.side_inputs.make(magnitudes)))
        truth.append(batch[settings["target"]][take].astype(np.float64))
        rows += len(images)
        if rows >= CALIBRATION_ROWS:
            break
    logits, labels = torch.cat(outputs), np.concatenate(truth)
    if told:
        pooled, beside = model.network.cpu(), torch.cat(told)
        pooled.settle(logits, beside, lambda mean: model.answer.loss(mean, torch.from_numpy(labels)))
        logits = pooled.pool(logits, beside)
    answer = model.answer.calibrated(logits.numpy(), labels)
    return dataclasses.replace(model, answer=answer)


def _names(inputs: str) -> list[str]:
    return [*([IMAGE] if "images" in inputs else []), *(MAGNITUDES if "magnitudes" in inputs else [])]


def _columns(table: Path, settings: Settings) -> Sequence[str]:
    wanted = _names(settings.inputs)
    with open_table(table) as file:
        missing = sorted({*wanted, settings.target} - set(file.schema_arrow.names))
    if missing:
        raise InputError(
            f"{table} has no column {', '.join(missing)}, which inputs={settings.inputs} needs.",
            "Preprocess cutouts with magnitudes, or choose other inputs.",
        )
    return wanted


def _answer(table: Path, settings: Settings) -> RedshiftAnswer:
    labels = read_table(table, [settings.target], "train")[settings.target].astype(np.float64)
    if not labels.size:
        raise InputError(f"{table} has no training row.", "Give more rows, or smaller fractions for the others.")
    if not np.isfinite(labels).all():
        raise InputError(
            f"{np.sum(~np.isfinite(labels))} training rows of {table} have no {settings.target}.",
            "Leave rows without a label out of the data set.",
        )
    return RedshiftAnswer.covering(float(labels.max()), BIN_STEP, 1)


def _design(table: Path, settings: Settings, answer: RedshiftAnswer) -> tuple[Architecture, SideInputs]:
    parts, shape, rows = [], (1, 64, 64), 0
    with_magnitudes = "magnitudes" in settings.inputs
    for batch in read_batches(table, _names(settings.inputs), "train"):
        if IMAGE in batch:
            shape = batch[IMAGE].shape[1:]
        if not with_magnitudes:
            break
        parts.append(stack_magnitudes(batch))
        rows += len(parts[-1])
        if rows >= _SCALE_ROWS:
            break
    side_inputs = SideInputs.of_training(np.concatenate(parts)) if parts else SideInputs([], [])
    architecture = Architecture(
        bands=int(shape[0]),
        size=int(shape[1]),
        channels=[int(n) for n in settings.channels],
        blocks=[int(n) for n in settings.blocks],
        hidden=settings.hidden,
        outputs=answer.bins.count,
        dropout=settings.dropout,
        images="images" in settings.inputs,
        side_inputs=side_inputs.count,
    )
    return architecture, side_inputs


def _density(
    table: Path, settings: Settings, side_inputs: SideInputs, answer: RedshiftAnswer
) -> MagnitudeDensity | None:
    if not side_inputs.count:
        return None
    rows = read_table(table, [*MAGNITUDES, settings.target], "train")
    beside = side_inputs.make(stack_magnitudes(rows))
    return MagnitudeDensity.fit(beside, rows[settings.target].astype(np.float64), answer.bins.edges, settings.seed)


def _schedule(settings: Settings) -> Schedule:
    return Schedule(
        epochs=settings.epochs,
        learning_rate=settings.learning_rate,
        patience=settings.patience,
        seed=settings.seed,
        precision=fastest_precision(settings.precision),
    )
