"""Scores: how they are defined and computed, and those of regressions.

One definition each, with direction, unit and an interval by bootstrap.

Every definition takes weights besides values, one row for each resample, so that a bootstrap of a thousand
resamples is a handful of array operations. With unit weights it is the score itself. Quantiles are those of the
inverse distribution function (no interpolation), which weights leave well defined.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import numpy as np
import numpy.typing as npt

from components.common.distributions import ONE_SIGMA, BinnedDistribution
from components.common.errors import InputError
from components.common.resampling import bootstrap_weights, weighted_mean, weighted_quantile

Floats = npt.NDArray[np.float64]
Direction = Literal["higher", "lower", "target"]
Values = TypeVar("Values", float, Floats)

INTERVAL_LEVEL = 0.95
"""Probability of the intervals given beside the scores."""


@dataclass(frozen=True)
class Predictions:
    """What is known of each object when it is scored; all arrays have shape (n,).

    Attributes
    ----------
    truth, value : ndarray
        Label and point estimate.
    pit : ndarray or None
        Predicted distribution function at the truth; None for a method that predicts points only.
    crps : ndarray or None
        Continuous ranked probability score; of a point it is the absolute error.
    """

    truth: Floats
    value: Floats
    pit: Floats | None = None
    crps: Floats | None = None

    @classmethod
    def of_points(cls, truth: Floats, value: Floats) -> "Predictions":
        """Wrap the predictions of a method without distribution."""
        return cls(truth, value, None, np.abs(value - truth))

    @classmethod
    def of_distributions(cls, truth: Floats, value: Floats, distribution: BinnedDistribution) -> "Predictions":
        """Wrap point estimates and the distributions they come from."""
        return cls(truth, value, distribution.cdf(truth), distribution.crps(truth))

    def __len__(self) -> int:
        return self.truth.size

    def __getitem__(self, rows: npt.NDArray[Any]) -> "Predictions":
        pit = None if self.pit is None else self.pit[rows]
        crps = None if self.crps is None else self.crps[rows]
        return Predictions(self.truth[rows], self.value[rows], pit, crps)


@dataclass(frozen=True)
class Definition:
    """A score: its name, how to read it, and how to compute it.

    Attributes
    ----------
    name : str
        Key in `metrics.json`.
    label : str
        What a reader sees.
    unit : str
        Unit of the value; empty for a fraction.
    direction : {"higher", "lower", "target"}
        Which values are good.
    compute : callable
        Takes predictions and weights of shape (resamples, n), returns shape (resamples,); NaN where a resample
        leaves it undefined.
    target : float or None
        The value to hit, where the direction is "target".
    needs_distribution : bool
        Undefined for methods that predict points only.
    is_fraction : bool
        A share of the objects: where it is none or all of them, resampling them tells nothing of its error.
    """

    name: str
    label: str
    unit: str
    direction: Direction
    compute: Callable[[Any, Floats], Floats]
    target: float | None = None
    needs_distribution: bool = False
    is_fraction: bool = False

    def loss(self, value: Values) -> Values:
        """Turn values into something that is smaller when better, for choices such as the best constant."""
        if self.direction == "target":
            return abs(value - (self.target or 0.0))
        return -value if self.direction == "higher" else value


@dataclass(frozen=True)
class Score:
    """A score with its interval, and what to compare it with.

    Attributes
    ----------
    value : float
    low, high : float
        Ends of the bootstrap interval.
    baseline : float or None
        What the best constant reaches on the same objects.
    published : float or None
        What a paper reports for real data.
    """

    value: float
    low: float
    high: float
    baseline: float | None = None
    published: float | None = None

    def to_json(self) -> dict[str, float | None]:
        """Return the entry of `metrics.json`."""
        return {
            "value": self.value,
            "low": self.low,
            "high": self.high,
            "baseline": self.baseline,
            "published": self.published,
        }


def score(
    definitions: Sequence[Definition],
    predictions: Any,
    groups: npt.NDArray[Any],
    resamples: int = 1000,
    seed: int = 0,
) -> dict[str, Score]:
    """Compute scores and their intervals, all on the same resamples.

    Parameters
    ----------
    definitions : sequence of Definition
        Those that need a distribution are left out where the predictions have none.
    predictions : Predictions or ClassPredictions
        Of n objects, as the definitions take them.
    groups : ndarray, shape (n,)
        What is resampled as a whole. Two spectra of one object err together; resampling spectra would make the
        interval too narrow.
    resamples : int
        Number of bootstrap resamples.
    seed : int
        Seed of the resampling.

    Returns
    -------
    dict of str to Score
        By name, in the order of the definitions.

    Raises
    ------
    InputError
        When there is no object to score.
    """
    if not len(predictions):
        raise InputError(
            "There is no object to score.",
            "Raise the number of rows, or the fraction of the rows kept for testing.",
        )
    wanted = [d for d in definitions if not d.needs_distribution or predictions.pit is not None]
    ones = np.ones((1, len(predictions)))
    values = {d.name: float(d.compute(predictions, ones)[0]) for d in wanted}
    drawn: dict[str, list[Floats]] = {d.name: [] for d in wanted}
    for weights in bootstrap_weights(groups, resamples, seed):
        for definition in wanted:
            drawn[definition.name].append(definition.compute(predictions, weights))
    objects = np.unique(groups).size
    return {
        d.name: Score(values[d.name], *_interval(d, values[d.name], np.concatenate(drawn[d.name]), objects))
        for d in wanted
    }


def _interval(definition: Definition, value: float, drawn: Floats, objects: int) -> tuple[float, float]:
    """Interval from the resamples; for none or all of the objects the exact binomial one (Clopper & Pearson)."""
    tail = (1 - INTERVAL_LEVEL) / 2
    if definition.is_fraction and value in (0.0, 1.0):
        reach = 1 - tail ** (1 / objects)
        return (0.0, reach) if value == 0.0 else (1 - reach, 1.0)
    defined = drawn[~np.isnan(drawn)]
    low, high = np.quantile(defined, [tail, 1 - tail]) if defined.size else (np.nan, np.nan)
    return float(low), float(high)


def bias(residual: Floats, weights: Floats) -> Floats:
    """Median of the residuals.

    The mean would tell how far and to which side the few failures lie, and could vanish where two wrongs cancel.
    """
    return weighted_quantile(residual, weights, 0.5)


def nmad(residual: Floats, weights: Floats) -> Floats:
    """Normalised median absolute deviation, 1.4826 median |r - median(r)|.

    The standard deviation for normal residuals. Failures hardly move it, so it flatters alone: read it beside
    the fraction of outliers.
    """
    centre = weighted_quantile(residual, weights, 0.5)
    return 1.4826 * weighted_quantile(np.abs(residual - centre[:, None]), weights, 0.5)


def rmse(residual: Floats, weights: Floats) -> Floats:
    """Root of the mean squared residual: the far outliers decide it, which a median would hide."""
    return np.sqrt(weighted_mean(residual**2, weights))


def r2(truth: Floats, value: Floats, weights: Floats) -> Floats:
    """Coefficient of determination, 1 - sum (y - f)^2 / sum (y - mean(y))^2.

    Unlike a squared correlation it also punishes a wrong offset or slope. It grows with the range of the
    truths, so it cannot be compared between samples. It is 0 where the truths do not vary.
    """
    total = weighted_mean(truth**2, weights) - weighted_mean(truth, weights) ** 2
    residual = weighted_mean((value - truth) ** 2, weights)
    return 1 - np.divide(residual, total, out=np.ones_like(total), where=total > 0)


def fraction_within(residual: Floats, weights: Floats, limit: float) -> Floats:
    """Fraction with |residual| below `limit`: means nothing without what a constant reaches."""
    return weighted_mean((np.abs(residual) < limit).astype(np.float64), weights)


def outlier_fraction(residual: Floats, weights: Floats, limit: float) -> Floats:
    """Fraction with |residual| above `limit`: what a scatter that resists outliers leaves out."""
    return weighted_mean((np.abs(residual) > limit).astype(np.float64), weights)


def crps(predictions: Predictions, weights: Floats) -> Floats:
    """Mean continuous ranked probability score, in the target's unit.

    Judges location and width at once: unlike coverage it cannot be won by intervals that are wide everywhere.
    """
    assert predictions.crps is not None
    return weighted_mean(predictions.crps, weights)


def coverage(predictions: Predictions, weights: Floats, level: float = ONE_SIGMA) -> Floats:
    """Fraction of truths inside the central interval of probability `level`; right when equal to it.

    The truth lies inside where its PIT is within level / 2 of one half.
    """
    assert predictions.pit is not None
    return weighted_mean((np.abs(predictions.pit - 0.5) <= level / 2).astype(np.float64), weights)


def pit_distance(predictions: Predictions, weights: Floats) -> Floats:
    """Kolmogorov-Smirnov distance of the PIT values from uniform, 0 for perfect calibration.

    Coverage at one level can be right by luck, the whole distribution of PIT cannot. Of n objects of a perfect
    method the distance is still about 0.87 / sqrt(n).
    """
    assert predictions.pit is not None
    order = np.argsort(predictions.pit)
    cumulative = np.cumsum(weights[:, order], axis=1)
    cumulative /= cumulative[:, -1:]
    return np.asarray(np.abs(cumulative - predictions.pit[order]).max(axis=1))


CALIBRATION = (
    Definition(
        "coverage_68",
        "truths inside the 68\u00a0% interval",
        "",
        "target",
        coverage,
        ONE_SIGMA,
        needs_distribution=True,
        is_fraction=True,
    ),
    Definition("pit_distance", "distance of PIT from uniform", "", "lower", pit_distance, needs_distribution=True),
    Definition("crps", "CRPS", "", "lower", crps),
)
"""How honest the predicted distributions are, whatever the target."""


def to_json(scores: Mapping[str, Score]) -> dict[str, dict[str, float | None]]:
    """Return scores as in `metrics.json`."""
    return {name: value.to_json() for name, value in scores.items()}
