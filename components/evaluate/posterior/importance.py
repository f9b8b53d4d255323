"""Which fields the network leans on: four ways to ask, and whether they agree."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import factorial
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import kendalltau

from components.common.resampling import bootstrap_weights
from components.evaluate.posterior.scores import COSMOLOGY

Floats = npt.NDArray[np.float64]
Summaries = npt.NDArray[np.float32]
Predict = Callable[[npt.NDArray[Any], Sequence[str] | None, Summaries | None], Floats]

SINGLE, LEFT_OUT, PERMUTED, SHAPLEY = "single", "left_out", "permuted", "shapley"
METHODS = {
    SINGLE: "the field alone",
    LEFT_OUT: "loss without it",
    PERMUTED: "loss when it is another universe's",
    SHAPLEY: "Shapley value",
}
_EXACT = 6
_ORDERS = 24


@dataclass(frozen=True)
class Importance:
    """Shares of the variance of omega_m and sigma_8 that are explained, by field and method.

    Attributes
    ----------
    fields : tuple of str
        Names.
    values : dict of str to ndarray, shape (fields, 3)
        By method: value, and the ends of its interval.
    agreement : dict of (str, str) to float
        Kendall's tau of two methods' rankings.
    whole : float
        Explained with all fields.
    universes : int
        On whose maps all this was asked.
    """

    fields: tuple[str, ...]
    values: dict[str, Floats]
    agreement: dict[tuple[str, str], float]
    whole: float
    universes: int


def measure_importance(
    predict: Predict,
    maps: npt.NDArray[Any],
    summaries: Summaries,
    truth: Floats,
    groups: npt.NDArray[Any],
    fields: Sequence[str],
    resamples: int,
    seed: int,
) -> Importance:
    """Ask in four ways what each field is worth.

    Parameters
    ----------
    predict : callable
        Takes maps, the names of the fields to look at and summaries of the maps where there are some, returns
        means, shape (n, at least 2).
    maps : ndarray, shape (n, fields, grid, grid)
        Prepared test maps.
    summaries : ndarray, shape (n, summaries)
        Of these maps, for whichever fields are looked at.
    truth : ndarray, shape (n, 2)
        Omega_m and sigma_8.
    groups : ndarray, shape (n,)
        Universes: resampled, and maps exchanged between them.
    fields : sequence of str
        Names of the channels.
    resamples, seed : int
        Of the bootstrap; the seed also draws orders of fields, and what maps are exchanged.
    """
    spread = np.maximum(truth.var(axis=0), 1e-12)
    rng = np.random.default_rng(seed)
    errors: dict[frozenset[int], Floats] = {
        frozenset(): (((truth - truth.mean(axis=0)) ** 2) / spread).mean(axis=1)
    }

    def error(subset: frozenset[int]) -> Floats:
        if subset not in errors:
            found = predict(maps, [fields[place] for place in sorted(subset)], summaries)[:, :COSMOLOGY]
            errors[subset] = (((found - truth) ** 2) / spread).mean(axis=1)
        return errors[subset]

    every = frozenset(range(len(fields)))
    per_row: dict[str, list[Floats]] = {name: [] for name in METHODS}
    shapley = _shapley(error, len(fields), rng)
    for place in range(len(fields)):
        alone = frozenset([place])
        per_row[SINGLE].append(error(frozenset()) - error(alone))
        per_row[LEFT_OUT].append(error(every - alone) - error(every))
        swapped = maps.copy()
        swapped[:, place] = maps[_others(groups, rng), place]
        broken = (((predict(swapped, None, None)[:, :COSMOLOGY] - truth) ** 2) / spread).mean(axis=1)
        per_row[PERMUTED].append(broken - error(every))
        per_row[SHAPLEY].append(shapley[place])
    weights = np.concatenate(list(bootstrap_weights(groups, resamples, seed)))
    weights /= weights.sum(axis=1, keepdims=True)
    values = {name: _with_interval(np.column_stack(rows), weights) for name, rows in per_row.items()}
    agreement = {
        (one, other): _tau(values[one][:, 0], values[other][:, 0])
        for one, other in itertools.combinations(METHODS, 2)
    }
    whole = float(1 - error(every).mean())
    return Importance(tuple(fields), values, agreement, whole, len(np.unique(groups.astype(np.str_))))


def _shapley(error: Callable[[frozenset[int]], Floats], count: int, rng: np.random.Generator) -> list[Floats]:
    """Mean decrease of the error when a field joins others: over all sets of few fields, or over random orders."""
    if count <= _EXACT:
        return [_exact(error, place, count) for place in range(count)]
    total = [np.zeros_like(error(frozenset())) for _ in range(count)]
    for _ in range(_ORDERS):
        so_far: frozenset[int] = frozenset()
        for place in rng.permutation(count):
            joined = so_far | {int(place)}
            total[int(place)] += (error(so_far) - error(joined)) / _ORDERS
            so_far = joined
    return total


def _exact(error: Callable[[frozenset[int]], Floats], place: int, count: int) -> Floats:
    others = [other for other in range(count) if other != place]
    total = np.zeros_like(error(frozenset()))
    for size in range(count):
        weight = factorial(size) * factorial(count - size - 1) / factorial(count)
        for chosen in itertools.combinations(others, size):
            total += weight * (error(frozenset(chosen)) - error(frozenset((*chosen, place))))
    return total


def _others(groups: npt.NDArray[Any], rng: np.random.Generator) -> npt.NDArray[np.intp]:
    """For each row one of another group: groups are shifted along a random order of them."""
    names, member = np.unique(groups.astype(np.str_), return_inverse=True)
    order = rng.permutation(len(names))
    after = np.empty(len(names), dtype=np.intp)
    after[order] = np.roll(order, 1)
    rows = [np.flatnonzero(member == number) for number in range(len(names))]
    return np.array([rng.choice(rows[after[number]]) for number in member], dtype=np.intp)


def _with_interval(rows: Floats, weights: Floats) -> Floats:
    drawn = np.percentile(weights @ rows, [2.5, 97.5], axis=0)
    return np.column_stack([rows.mean(axis=0), *drawn])


def _tau(one: Floats, other: Floats) -> float:
    return float(np.nan_to_num(kendalltau(one, other).statistic)) if len(one) > 1 else 1.0
