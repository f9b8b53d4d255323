"""The train stage: a one-dimensional convolutional network, chosen on validation rows, calibrated, and stored."""

import dataclasses
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from components.common.checks import require_at_least, require_dropout, require_one_of, require_positive
from components.common.classes import encode, require_every_class
from components.common.errors import InputError, ParameterError
from components.common.files import whole
from components.common.minibatches import Minibatches
from components.common.tables import open_table, read_batches, read_settings, read_table
from components.common.telemetry import report_counts, stage
from components.common.training import Schedule, checkpoint_folder, fit, forget
from components.physics.wavelength_grid import WavelengthGrid
from components.preprocess.strain.whitening import Whitening
from components.train.conv1d.answers import Answer, PointAnswer, RedshiftAnswer
from components.train.conv1d.chirps import ChirpNetwork, count_bins
from components.train.conv1d.class_answer import ClassAnswer
from components.train.conv1d.inference import Conv1dModel, save_model
from components.train.conv1d.inputs import CHANNELS, KINDS, kind_for
from components.train.conv1d.network import ARCHITECTURES, Architecture, scale_kernels
from components.train.network_folder import identify, record_training

LABEL = "label"
"""Column with the name of the class."""

_LIGO = ("H1", "L1")
"""Detectors of one design, which share the weights of their branch."""

_SUBPIXELS = 4
"""Bins of redshift in a pixel: a bright quasar's redshift is known to a fraction of a pixel."""


CALIBRATION_ROWS = 20_000
"""Validation rows that the widths are set on. One number is found from them, to better than a per cent; the
outputs of as many rows take a third of a gigabyte, those of a whole survey would take several."""


@dataclass(frozen=True)
class Settings:
    """What to train and how.

    Attributes
    ----------
    target : str
        Column to predict; `label` for classes, which the table's settings list.
    architecture : {"restframe", "paper", "strided", "chirps"}
        `restframe` compares the spectrum with learned rest-frame templates at all redshifts and answers with a
        distribution. `paper` is the workshop's network: three convolutions, Adam at one rate; mean squared error,
        or for classes the negative log-likelihood. `strided` asks whether a feature is there, wherever: for
        classes of spectra and of strain. `chirps` is that for strain, with first kernels as long as waves last.
    kernels : list of int
        Widths of the three convolutions in pixels of the unbinned grid; on a binned one they are as much narrower.
    channels : list of int
        Output channels of the three convolutions.
    epochs, learning_rate, patience : int, float, int
        As in `components.common.training.Schedule`.
    batch_size : int
        Rows that the network learns from at once.
    templates : int
        Number of rest-frame templates (`restframe` alone).
    dropout : float
        Probability of leaving a feature out in training (not in `paper`).
    precision : {"auto", "float32", "bfloat16"}
        Arithmetic of the network.
    seed : int
        Draws the first weights and orders the rows.
    """

    target: str = "redshift"
    architecture: str = "restframe"
    kernels: list[int] = field(default_factory=lambda: [125, 61, 29])
    channels: list[int] = field(default_factory=lambda: [16, 16, 16])
    epochs: int = 5
    batch_size: int = 64
    learning_rate: float = 3e-3
    patience: int = 5
    templates: int = 16
    dropout: float = 0.1
    precision: str = "auto"
    seed: int = 0

    def __post_init__(self) -> None:
        require_one_of(ARCHITECTURES, architecture=self.architecture)
        if len(self.kernels) != 3 or len(self.channels) != 3:
            raise ParameterError("The network has three convolutions.", "Give three kernels and three channels.")
        require_at_least(1, kernels=self.kernels, channels=self.channels, templates=self.templates)
        require_at_least(1, epochs=self.epochs, batch_size=self.batch_size, patience=self.patience)
        require_positive(learning_rate=self.learning_rate)
        require_dropout(self.dropout)
        if self.architecture == "restframe" and self.target != "redshift":
            raise ParameterError(
                f"The architecture restframe knows redshifts only, not {self.target!r}.",
                "Set architecture=strided or paper for another target.",
            )


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
        architecture, answer = _design(table, settings)
        columns = [*KINDS[architecture.input].columns, settings.target]
        convert = {settings.target: partial(_numbers, answer)}
        training = Minibatches(table, columns, "train", settings.batch_size, converters=convert)
        validation = Minibatches(table, columns, "validation", 4 * settings.batch_size, converters=convert)
        _require_classes(answer, table, settings.target)
        report_counts(rows_in=training.rows, rows_validation=validation.rows)
        torch.manual_seed(settings.seed)
        network = _begin(architecture, read_settings(table))
        checkpoint = checkpoint_folder("conv1d", asdict(settings), architecture.to_json(), identify(table))
        history = fit(
            network,
            _loss(architecture, answer, settings.target),
            training,
            validation,
            _schedule(settings),
            checkpoint,
        )
        unfinished = Conv1dModel(
            network, architecture, answer, read_settings(table), record_training(table, settings, history)
        )
        with whole(model) as folder:
            save_model(folder, _calibrate(unfinished, table, settings), history)
        forget(checkpoint)


