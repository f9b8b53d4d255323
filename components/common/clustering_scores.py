"""Scores of clusterings that leave most objects in no cluster: one definition each, with an interval.

All are functions of the table of how many objects of each true cluster are in each found one. A bootstrap of the
objects is therefore a multinomial draw of that table's cells, which costs nothing however many objects there are.
Row and column 0 are the objects in no cluster.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

from components.common.scores import INTERVAL_LEVEL, Direction, Floats, Score

Labels = npt.NDArray[np.int64]
Tables = npt.NDArray[np.float64]
Pairs = tuple[tuple[int, int], ...]

NONE = -1
"""Label of an object in no cluster."""


@dataclass(frozen=True)
class ClusteringScore:
    """A score: its name in `metrics.json`, how to read it, and how to compute it.

    Attributes
    ----------
    name, label : str
        Key, and what a reader sees.
    direction : {"higher", "lower", "target"}
        Which values are good.
    compute : callable
        Takes tables, shape (resamples, true + 1, found + 1), and the pairs of true and found clusters that belong
        together; returns shape (resamples,).
    """

    name: str
    label: str
    direction: Direction
    compute: Callable[[Tables, Pairs], Floats]


def contingency(truth: Labels, found: Labels) -> Tables:
    """Count objects by true and found cluster; labels count from 0, `NONE` for none."""
    rows, columns = int(truth.max(initial=NONE)) + 2, int(found.max(initial=NONE)) + 2
    cells = np.bincount((truth + 1) * columns + found + 1, minlength=rows * columns)
    return np.asarray(cells.reshape(rows, columns), dtype=np.float64)


def match(table: Tables) -> Pairs:
    """Pair true clusters with found ones, one to one, such that the sum of F1 is greatest.

    A true cluster of which nothing was found has the partner 0: no cluster.
    """
    f1 = _f1(table)[1:, 1:]
    rows, columns = linear_sum_assignment(-f1) if f1.size else ((), ())
    partner = {int(r): int(c) for r, c in zip(rows, columns, strict=True) if f1[r, c] > 0}
    return tuple((row + 1, partner.get(row, NONE) + 1) for row in range(table.shape[0] - 1))


def purity(tables: Tables, pair: tuple[int, int]) -> Floats:
    """Share of a found cluster's objects that are of the true one; 0 where nothing was found.

    Alone it is won by naming a single sure object: read it beside completeness.
    """
    return _share(tables, pair, tables[:, :, pair[1]].sum(axis=1))


def completeness(tables: Tables, pair: tuple[int, int]) -> Floats:
    """Share of a true cluster's objects that were found; won by putting everything into one cluster."""
    return _share(tables, pair, tables[:, pair[0], :].sum(axis=1))


def f1(tables: Tables, pair: tuple[int, int]) -> Floats:
    """Harmonic mean of purity and completeness."""
    both = tables[:, :, pair[1]].sum(axis=1) + tables[:, pair[0], :].sum(axis=1)
    return 2 * _share(tables, pair, both)


def worst(of_pair: Callable[[Tables, tuple[int, int]], Floats]) -> Callable[[Tables, Pairs], Floats]:
    """Make a score of all clusters from that of one: the worst of them, which a mean would hide."""
    return lambda tables, pairs: np.min([of_pair(tables, pair) for pair in pairs], axis=0)


def adjusted_rand(tables: Tables, _pairs: Pairs = ()) -> Floats:
    """Return the adjusted Rand index (Hubert & Arabie 1985); objects in no cluster are one more cluster.

    Agreement on pairs of objects, 0 for labels given at random and 1 for the same partition. A large cluster, or a
    large field, decides it.
    """

    def pairs_in(counts: Tables) -> Tables:
        return np.asarray(counts * (counts - 1) / 2)

    both = pairs_in(tables).sum(axis=(1, 2))
    rows, columns = (pairs_in(tables.sum(axis=axis)).sum(axis=1) for axis in (2, 1))
    every = pairs_in(tables.sum(axis=(1, 2)))
    expected = rows * columns / np.maximum(every, 1)
    most = (rows + columns) / 2
    return np.where(most > expected, (both - expected) / np.maximum(most - expected, 1e-12), 1.0)


