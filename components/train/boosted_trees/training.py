"""The train stage for features in a table: boosted trees beside three others, tuned, calibrated and compared."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from components.common.checks import require_at_least, require_one_of
from components.common.classes import require_every_class
from components.common.errors import ParameterError
from components.common.files import whole
from components.common.provenance import code_version
from components.common.tables import read_provenance
from components.common.telemetry import report_counts, report_progress, stage
from components.train.boosted_trees.calibration import Calibration
from components.train.boosted_trees.estimators import (
    CLASS_WEIGHTS,
    KINDS,
    candidates,
    class_weights,
    make_estimator,
)
from components.train.boosted_trees.inference import BoostedTreesModel, Contender, save_model
from components.train.boosted_trees.rows import Floats, Rows, read_plan, read_rows
from components.train.boosted_trees.tuning import Budget, summarise, tune

FIRST, BEST = "boosting", "best"
"""What predicts: boosting, whose answers can be explained feature by feature, or whatever is surely better."""

_NEARLY_ALL = (0.001, 0.999)


@dataclass(frozen=True)
class Settings:
    """What to train and how.

    Attributes
    ----------
    kinds : sequence of {"boosting", "forest", "logistic", "network"}
        What is trained; boosting is among them.
    choice : {"boosting", "best"}
        Which of them predicts. `best`: the best on validation rows, if it is surely better than boosting, whose
        answers can be explained exactly.
    class_weight : {"balanced", "none"}
        Whether all classes weigh the same in training, however many rows they have. The probabilities know the
        frequencies either way: they are calibrated.
    most_rows : int
        Training rows that are read at most, drawn at random: all of them are held in memory.
    tuning_rows, folds : int
        Budget of the tuning: each candidate is fitted `folds` times to at most so many rows.
    iterations : int
        Rounds of boosting, at most.
    epochs : int
        Passes of the network over its rows.
    seed : int
        Draws rows, folds, trees and weights.
    """

    kinds: Sequence[str] = KINDS
    choice: str = FIRST
    class_weight: str = "balanced"
    most_rows: int = 300_000
    tuning_rows: int = 4000
    folds: int = 3
    iterations: int = 400
    epochs: int = 30
    seed: int = 0

    def __post_init__(self) -> None:
        if unknown := sorted(set(self.kinds) - set(KINDS)):
            raise ParameterError(
                f"There is no kind of classifier {', '.join(unknown)}.", f"Choose of {', '.join(KINDS)}."
            )
        if FIRST not in self.kinds or len(set(self.kinds)) < len(self.kinds):
            raise ParameterError(
                f"The kinds are {', '.join(self.kinds) or 'none'}.", f"Name {FIRST} among them, and each once."
            )
        if self.choice not in (FIRST, BEST):
            raise ParameterError(f"There is no choice {self.choice!r}.", f"Choose {FIRST} or {BEST}.")
        require_one_of(CLASS_WEIGHTS, class_weight=self.class_weight)
        require_at_least(1, most_rows=self.most_rows, tuning_rows=self.tuning_rows)
        require_at_least(1, iterations=self.iterations, epochs=self.epochs)
        require_at_least(2, folds=self.folds)


def train(dataset: Path, model: Path, settings: Settings) -> dict[str, Any]:
    """Tune and train each kind on split `train`, calibrate and compare on `validation`, write the model folder.

    Parameters
    ----------
    dataset : Path
        Folder of the preprocess stage, with `dataset.parquet`.
    model : Path
        Folder to create: `model.json`, `history.json`, and each kind that was trained.
    settings : Settings
        What to train and how.

    Returns
    -------
    dict
        The record that `model.json` holds under `training`.
    """
    table = dataset / "dataset.parquet"
    with stage("train", model):
        plan = read_plan(table)
        training, validation = (
            read_rows(table, plan, split, settings.most_rows, settings.seed) for split in ("train", "validation")
        )
        for rows, split in ((training, "training"), (validation, "validation")):
            counts = np.bincount(rows.truth, minlength=len(plan.classes))
            require_every_class(counts, plan.classes, split)
        report_counts(rows_in=len(training), rows_validation=len(validation), models=len(settings.kinds))
        contenders: dict[str, Contender] = {}
        records: dict[str, dict[str, Any]] = {}
        losses: dict[str, Floats] = {}
        for number, kind in enumerate(settings.kinds):
            contenders[kind], records[kind], losses[kind] = _train_one(
                kind, training, validation, len(plan.classes), settings
            )
            report_progress(number + 1, len(settings.kinds), "models", log_loss=records[kind]["log_loss"])
        record = {
            "settings": {**asdict(settings), "kinds": list(settings.kinds)},
            "budget": {"rows": min(settings.tuning_rows, len(training)), "folds": settings.folds},
            "rows": {"train": len(training), "validation": len(validation)},
            "chosen": FIRST if settings.choice == FIRST else choose(losses),
            "best": choose(losses),
            "ranges": _ranges(training, plan.features),
            "kinds": records,
            "data": read_provenance(table).to_json(),
            "code_version": code_version(),
        }
        found = BoostedTreesModel(contenders, plan.features, plan.classes, plan.settings, record)
        with whole(model) as folder:
            save_model(folder, found)
    return record


def choose(losses: Mapping[str, Floats]) -> str:
    """Choose by the loss of each validation row: no test row has a say in it.

    Boosting stays unless another is better by more than the standard error of the difference.

    Parameters
    ----------
    losses : mapping of str to ndarray, shape (n,)
        Negative log-likelihood of each row by kind.
    """
    best = min(losses, key=lambda kind: float(losses[kind].mean()))
    gain = losses[FIRST] - losses[best]
    error = float(gain.std()) / max(1.0, len(gain)) ** 0.5
    return best if float(gain.mean()) > error else FIRST


def _ranges(rows: Rows, features: Sequence[str]) -> dict[str, list[float]]:
    """Find between which values nearly all training rows lie: beyond them a model has seen next to nothing."""
    low, high = np.nanquantile(rows.features, _NEARLY_ALL, axis=0)
    return {name: [float(low[k]), float(high[k])] for k, name in enumerate(features)}


def _train_one(
    kind: str, training: Rows, validation: Rows, classes: int, settings: Settings
) -> tuple[Contender, dict[str, Any], Floats]:
    def make(parameters: dict[str, Any]) -> Any:
        return make_estimator(
            kind, parameters, settings.class_weight, settings.iterations, settings.epochs, settings.seed
        )

    tried = candidates(kind)
    budget = Budget(settings.tuning_rows, settings.folds)
    tuning = tune(tried, make, training, classes, settings.class_weight, budget, settings.seed)
    best = {name: tuning[0][name] for name in tried[0]}
    begin = time.perf_counter()
    estimator = make(best).fit(training, classes)
    fitted = time.perf_counter()
    scores = estimator.scores(validation.features)
    predicted = time.perf_counter()
    weights = class_weights(training.truth, classes, settings.class_weight)
    calibration = Calibration.fit(scores, validation.truth, weights)
    logarithms = calibration.logarithms(scores)
    record = {
        "parameters": best,
        "tuning": tuning,
        **summarise(logarithms, validation.truth),
        "steps": len(estimator.history),
        "fit_seconds": round(fitted - begin, 3),
        "predict_seconds_per_1000": 1000 * (predicted - fitted) / len(validation),
    }
    loss = -logarithms[np.arange(len(validation)), validation.truth]
    return Contender(kind, estimator, calibration), record, loss