def _design(table: Path, settings: Settings) -> tuple[Architecture, Answer]:
    kind = kind_for(settings.architecture, _columns(table))
    if KINDS[kind].data == "strain":
        inputs, pixels = _strain_shape(table)
        kernels = [int(kernel) for kernel in settings.kernels]
    else:
        grid = _grid(table)
        inputs, pixels = CHANNELS[kind], grid.pixels
        kernels = scale_kernels(settings.kernels, grid.bin_pixels)
    answer = _answer(table, settings)
    channels = [int(channels) for channels in settings.channels]
    plan = Architecture(settings.architecture, pixels, inputs, kernels, channels, outputs=1, input=kind)
    if isinstance(answer, ClassAnswer):
        plan = dataclasses.replace(plan, outputs=len(answer.classes))
    if settings.architecture in ("strided", "chirps"):
        return dataclasses.replace(plan, options=_joined_options(table, kind, settings)), answer
    if not isinstance(answer, RedshiftAnswer):
        return plan, answer
    odd = [kernel + 1 - kernel % 2 for kernel in plan.kernels]
    options = {"templates": settings.templates, "subpixels": _SUBPIXELS, "dropout": settings.dropout}
    return dataclasses.replace(plan, kernels=odd, outputs=answer.bins.count, options=options), answer


def _answer(table: Path, settings: Settings) -> Answer:
    """Find out what is to be learnt, from the labels of the training rows."""
    if settings.target not in _columns(table):
        raise InputError(
            f"{table} has no column {settings.target}.",
            "Preprocess with the list of classes to learn them, or choose another target.",
        )
    labels = read_table(table, [settings.target], "train")[settings.target]
    if settings.target == LABEL:
        return ClassAnswer.for_labels(labels, read_settings(table).get("classes", []))
    labels = labels.astype(np.float64)
    if not np.isfinite(labels).all():
        raise InputError(
            f"{np.sum(~np.isfinite(labels))} training rows of {table} have no {settings.target}.",
            "Leave rows without a label out of the data set.",
        )
    if settings.architecture != "restframe":
        return PointAnswer.for_labels(labels)
    return RedshiftAnswer.covering(float(labels.max()), 2 * _grid(table).step, _SUBPIXELS)


def _require_classes(answer: Answer, table: Path, target: str) -> None:
    """Calibration and the choice of the epoch need rows of every class."""
    if isinstance(answer, ClassAnswer):
        index = encode(read_table(table, [target], "validation")[target], answer.classes)
        require_every_class(np.bincount(index, minlength=len(answer.classes)), answer.classes, "validation")


