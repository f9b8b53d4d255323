"""The predictor that looks at nothing: what a score is worth is how far it is above this one."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from components.common import scores
from components.common.distributions import BinnedDistribution
from components.common.scores import Definition, Floats, Predictions, Score

_CANDIDATES = 101
_ROWS = 2000


def best_constants(definitions: Sequence[Definition], truth: Floats, seed: int = 0) -> dict[str, float]:
    """Find the constant that does best in each score on the training labels.

    One constant for all scores would be a weak opponent in most of them: the median is nowhere near the peak of
    the distribution, which the accuracies want.

    Parameters
    ----------
    definitions : sequence of Definition
        Scores; those that need a distribution are left to `climatology`.
    truth : ndarray, shape (n,)
        Training labels; at most 2000 of them, drawn with `seed`, are used.

    Returns
    -------
    dict of str to float
        By name of the score, chosen among 101 quantiles of the labels.
    """
    sample = truth if truth.size <= _ROWS else np.random.default_rng(seed).choice(truth, _ROWS, replace=False)
    ones = np.ones((1, sample.size))
    candidates = np.unique(np.quantile(sample, np.linspace(0, 1, _CANDIDATES)))
    guesses = [Predictions.of_points(sample, np.full(sample.size, c)) for c in candidates]
    return {
        d.name: float(candidates[np.argmin([d.loss(float(d.compute(g, ones)[0])) for g in guesses])])
        for d in definitions
        if not d.needs_distribution
    }


def climatology(truth: Floats, rows: int) -> BinnedDistribution:
    """Repeat the distribution of the training labels as the forecast for each of `rows` objects."""
    edges = np.unique(np.quantile(truth, np.linspace(0, 1, _CANDIDATES)))
    if edges.size < 2:
        edges = edges[0] + np.array([-1e-6, 1e-6])
    share = np.diff(np.searchsorted(np.sort(truth), edges, side="left") / truth.size) + 1e-9
    return BinnedDistribution(edges, np.broadcast_to((share / share.sum()).astype(np.float32), (rows, share.size)))


def score_constant(
    definitions: Sequence[Definition],
    training_truth: Floats,
    truth: Floats,
    groups: npt.NDArray[np.object_],
    resamples: int,
    seed: int,
) -> dict[str, Score]:
    """Score the best constant of each score; for distributions, the distribution of the training labels.

    Parameters
    ----------
    definitions, groups, resamples, seed
        As for `components.common.scores.score`.
    training_truth : ndarray
        Labels that the constants are chosen on.
    truth : ndarray, shape (n,)
        Labels that they are scored on.
    """
    constants = best_constants(definitions, training_truth, seed)
    forecast = climatology(training_truth, truth.size)
    pit, crps = forecast.cdf(truth), forecast.crps(truth)
    found: dict[str, Score] = {}
    values = {d.name: constants.get(d.name, float(np.median(training_truth))) for d in definitions}
    for value in dict.fromkeys(values.values()):
        same = [d for d in definitions if values[d.name] == value]
        predictions = Predictions(truth, np.full(truth.size, value), pit, crps)
        found |= scores.score(same, predictions, groups, resamples, seed)
    return {d.name: found[d.name] for d in definitions}
