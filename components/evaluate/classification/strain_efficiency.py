"""How many waves are found, by how loud and how heavy they are, at a rate of false positives."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression

from components.common.resampling import bootstrap_weights, weighted_quantile
from components.common.scores import INTERVAL_LEVEL, Floats, Score
from components.common.scores_classification import roc_auc
from components.evaluate.classification.outcome import Outcome
from components.evaluate.classification.strain_baselines import MATCHED_FILTER

FALSE_POSITIVE_RATE = 1e-2

_RESAMPLES = 200
_FEWEST = 5

Labels = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Efficiency:
    """Share of the waves that are found, in bins of a quantity.

    Attributes
    ----------
    low, high : ndarray, shape (k,)
        Of the bins.
    count : ndarray, shape (k,)
        Waves in each.
    found : dict of str to ndarray, shape (k,)
        Share found, by method.
    """

    low: Floats
    high: Floats
    count: Floats
    found: dict[str, Floats]


def statistics(outcome: Outcome) -> dict[str, Floats]:
    """Return what model and matched filter rank the windows by."""
    column = outcome.positive
    return {
        "model": outcome.probability[:, column],
        MATCHED_FILTER: outcome.baselines[MATCHED_FILTER][:, column],
    }


def auc_ratio(outcome: Outcome, groups: npt.NDArray[np.object_], resamples: int, seed: int) -> Score:
    """Area under the ROC curve over that of the matched filter, on the same windows and the same resamples."""
    bound = outcome.baseline(MATCHED_FILTER)

    def ratio(weights: Floats) -> Floats:
        return roc_auc(outcome.predictions, weights) / roc_auc(bound, weights)

    drawn = np.concatenate([ratio(weights) for weights in bootstrap_weights(groups, resamples, seed)])
    tail = (1 - INTERVAL_LEVEL) / 2
    low, high = np.nanquantile(drawn, [tail, 1 - tail])
    return Score(float(ratio(np.ones((1, len(outcome))))[0]), float(low), float(high))


def half_efficiency(outcome: Outcome, groups: npt.NDArray[np.object_], resamples: int, seed: int) -> Score | None:
    """Signal-to-noise ratio of the network at which half of the waves are found; None where none is known."""
    snr = np.asarray(outcome.columns["snr_network"], dtype=np.float64)
    waves = (outcome.truth == outcome.positive) & np.isfinite(snr)
    if waves.sum() < _FEWEST:
        return None
    score = statistics(outcome)["model"]
    value = _half(score, waves, outcome, snr, np.ones(len(outcome)))
    drawn = [
        _half(score, waves, outcome, snr, row)
        for weights in bootstrap_weights(groups, min(resamples, _RESAMPLES), seed)
        for row in weights
    ]
    tail = (1 - INTERVAL_LEVEL) / 2
    known = np.array(drawn)[np.isfinite(drawn)]
    if not (np.isfinite(value) and known.size):
        return None
    low, high = np.quantile(known, [tail, 1 - tail])
    return Score(value, float(low), float(high))


def efficiency_by(outcome: Outcome, column: str, edges: Sequence[float]) -> Efficiency:
    """Share of the waves above the threshold that `FALSE_POSITIVE_RATE` of the noise exceeds."""
    values = np.asarray(outcome.columns[column], dtype=np.float64)
    waves = outcome.truth == outcome.positive
    bins = [(low, high, waves & (values >= low) & (values < high)) for low, high in itertools.pairwise(edges)]
    bins = [entry for entry in bins if entry[2].sum() >= _FEWEST]
    found = {}
    for name, score in statistics(outcome).items():
        above = score > _threshold(score, ~waves, np.ones(len(score)))
        found[name] = np.array([above[inside].mean() for *_, inside in bins])
    return Efficiency(
        np.array([low for low, *_ in bins]),
        np.array([high for _, high, _ in bins]),
        np.array([inside.sum() for *_, inside in bins], dtype=np.float64),
        found,
    )


def _threshold(score: Floats, noise: Labels, weights: Floats) -> float:
    if not weights[noise].sum() > 0:
        return np.inf
    return float(weighted_quantile(score[noise], weights[None, noise], 1 - FALSE_POSITIVE_RATE)[0])


def _half(score: Floats, waves: Labels, outcome: Outcome, snr: Floats, weights: Floats) -> float:
    """Where a logistic curve through found and missed waves crosses one half; NaN where it does not rise."""
    found = score[waves] > _threshold(score, outcome.truth != outcome.positive, weights)
    weight = weights[waves]
    if not (weight[found].sum() > 0 and weight[~found].sum() > 0):
        return float("nan")
    fitted = LogisticRegression(C=1e3).fit(snr[waves, None], found, weight)
    slope = float(fitted.coef_[0, 0])
    return float(-fitted.intercept_[0] / slope) if slope > 0 else float("nan")
