"""Hyperparameters by cross-validation on training rows, by group, inside a budget that the record states."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold

from components.common.scores_classification import ClassPredictions, macro_f1
from components.common.telemetry import report_progress
from components.train.boosted_trees.calibration import Calibration
from components.train.boosted_trees.estimators import Estimator, class_weights
from components.train.boosted_trees.rows import Floats, Indices, Rows


@dataclass(frozen=True)
class Budget:
    """What tuning may cost: each candidate is fitted `folds` times to at most `rows` rows."""

    rows: int
    folds: int


def tune(
    candidates: list[dict[str, Any]],
    make: Callable[[dict[str, Any]], Estimator],
    rows: Rows,
    classes: int,
    class_weight: str,
    budget: Budget,
    seed: int,
) -> list[dict[str, Any]]:
    """Try candidates on folds of the training rows; no object is in two of them.

    Parameters
    ----------
    candidates : list of dict
        Hyperparameters.
    make : callable
        Makes an estimator of them.
    rows : Rows
        Training rows.
    classes : int
        Number of classes.
    class_weight : str
        As the estimators weigh them.
    budget : Budget
        How much may be tried.
    seed : int
        Draws rows and folds.

    Returns
    -------
    list of dict
        The candidates, best first, each with `log_loss` and `macro_f1` of the rows while they were held out, and
        `seconds`.
    """
    if len(candidates) == 1:
        return [dict(candidates[0])]
    drawn = np.random.default_rng(seed % 2**64).permutation(len(rows))[: budget.rows]
    chosen = rows[np.sort(drawn)]
    cutting = StratifiedGroupKFold(budget.folds, shuffle=True, random_state=seed % 2**32)
    folds = list(cutting.split(chosen.features, chosen.truth, chosen.groups))
    weights = class_weights(chosen.truth, classes, class_weight)
    tried = []
    for number, parameters in enumerate(candidates):
        begin = time.perf_counter()
        scores = np.zeros((len(chosen), classes))
        for learn, held in folds:
            scores[held] = make(parameters).fit(chosen[learn], classes).scores(chosen.features[held])
        found = summarise(Calibration.fit(scores, chosen.truth, weights).logarithms(scores), chosen.truth)
        tried.append({**parameters, **found, "seconds": round(time.perf_counter() - begin, 3)})
        report_progress(number + 1, len(candidates), "candidates", log_loss=found["log_loss"])
    return sorted(tried, key=lambda entry: float(entry["log_loss"]))


def summarise(logarithms: Floats, truth: Indices) -> dict[str, float]:
    """Return the scores that tables show, from logarithms of probabilities, shape (n, classes)."""
    ones = np.ones((1, len(truth)))
    predictions = ClassPredictions(truth, np.exp(logarithms))
    return {
        "log_loss": float(-logarithms[np.arange(len(truth)), truth].mean()),
        "macro_f1": float(macro_f1(predictions, ones)[0]),
        "accuracy": float(predictions.right.mean()),
    }
