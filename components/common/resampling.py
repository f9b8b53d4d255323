"""Resampling by group, and means and quantiles under many sets of weights at once."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_ELEMENTS_AT_ONCE = 4_000_000


def bootstrap_weights(groups: npt.NDArray[Any], resamples: int, seed: int) -> Iterator[Floats]:
    """Yield how often each row occurs in each resample of the groups.

    Parameters
    ----------
    groups : ndarray, shape (n,)
        Rows of one group are drawn together.
    resamples : int
        Number of resamples in all.
    seed : int
        Seed of the generator.

    Yields
    ------
    ndarray, shape (at most resamples, n)
        Whole numbers; chunks bound the memory, and do not change the draws.
    """
    generator = np.random.default_rng(seed)
    names, group = np.unique(groups, return_inverse=True)
    size = max(1, _ELEMENTS_AT_ONCE // group.size)
    for start in range(0, resamples, size):
        rows = min(size, resamples - start)
        drawn = generator.integers(0, names.size, (rows, names.size))
        drawn += names.size * np.arange(rows)[:, None]
        counts = np.bincount(drawn.ravel(), minlength=rows * names.size).reshape(rows, names.size)
        yield counts[:, group].astype(np.float64)


def weighted_mean(values: Floats, weights: Floats) -> Floats:
    """Mean of `values` (n,) under each row of `weights` (resamples, n)."""
    return np.asarray(weights @ values / weights.sum(axis=1))


def weighted_quantile(values: Floats, weights: Floats, level: float) -> Floats:
    """Quantile of `values` under each row of `weights`; `values` has shape (n,) or that of the weights."""
    if values.ndim == 1:
        order = np.argsort(values)
        ordered, weights = np.broadcast_to(values[order], weights.shape), weights[:, order]
    else:
        rank = np.argsort(values, axis=1)
        ordered, weights = np.take_along_axis(values, rank, 1), np.take_along_axis(weights, rank, 1)
    cumulative = np.cumsum(weights, axis=1)
    # The total is a whole number, so that a hair below `level` of it is not the next object by rounding.
    wanted = level * cumulative[:, -1:] * (1 - 1e-12)
    return np.asarray(ordered[np.arange(weights.shape[0]), (cumulative >= wanted).argmax(axis=1)])