SCORES = (
    ClusteringScore("purity", "purity of the worst cluster", "higher", worst(purity)),
    ClusteringScore("completeness", "completeness of the worst cluster", "higher", worst(completeness)),
    ClusteringScore("f1", "F1 of the worst cluster", "higher", worst(f1)),
    ClusteringScore("ari", "adjusted Rand index", "higher", adjusted_rand),
)

HEADLINE = "f1"
"""Purity is won by naming one sure star, and completeness by naming all."""


def score(truth: Labels, found: Labels, resamples: int, seed: int) -> dict[str, Score]:
    """Compute the scores with their intervals, and as baseline those of a single cluster that holds everything.

    Returns
    -------
    dict of str to Score
        By name; empty where there is no true cluster, so that there is nothing to be found.
    """
    table = contingency(truth, found)
    pairs = match(table)
    if not pairs:
        return {}
    drawn = resampled(table, resamples, seed)
    everything = contingency(truth, np.zeros_like(found))
    tail = (1 - INTERVAL_LEVEL) / 2
    result = {}
    for definition in SCORES:
        low, high = np.quantile(definition.compute(drawn, pairs), [tail, 1 - tail])
        value = float(definition.compute(table[None], pairs)[0])
        single = float(definition.compute(everything[None], tuple((row, 1) for row, _ in pairs))[0])
        result[definition.name] = Score(value, float(low), float(high), single)
    return result


def resampled(table: Tables, resamples: int, seed: int) -> Tables:
    """Draw tables as a bootstrap of the objects would give them."""
    total = int(table.sum())
    draws = np.random.default_rng(seed).multinomial(total, (table / total).ravel(), size=resamples)
    return np.asarray(draws.reshape(resamples, *table.shape), dtype=np.float64)


@dataclass(frozen=True)
class Reliability:
    """How often objects of a stated probability are members.

    Attributes
    ----------
    stated, observed, low, high, count : ndarray, shape (bins,)
        Mean probability and share of members in each bin, the ends of its 68 % interval (Wilson), and objects.
    error : float
        Mean distance of stated and observed, weighted by objects: the expected calibration error.
    """

    stated: Floats
    observed: Floats
    low: Floats
    high: Floats
    count: Floats
    error: float


def reliability(
    member: npt.NDArray[np.bool_], probability: Floats, bins: int = 10, least: float = 0.01
) -> Reliability:
    """Compare probabilities with what is so; objects below `least`, nearly all of the field, are left out."""
    keep = probability >= least
    stated, is_member = probability[keep], member[keep].astype(np.float64)
    index = np.minimum((stated * bins).astype(int), bins - 1)
    count = np.bincount(index, minlength=bins).astype(np.float64)
    filled = count > 0
    mean = np.bincount(index, stated, minlength=bins)[filled] / count[filled]
    share = np.bincount(index, is_member, minlength=bins)[filled] / count[filled]
    n = count[filled]
    middle, half = (share + 0.5 / n) / (1 + 1 / n), np.sqrt(share * (1 - share) / n + 0.25 / n**2) / (1 + 1 / n)
    error = float((n * np.abs(mean - share)).sum() / n.sum()) if n.size else 0.0
    return Reliability(mean, share, middle - half, middle + half, n, error)


def _share(tables: Tables, pair: tuple[int, int], total: Floats) -> Floats:
    if pair[1] == 0:
        return np.zeros(len(tables))
    return np.divide(tables[:, pair[0], pair[1]], total, out=np.zeros(len(tables)), where=total > 0)


def _f1(table: Tables) -> Tables:
    total = table.sum(axis=1, keepdims=True) + table.sum(axis=0, keepdims=True)
    return np.asarray(2 * table / np.maximum(total, 1))
