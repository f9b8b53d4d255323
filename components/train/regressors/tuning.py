"""Hyperparameters by cross-validation on training rows, inside a budget that the record states."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from components.common.telemetry import report_progress
from components.physics.constants import SPEED_OF_LIGHT_KM_S
from components.train.regressors.estimators import Estimator
from components.train.regressors.features import TARGETS, Floats, Spectra


@dataclass(frozen=True)
class Budget:
    """What tuning may cost: each candidate is fitted `folds` times to at most `rows` rows."""

    rows: int
    folds: int


def tune(
    candidates: list[dict[str, Any]],
    make: Callable[[dict[str, Any]], Estimator],
    spectra: Spectra,
    targets: Floats,
    groups: npt.NDArray[Any],
    budget: Budget,
    seed: int,
    names: Sequence[str] = TARGETS,
) -> list[dict[str, Any]]:
    """Try candidates.

    Parameters
    ----------
    candidates : list of dict
        Hyperparameters.
    make : callable
        Makes an estimator of them.
    spectra, targets, groups
        Training rows; no group is in two folds.
    budget : Budget
        How much may be tried.
    seed : int
        Draws rows and folds.
    names : sequence of str
        Of the targets.

    Returns
    -------
    list of dict
        The candidates, best first, each with its `loss`, the median absolute error in units of the spread of the
        targets, summed over these, and with the scores of `summarise`.
    """
    rows = np.random.default_rng(seed).permutation(len(spectra))[: budget.rows]
    fold = _folds(groups[rows], budget.folds, seed)
    spread = targets.std(axis=0) + 1e-12
    tried = []
    for number, parameters in enumerate(candidates):
        error = np.full((len(rows), len(names)), np.nan)
        for held in range(budget.folds):
            learn, test = rows[fold != held], rows[fold == held]
            fitted = make(parameters).fit(spectra[learn], targets[learn], (spectra[test], targets[test]))
            error[fold == held] = fitted.predict(spectra[test]).points - targets[test]
        tried.append(
            {**parameters, **summarise(error, names), "loss": float(np.median(np.abs(error / spread), 0).sum())}
        )
        report_progress(number + 1, len(candidates), "candidates", loss=tried[-1]["loss"])
    return sorted(tried, key=lambda entry: float(entry["loss"]))


def summarise(error: Floats, names: Sequence[str] = TARGETS) -> dict[str, float]:
    """Return the scores that tables show, from errors of what is learnt, one column for each target."""
    if names[0] != "redshift":
        return {f"{name}_rms": float(np.sqrt(np.mean(error[:, k] ** 2))) for k, name in enumerate(names)}
    velocity = SPEED_OF_LIGHT_KM_S * np.expm1(error[:, 0])
    return {
        "nmad_km_s": float(1.4826 * np.median(np.abs(velocity - np.median(velocity)))),
        "magnitude_r_rms": float(np.sqrt(np.mean(error[:, 1] ** 2))),
    }


def _folds(groups: npt.NDArray[Any], folds: int, seed: int) -> npt.NDArray[np.int64]:
    """Deal groups out to folds at random, the same way for every candidate."""
    names, member = np.unique(groups, return_inverse=True)
    dealt = np.random.default_rng(seed).permutation(len(names)) % folds
    return np.asarray(dealt[member])
