"""Training one regressor: tuned by cross-validation, fitted, given an uncertainty, and stored."""

import resource
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from components.common.checks import require_at_least, require_one_of
from components.common.errors import InputError, ParameterError
from components.common.files import whole
from components.common.provenance import code_version
from components.common.tables import Columns, read_marked, read_provenance, read_settings, read_table
from components.common.telemetry import warn
from components.physics.wavelength_grid import WavelengthGrid
from components.train.regressors.estimators import Estimator, SklearnEstimator, candidates
from components.train.regressors.familiarity import Familiarity
from components.train.regressors.features import (
    COLUMNS,
    FURTHER,
    TARGETS,
    Floats,
    Spectra,
    describe,
    group_column,
    to_targets,
)
from components.train.regressors.inference import RegressorModel, clues, save_model
from components.train.regressors.principal_components import PrincipalComponents
from components.train.regressors.tuning import Budget, summarise, tune
from components.train.regressors.uncertainty import Uncertainty

MODEL_KINDS = ("linear", "ridge", "forest", "svr", "network")
FEATURES = ("pixels", "pca")

FAMILIARITY_ROWS = 20_000
"""Validation spectra that say how strange a familiar one may look: enough for one in a hundred of them."""

_TUNING_EPOCHS = {"pixels": 2, "pca": 8}
"""At most so many when a network is tuned. On components more cost little and are needed: after two epochs ten of
them look better than a hundred, at the end a hundred are ten times as good."""


@dataclass(frozen=True)
class Settings:
    """What to train and how.

    Attributes
    ----------
    model_kind : {"linear", "ridge", "forest", "svr", "network"}
        Linear regression, ridge regression, random forest, support vector regression, fully connected network.
    features : {"pixels", "pca"}
        Show it pixels, or principal components of the training spectra.
    most_rows : int
        Training rows that are read at most, drawn at random: all of them are held in memory.
    tuning_rows, folds : int
        Budget of the tuning: each candidate is fitted `folds` times to at most so many rows.
    epochs : int
        Passes of the network over its rows.
    seed : int
        Draws rows, folds, trees and weights.
    targets : tuple of str
        What is predicted: `features.TARGETS`, or one of `features.FURTHER`, for which rows without that label
        are left out.
    """

    model_kind: str = "ridge"
    features: str = "pixels"
    most_rows: int = 50_000
    tuning_rows: int = 1500
    folds: int = 3
    epochs: int = 6
    seed: int = 0
    targets: tuple[str, ...] = TARGETS

    def __post_init__(self) -> None:
        require_one_of(MODEL_KINDS, model_kind=self.model_kind)
        require_one_of(FEATURES, features=self.features)
        if self.targets != TARGETS and (len(self.targets) != 1 or self.targets[0] not in FURTHER):
            raise ParameterError(
                f"There is no target {', '.join(self.targets)}.", f"Choose one of {', '.join(FURTHER)}."
            )
        if self.targets != TARGETS and self.model_kind == "network":
            raise ParameterError(
                f"The network predicts {' and '.join(TARGETS)} alone.",
                "Choose another model_kind for a further target.",
            )
        require_at_least(1, most_rows=self.most_rows, tuning_rows=self.tuning_rows, epochs=self.epochs)
        require_at_least(2, folds=self.folds)


@dataclass(frozen=True)
class Rows:
    """Rows of one split: features, what is learnt, and the object that each shows."""

    spectra: Spectra
    targets: Floats
    groups: npt.NDArray[Any]