def _numbers(answer: Answer, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Turn a target's values into what the loss takes."""
    return encode(values, answer.classes) if isinstance(answer, ClassAnswer) else values


def _columns(table: Path) -> set[str]:
    with open_table(table) as file:
        return set(file.schema_arrow.names)


def _strain_shape(table: Path) -> tuple[int, int]:
    detectors, samples = next(read_batches(table, ["strain"]))["strain"].shape[1:]
    return int(detectors), int(samples)


def _joined_options(table: Path, kind: str, settings: Settings) -> dict[str, Any]:
    if KINDS[kind].data != "strain":
        return {"groups": [], "strides": [2, 2, 2, 2], "dropout": settings.dropout}
    stored = read_settings(table)
    alike = [n for n, name in enumerate(stored.get("detectors", [])) if name in _LIGO]
    groups = [alike, *([n] for n in range(_strain_shape(table)[0]) if n not in alike)]
    options = {"groups": [group for group in groups if group], "dropout": settings.dropout}
    if settings.architecture == "strided":
        return {**options, "strides": [4, 2, 2, 2]}
    return {**options, "bins": count_bins(*(stored[name] for name in ("samples", "sample_rate", "high_hz")))}


def _begin(architecture: Architecture, stored: dict[str, Any]) -> nn.Module:
    """Build the network as it is before any training."""
    network = architecture.build()
    if isinstance(network, ChirpNetwork):
        whitening = Whitening.from_settings(stored)
        network.begin(whitening.response, whitening.sample_rate)
    return network


def _grid(table: Path) -> WavelengthGrid:
    try:
        return WavelengthGrid(**read_settings(table)["grid"])
    except (KeyError, TypeError) as error:
        raise InputError(
            f"{table} does not say on which wavelength grid its spectra are.",
            "Give the folder that the preprocess stage wrote.",
        ) from error


def _loss(architecture: Architecture, answer: Answer, target: str) -> Any:
    kind = KINDS[architecture.input]

    def loss(network: nn.Module, batch: dict[str, Tensor]) -> Tensor:
        shown = kind.make(*(batch[name] for name in kind.columns))
        if network.training:
            shown = kind.augment(shown, batch[target])
        return answer.loss(network(shown), batch[target])

    return loss


def _schedule(settings: Settings) -> Schedule:
    is_paper = settings.architecture == "paper"
    return Schedule(
        epochs=settings.epochs,
        learning_rate=settings.learning_rate,
        weight_decay=0.0 if is_paper else 0.02,
        patience=settings.patience,
        seed=settings.seed,
        precision=settings.precision,
        constant_rate=is_paper,
        largest_gradient=None if is_paper else 5.0,
    )


def _calibrate(model: Conv1dModel, table: Path, settings: Settings) -> Conv1dModel:
    """Calibrate on validation rows, at most `CALIBRATION_ROWS` of them, read a row group at a time."""
    chosen = _choose(len(read_table(table, ["split"], "validation")["split"]), settings.seed)
    outputs, truth = [], []
    done = 0
    names = model.input_kind.columns
    for batch in read_batches(table, [*names, settings.target], "validation"):
        rows = chosen[done : done + len(batch[names[0]])]
        done += len(rows)
        outputs.append(model.outputs(*(batch[name][rows] for name in names)))
        truth.append(_numbers(model.answer, batch[settings.target][rows]).astype(np.float64))
    answer = model.answer.calibrated(np.concatenate(outputs), np.concatenate(truth))
    return dataclasses.replace(model, answer=answer)


def _choose(rows: int, seed: int) -> npt.NDArray[np.bool_]:
    """Mark the rows to calibrate on: all, or as many as are allowed, drawn at random."""
    chosen = np.ones(rows, dtype=bool)
    if rows > CALIBRATION_ROWS:
        order = np.random.default_rng(seed % 2**64).permutation(rows)  # numpy refuses negative seeds
        chosen[order[CALIBRATION_ROWS:]] = False
    return chosen
