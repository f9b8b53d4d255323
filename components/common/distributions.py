"""Predictive distributions on bins, all methods on many rows at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from components.common.errors import ParameterError

Floats = npt.NDArray[np.float64]

ONE_SIGMA = 0.6826894921370859
"""Probability within one standard deviation of a normal distribution."""

_PEAK_SMOOTHING_BINS = 2
_PEAK_SMOOTHING_SHARE = 1 / 500
_PEAK_FLOOR = 0.1


@dataclass(frozen=True)
class BinnedDistribution:
    """One distribution per object, constant in density within each bin.

    Attributes
    ----------
    edges : ndarray, shape (bins + 1,)
        Strictly increasing values of the target, shared by all objects.
    probability : ndarray, shape (n, bins)
        Probability of each bin, not of unit target. Rows are taken relative to their sum.
    """

    edges: Floats
    probability: npt.NDArray[np.float32]

    def __post_init__(self) -> None:
        edges = np.asarray(self.edges, dtype=np.float64)
        probability = np.asarray(self.probability, dtype=np.float32)
        if edges.ndim != 1 or edges.size < 2 or not (np.diff(edges) > 0).all():
            raise ParameterError(
                "The edges of a binned distribution do not increase strictly.",
                "Give one-dimensional edges in increasing order, at least two of them.",
            )
        if probability.ndim != 2 or probability.shape[1] != edges.size - 1:
            raise ParameterError(
                f"Probabilities of shape {probability.shape} do not fit {edges.size - 1} bins.",
                f"Give an array of shape (objects, {edges.size - 1}).",
            )
        total = probability.sum(axis=1)
        if not (np.isfinite(total) & (total > 0)).all() or probability.min(initial=0.0) < 0:
            row = int(np.argmin(np.isfinite(total) & (total > 0) & (probability >= 0).all(axis=1)))
            raise ParameterError(
                f"The probabilities of row {row} are negative, not finite or all zero.",
                "Apply a softmax to finite logits before building the distribution.",
            )
        object.__setattr__(self, "edges", edges)
        object.__setattr__(self, "probability", probability)

    def __len__(self) -> int:
        return len(self.probability)

    def __getitem__(self, rows: slice | npt.NDArray[np.integer] | npt.NDArray[np.bool_]) -> "BinnedDistribution":
        return BinnedDistribution(self.edges, self.probability[rows])

    @classmethod
    def concatenate(cls, parts: Sequence["BinnedDistribution"]) -> "BinnedDistribution":
        """Join batches that share their edges."""
        if any(not np.array_equal(part.edges, parts[0].edges) for part in parts):
            raise ParameterError(
                "Distributions with different bins cannot be joined.", "Predict all batches with one model."
            )
        return cls(parts[0].edges, np.concatenate([part.probability for part in parts]))

    def merged(self, bins: int) -> "BinnedDistribution":
        """Merge neighbouring bins until there are at most `bins`, as for a drawing."""
        first = np.arange(0, self.probability.shape[1], -(-self.probability.shape[1] // bins))
        edges = np.append(self.edges[first], self.edges[-1])
        return BinnedDistribution(edges, np.add.reduceat(self.probability, first, axis=1))

    @property
    def centres(self) -> Floats:
        """Middle of each bin, shape (bins,)."""
        return (self.edges[1:] + self.edges[:-1]) / 2

    @cached_property
    def cumulative(self) -> Floats:
        """Probability below each edge, shape (n, bins + 1), from exactly 0 to exactly 1."""
        cumulative = np.zeros((len(self), self.edges.size))
        np.cumsum(self.probability, axis=1, dtype=np.float64, out=cumulative[:, 1:])
        cumulative /= cumulative[:, -1:].copy()
        return cumulative

    def mode(self) -> Floats:
        """Centre of the most probable bin, shape (n,); for bins of unequal width not that of highest density."""
        return np.asarray(self.centres[self.probability.argmax(axis=1)])

    def mean(self) -> Floats:
        """Return the expectation, shape (n,)."""
        return _weighted_mean(self.probability.astype(np.float64), self.centres)

    def median(self) -> Floats:
        """Return the value with half of the probability on each side, shape (n,)."""
        return self.quantile(0.5)

    def peak_value(self) -> Floats:
        """Point estimate: the mean of the strongest peak, shape (n,).

        A distribution of redshifts has several peaks where one line may be another. Its mean lies between them,
        where no probability is, and the middle of its highest bin is coarse. So: smooth over five bins (over 1/250
        of all where that is more, as fine bins are noisy), take the highest, extend to both sides as long as the
        smoothed probability stays above a tenth of that, and average within. The average is over positions among
        the bins: a peak that is symmetric in ln(1 + z), where the bins are uniform, is not so in z, and its mean
        there would be too high by half its variance.
        """
        window = np.where(self.peak_window(), self.probability.astype(np.float64), 0.0)
        position = _weighted_mean(window, np.arange(0.5, self.probability.shape[1]))
        return np.interp(position, np.arange(self.edges.size), self.edges)

    def peak_window(self) -> npt.NDArray[np.bool_]:
        """Mark the bins of the strongest peak, shape (n, bins): what `peak_value` averages over."""
        columns = np.arange(self.probability.shape[1])
        half_width = max(_PEAK_SMOOTHING_BINS, round(_PEAK_SMOOTHING_SHARE * columns.size))
        smooth = _moving_sum(self.probability.astype(np.float64), half_width)
        peak = smooth.argmax(axis=1)[:, None]
        low = smooth < _PEAK_FLOOR * np.take_along_axis(smooth, peak, axis=1)
        left = np.where(low & (columns < peak), columns, -1).max(axis=1, keepdims=True)
        right = np.where(low & (columns > peak), columns, columns.size).min(axis=1, keepdims=True)
        return np.asarray((columns > left) & (columns < right))

    def quantile(self, level: float) -> Floats:
        """Smallest value with at least probability `level` below it, shape (n,)."""
        if not 0 <= level <= 1:
            raise ParameterError(f"{level} is not a probability.", "Give a number between 0 and 1.")
        upper = np.clip((self.cumulative < level).sum(axis=1), 1, self.edges.size - 1)
        rows = np.arange(len(self))
        below, above = self.cumulative[rows, upper - 1], self.cumulative[rows, upper]
        inside = np.divide(level - below, above - below, out=np.zeros(len(self)), where=above > below)
        # Two roundings in `left + inside * width` may otherwise step past the edge and break monotony.
        value = self.edges[upper - 1] + inside * (self.edges[upper] - self.edges[upper - 1])
        return np.asarray(np.minimum(value, self.edges[upper]))

    def interval(self, level: float) -> tuple[Floats, Floats]:
        """Central interval of probability `level`: its lower and upper ends, each of shape (n,)."""
        return self.quantile((1 - level) / 2), self.quantile((1 + level) / 2)

    def sigma(self) -> Floats:
        """Half the width of the central 68.27 % interval, shape (n,); a second peak far away widens it."""
        low, high = self.interval(ONE_SIGMA)
        return (high - low) / 2

    def cdf(self, value: npt.ArrayLike) -> Floats:
        """Probability below `value`, shape (n,): at the truth this is the probability integral transform.

        Parameters
        ----------
        value : array_like, shape (n,) or ()
            One value per object.
        """
        x = np.broadcast_to(np.asarray(value, dtype=np.float64), (len(self),))
        bin_ = np.clip(np.searchsorted(self.edges, x, side="right") - 1, 0, self.edges.size - 2)
        inside = np.clip((x - self.edges[bin_]) / (self.edges[bin_ + 1] - self.edges[bin_]), 0.0, 1.0)
        rows = np.arange(len(self))
        below, above = self.cumulative[rows, bin_], self.cumulative[rows, bin_ + 1]
        return np.asarray(below + inside * (above - below))

    def mass_within(self, low: npt.ArrayLike, high: npt.ArrayLike) -> Floats:
        """Probability between `low` and `high`, each of shape (n,) or (), as shape (n,)."""
        return self.cdf(high) - self.cdf(low)

    def crps(self, truth: npt.ArrayLike) -> Floats:
        """Continuous ranked probability score, shape (n,), in units of the target: smaller is better.

        The integral of (F(x) - [x >= truth])^2, exact for a distribution function that is linear within bins. It
        is the absolute error when all probability sits at one value, and rewards an honest width otherwise.

        References
        ----------
        Gneiting & Raftery 2007, JASA 102, 359.
        """
        y = np.broadcast_to(np.asarray(truth, dtype=np.float64), (len(self),))
        inside = np.clip(y, self.edges[0], self.edges[-1])
        at_y = self.cdf(inside)
        bin_ = np.clip(np.searchsorted(self.edges, inside, side="right") - 1, 0, self.edges.size - 2)
        rows, width = np.arange(len(self)), np.diff(self.edges)
        below, above = self.cumulative[:, :-1], self.cumulative[:, 1:]
        left = np.cumsum(_square(below, above, width), axis=1)
        right = np.cumsum(_square(1 - above, 1 - below, width)[:, ::-1], axis=1)[:, ::-1]
        padding = np.zeros((len(self), 1))
        whole = np.hstack([padding, left])[rows, bin_] + np.hstack([right, padding])[rows, bin_ + 1]
        part = _square(self.cumulative[rows, bin_], at_y, inside - self.edges[bin_])
        part += _square(1 - at_y, 1 - self.cumulative[rows, bin_ + 1], self.edges[bin_ + 1] - inside)
        return np.asarray(whole + part + np.abs(y - inside))


def _square(start: Floats, end: Floats, width: Floats) -> Floats:
    """Integral of the square of a function that is linear from `start` to `end`."""
    return np.asarray(width * (start * start + start * end + end * end) / 3)


def _weighted_mean(weight: Floats, values: Floats) -> Floats:
    return np.asarray((weight @ values) / weight.sum(axis=1))


def _moving_sum(values: Floats, half_width: int) -> Floats:
    """Sum of each element and its `half_width` neighbours on both sides along the last axis."""
    padded = np.pad(values, ((0, 0), (half_width + 1, half_width)))
    total = np.cumsum(padded, axis=1)
    span = 2 * half_width + 1
    return np.asarray(total[:, span:] - total[:, :-span])
