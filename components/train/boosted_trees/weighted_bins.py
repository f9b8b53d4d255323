"""Quantiles of weighted rows for the bins of boosted trees, all those of a column at once.

scikit-learn 1.9 sorts a column anew for each of 254 quantiles, which takes most of a fit to some thousand rows;
its next version does not (github.com/scikit-learn/scikit-learn/pull/34248). The quantiles here are the same, to
the last bit.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt
import sklearn
from sklearn.ensemble._hist_gradient_boosting import binning

Array = npt.NDArray[Any]

_SLOW = "1.9."
_one_by_one = binning._find_binning_thresholds


@contextmanager
def quick_bins() -> Iterator[None]:
    """Let boosted trees that are fitted within the block find their bins quickly."""
    if not sklearn.__version__.startswith(_SLOW):
        yield
        return
    binning._find_binning_thresholds = find_thresholds
    try:
        yield
    finally:
        binning._find_binning_thresholds = _one_by_one


def find_thresholds(column: Array, max_bins: int, sample_weight: Array | None = None) -> Array:
    """Find the values that separate the bins of a column, as scikit-learn's own function does.

    Parameters
    ----------
    column : ndarray, shape (n,)
        Values; NaN where missing.
    max_bins : int
        Bins at most.
    sample_weight : ndarray, shape (n,), optional
        Of the rows.
    """
    known = ~np.isnan(column)
    if sample_weight is None or (sample_weight == 0).any() or np.unique(column[known]).size <= max_bins:
        return np.asarray(_one_by_one(column, max_bins, sample_weight))
    order = np.argsort(column[known])
    values, weights = column[known][order], sample_weight[known][order]
    order = np.argsort(values)  # as there: of equal values it may be another one, and sums know their order
    below = np.cumsum(weights[order])
    rank = np.linspace(0, 100, num=max_bins + 1)[1:-1] / 100 * below[-1]
    last = len(values) - 1
    place = np.minimum(np.searchsorted(below, rank), last)
    here, there = values[order[place]], values[order[np.minimum(place + 1, last)]]
    between = below[place] - rank <= np.finfo(np.float64).eps
    found = np.unique(np.where(between, (here + there) / 2, here))
    return np.asarray(np.clip(found, None, binning.ALMOST_INF))
