"""The train stage: a network that says mean and deviation of six parameters, and how far to believe it."""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from components.common.checks import (
    require_at_least,
    require_between,
    require_dropout,
    require_one_of,
    require_positive,
)
from components.common.errors import InputError, ParameterError
from components.common.files import whole
from components.common.minibatches import Converter, Minibatches
from components.common.tables import open_table, read_batches, read_settings, read_table
from components.common.telemetry import report_counts, stage
from components.common.training import Epoch, Schedule, checkpoint_folder, fastest_precision, fit, forget
from components.physics.multifield import ASTROPHYSICAL, PARAMETERS
from components.preprocess.field_maps.preparation import scalings_of
from components.train.moment_network.inference import MomentModel, save_model
from components.train.moment_network.network import Architecture
from components.train.moment_network.objective import FOLDS, INVARIANCES, SUMMARIES, Adversary, Trained, make_loss
from components.train.moment_network.parameters import coordinates
from components.train.moment_network.regression import Summarised, fit_ridge, in_units, sum_up
from components.train.network_folder import identify, record_training

MAPS = "maps"
"""Column with the prepared maps."""

_SPLIT = ("validation_fraction", "test_fraction", "seed")
_LARGEST_STRETCH = 30.0
_LEAST_ROWS = 8
_LINEAR = 10.0
"""Weight of covariances with feedback in the regression, for a strength of 1."""


@dataclass(frozen=True)
class Settings:
    """What to train and how.

    Attributes
    ----------
    channels : list of int
        Features at half the resolution, a quarter and so on.
    hidden : int
        Width of the layer after the maps.
    dropout : float
        Probability of leaving one of its features out.
    whole_maps : float
        Share of the maps that are shown with all fields in training; of the others some are left out, so that the
        network answers for any of them.
    invariance : {"marginal", "adversarial", "hsic"}
        What errors of the cosmology may depend on: whatever suits precision; not on what an adversary could guess
        feedback from; not on feedback by a kernel's measure.
    strength : float
        Weight of that beside precision.
    compare_marginal : bool
        With `adversarial` and `hsic` also train a network without, to tell what the independence costs.
    epochs, learning_rate, patience : int, float, int
        As in `components.common.training.Schedule`.
    batch_size : int
        Rows that the network learns from at once.
    precision : {"auto", "float32", "bfloat16"}
        Arithmetic of the convolutions.
    seed : int
        Draws weights, orders the maps, turns and shifts them.
    """

    channels: list[int] = field(default_factory=lambda: [16, 32, 64])
    hidden: int = 128
    dropout: float = 0.2
    whole_maps: float = 0.5
    invariance: str = "hsic"
    strength: float = 3.0
    compare_marginal: bool = True
    epochs: int = 20
    batch_size: int = 64
    learning_rate: float = 3e-3
    patience: int = 15
    precision: str = "auto"
    seed: int = 0

    def __post_init__(self) -> None:
        require_one_of(INVARIANCES, invariance=self.invariance)
        require_at_least(1, channels=self.channels, hidden=self.hidden)
        require_at_least(1, epochs=self.epochs, patience=self.patience)
        require_at_least(0, strength=self.strength)
        require_between(0, 1, whole_maps=self.whole_maps)
        require_positive(learning_rate=self.learning_rate)
        require_dropout(self.dropout)
        if self.batch_size < _LEAST_ROWS:
            raise ParameterError(
                f"The loss is of averages over minibatches, and {self.batch_size} maps are too few.",
                f"Set batch_size to at least {_LEAST_ROWS}.",
            )


def train(dataset: Path, model: Path, settings: Settings) -> None:
    """Train on the rows of split `train`, choose the epoch on `validation`, calibrate on both, write the model.

    The regression answers for each training map without the fold of its universe: these maps may say too how wide
    the errors are, which the few universes of validation leave uncertain.

    Parameters
    ----------
    dataset : Path
        Folder of the preprocess stage, with `dataset.parquet`.
    model : Path
        Folder to create: `weights.safetensors`, `model.json`, `history.json`, and the same of the network without
        independence where one is asked for beside.
    settings : Settings
        What to train and how.
    """
    table = dataset / "dataset.parquet"
    with stage("train", model):
        architecture = _design(table, settings)
        summed = {split: sum_up(table, split, architecture, MAPS) for split in ("train", "validation")}
        summed["train"] = summed["train"].divided(settings.seed)
        twin = settings.compare_marginal and settings.invariance != "marginal"
        plain, plain_history, plain_checkpoint = (
            _train_one(
                table, architecture, summed, dataclasses.replace(settings, invariance="marginal"), alone=False
            )
            if twin
            else (None, [], None)
        )
        own, history, checkpoint = _train_one(table, architecture, summed, settings)
        histories = {"history": history} | ({"history_marginal": plain_history} if twin else {})
        with whole(model) as folder:
            save_model(folder, dataclasses.replace(own, marginal=plain), histories)
        forget(checkpoint)
        forget(plain_checkpoint)