def train(dataset: Path, model: Path, settings: Settings) -> dict[str, Any]:
    """Train on the rows of split `train`, learn the size of the errors on `validation`, write the model folder.

    Parameters
    ----------
    dataset : Path
        Folder of the preprocess stage, with `dataset.parquet`.
    model : Path
        Folder to create: `model.json`, the fitted regressor, and the principal components where it sees these.
    settings : Settings
        What to train and how.

    Returns
    -------
    dict
        The record that `model.json` holds under `training`.
    """
    table = dataset / "dataset.parquet"
    preprocess = read_settings(table)
    step = _step(table, preprocess)
    training, validation = (
        read_rows(table, split, settings.most_rows, settings.seed, settings.targets)
        for split in ("train", "validation")
    )
    projection = None
    if settings.features == "pca":
        projection = PrincipalComponents.fit(training.spectra.pixels, settings.seed)
    tuning = _tune(training, projection, step, settings)
    chosen = {name: tuning[0][name] for name in tuning[0] if name in _parameters(settings)}
    begin, begin_cpu = time.perf_counter(), time.process_time()
    estimator = _make(chosen, projection, step, settings.epochs, settings)
    estimator.fit(training.spectra, training.targets, (validation.spectra, validation.targets))
    fitted, fitted_cpu = time.perf_counter(), time.process_time()
    found = estimator.predict(validation.spectra)
    predicted, predicted_cpu = time.perf_counter(), time.process_time()
    error = validation.targets - found.points
    seen = clues(found, validation.spectra)
    record = {
        "settings": asdict(settings),
        "parameters": chosen,
        "tuning": tuning,
        "pixels": int(training.spectra.pixels.shape[1]),
        "rows": {"train": len(training.spectra), "validation": len(validation.spectra)},
        "validation": summarise(-error, settings.targets),
        "cost": {
            "fit_seconds": fitted - begin,
            "fit_cpu_seconds": fitted_cpu - begin_cpu,
            "predict_seconds_per_1000": 1000 * (predicted - fitted) / len(error),
            "predict_cpu_seconds_per_1000": 1000 * (predicted_cpu - fitted_cpu) / len(error),
            "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        },
        "data": read_provenance(table).to_json(),
        "code_version": code_version(),
    }
    if settings.targets == TARGETS:
        record["redshift_range"] = np.expm1([training.targets[:, 0].min(), training.targets[:, 0].max()]).tolist()
    uncertainty = tuple(Uncertainty.fit(seen, error[:, k]) for k in range(error.shape[1]))
    unseen = _some_validation(table, settings.seed)
    familiarity = Familiarity.fit(training.spectra, projection, unseen, step, settings.seed)
    with whole(model) as folder:
        save_model(folder, RegressorModel(estimator, uncertainty, projection, familiarity, preprocess, record))
    return record


def read_rows(table: Path, split: str, most: int, seed: int, targets: Sequence[str] = TARGETS) -> Rows:
    """Read rows of one split, at most so many, drawn at random; of a further target those that have it.

    Raises
    ------
    InputError
        When there is none, or one without a label.
    """
    groups = group_column(table)
    labels = read_table(table, [*targets, groups], split)
    is_further = targets[0] in FURTHER
    wanted = np.isfinite(labels[targets[0]]) if is_further else np.ones(len(labels[groups]), dtype=bool)
    count = int(wanted.sum())
    if count == 0:
        raise _nothing(table, split, targets)
    if count > most:
        warn(f"Of {count} rows of the split {split}, {most} are used: all are held in memory.")
        wanted = _draw(wanted, most, seed)
    # Described as they are read: a survey's spectra are not held, nor any that is not drawn.
    spectra = Spectra.joined([describe(batch) for batch in read_marked(table, wanted, COLUMNS, split)])
    labels = {name: values[wanted] for name, values in labels.items()}
    return Rows(spectra, to_targets(labels, spectra, str(table), targets), labels[groups])


def has_labels(table: Path, target: str) -> bool:
    """Tell whether there are rows with a target to train on, and to choose on."""
    return all(np.isfinite(read_table(table, [target], split)[target]).any() for split in ("train", "validation"))


def _nothing(table: Path, split: str, targets: Sequence[str]) -> InputError:
    return InputError(
        f"{table} has no rows in the split {split!r} with {' and '.join(targets)}.",
        "Give more rows, or a larger fraction to that split; leave out a further target that is not known.",
    )


def _draw(wanted: npt.NDArray[np.bool_], most: int, seed: int) -> npt.NDArray[np.bool_]:
    """Mark at most so many of the wanted rows, drawn at random."""
    rows = np.flatnonzero(wanted)
    if rows.size <= most:
        return wanted
    drawn = np.zeros_like(wanted)
    drawn[rows[np.random.default_rng(seed).choice(rows.size, most, replace=False)]] = True
    return drawn


def _some_validation(table: Path, seed: int) -> Columns:
    """Read validation spectra, at most `FAMILIARITY_ROWS`, for a quantile of what they are like."""
    wanted = np.ones(len(read_table(table, ["coverage"], "validation")["coverage"]), dtype=bool)
    parts = list(read_marked(table, _draw(wanted, FAMILIARITY_ROWS, seed), COLUMNS, "validation"))
    return {name: np.concatenate([part[name] for part in parts]) for name in COLUMNS}


def _tune(
    training: Rows, projection: PrincipalComponents | None, step: float, settings: Settings
) -> list[dict[str, Any]]:
    tried = candidates(settings.model_kind, projection is not None)
    if projection is not None:
        most = len(projection.axes)
        tried = [entry for entry in tried if entry["components"] <= most] or [{**tried[0], "components": most}]
    epochs = min(_TUNING_EPOCHS[settings.features], settings.epochs)
    return tune(
        tried,
        lambda parameters: _make(parameters, projection, step, epochs, settings),
        training.spectra,
        training.targets,
        training.groups,
        Budget(settings.tuning_rows, settings.folds),
        settings.seed,
        settings.targets,
    )


def _parameters(settings: Settings) -> set[str]:
    return {name for entry in candidates(settings.model_kind, settings.features == "pca") for name in entry}


def _make(
    parameters: dict[str, Any],
    projection: PrincipalComponents | None,
    step: float,
    epochs: int,
    settings: Settings,
) -> Estimator:
    if settings.model_kind == "network":
        from components.train.regressors.network import NetworkEstimator  # imports torch

        return NetworkEstimator(parameters, projection, step, epochs, settings.seed)
    return SklearnEstimator(settings.model_kind, parameters, projection, settings.seed)


def _step(table: Path, preprocess: dict[str, Any]) -> float:
    try:
        grid = WavelengthGrid(**preprocess["grid"])
    except (KeyError, TypeError) as error:
        raise InputError(
            f"{table} does not say on which wavelength grid its spectra are.",
            "Give the folder that the preprocess stage wrote.",
        ) from error
    if preprocess["normalisation"] != "robust":
        raise InputError(
            f"The spectra of {table} are normalised by {preprocess['normalisation']}, which loses their median.",
            "Preprocess with normalisation=robust.",
        )
    return grid.step