def _train_one(
    table: Path, architecture: Architecture, summed: dict[str, Summarised], settings: Settings, alone: bool = True
) -> tuple[MomentModel, list[Epoch], Path | None]:
    columns, converters = [SUMMARIES, FOLDS, MAPS, *PARAMETERS], _converters()

    def batches(split: str, size: int) -> Minibatches:
        known: dict[str, Converter] = {SUMMARIES: summed[split].look_up, FOLDS: summed[split].folds_of}
        return Minibatches(table, columns, split, size, converters={**converters, **known})

    training, validation = batches("train", settings.batch_size), batches("validation", 8 * settings.batch_size)
    report_counts(rows_in=training.rows, rows_validation=validation.rows)
    torch.manual_seed(settings.seed)
    network = architecture.build()
    independence = 0.0 if settings.invariance == "marginal" else _LINEAR * settings.strength
    fit_ridge(network.ridge, summed["train"], independence)
    adversary = Adversary(len(ASTROPHYSICAL)) if settings.invariance == "adversarial" else None
    checkpoint = checkpoint_folder("moment_network", asdict(settings), architecture.to_json(), identify(table))
    schedule = Schedule(
        epochs=settings.epochs,
        learning_rate=settings.learning_rate,
        patience=settings.patience,
        seed=settings.seed,
        precision=fastest_precision(settings.precision),
    )
    loss = make_loss(settings.invariance, settings.strength, settings.whole_maps, PARAMETERS)
    history = fit(Trained(network, adversary), loss, training, validation, schedule, checkpoint)
    record = record_training(table, settings, history, precision=schedule.precision)
    stored = _prepared_as(table)
    model = MomentModel(network, architecture, np.ones((1 + architecture.fields, len(PARAMETERS))), stored, record)
    return dataclasses.replace(model, stretch=calibrate(model, table, summed, alone)), history, checkpoint


def calibrate(
    model: MomentModel, table: Path, summed: Mapping[str, Summarised], alone: bool
) -> npt.NDArray[np.float64]:
    """Find what factor deviations of parameters lack, with all fields and, if `alone`, with each: (rows, 6)."""
    shown = [None, *([name] for name in model.fields if alone)]
    total, count = np.zeros((len(shown), len(PARAMETERS))), np.zeros((len(shown), len(PARAMETERS)))
    for split, known in summed.items():
        for batch in read_batches(table, [SUMMARIES, FOLDS, MAPS, *PARAMETERS], split):
            truth = coordinates(np.column_stack([batch[name] for name in PARAMETERS]))
            beside = known.look_up(batch[SUMMARIES]), known.folds_of(batch[FOLDS])
            for place, fields in enumerate(shown):
                found = model.predict(batch[MAPS], fields, *beside)
                squared = ((truth - found.mean) / found.width) ** 2
                total[place] += np.nansum(squared, axis=0)
                count[place] += np.isfinite(squared).sum(axis=0)
    stretch = np.clip(np.sqrt(total / np.maximum(count, 1)), 1 / _LARGEST_STRETCH, _LARGEST_STRETCH)
    return np.where(count >= _LEAST_ROWS, stretch, 1.0)


def _converters() -> dict[str, Callable[[npt.NDArray[Any]], npt.NDArray[Any]]]:
    """Turn columns of labels into units of the prior."""

    def converter(place: int) -> Callable[[npt.NDArray[Any]], npt.NDArray[Any]]:
        def convert(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
            all_six = np.full((len(values), len(PARAMETERS)), np.nan)
            all_six[:, place] = values
            return in_units(all_six)[:, place]

        return convert

    return {name: converter(place) for place, name in enumerate(PARAMETERS)}


def _design(table: Path, settings: Settings) -> Architecture:
    with open_table(table) as file:
        missing = sorted({MAPS, SUMMARIES, FOLDS, "split", *PARAMETERS} - set(file.schema_arrow.names))
    if missing:
        raise InputError(
            f"{table} has no column {', '.join(missing)}.", "Give the folder that preprocess of maps wrote."
        )
    labels = read_table(table, list(PARAMETERS[:2]), "train")
    if not all(np.isfinite(values).all() for values in labels.values()):
        raise InputError(
            f"There are training maps in {table} without omega_m or sigma_8.", "Leave them out of the data set."
        )
    if same := [name for name, values in labels.items() if np.ptp(values) == 0]:
        raise InputError(
            f"{' and '.join(same)} are the same in all training maps of {table}: there is nothing to learn.",
            "Train on a set in which they vary, such as LH; CV, 1P and EX are for testing (external).",
        )
    stored = read_settings(table)
    return Architecture(
        fields=len(stored["fields"]),
        grid=int(stored["grid"]),
        decades=[scaling.std for scaling in scalings_of(stored)],
        channels=[int(n) for n in settings.channels],
        hidden=settings.hidden,
        dropout=settings.dropout,
    )


def _prepared_as(table: Path) -> dict[str, Any]:
    """Return settings of the table; of the split what assigns universes, and beside it what was trained on."""
    stored = read_settings(table)
    split = dict(stored["split"])
    own = {name: split.pop(name) for name in _SPLIT}
    return {**stored, "split": own, "trained_on": split}
