"""Simulated volunteers: how likely each answer is, the votes that come of it, and what the votes will come to.

As many people look at a galaxy as chance has it, 43 on average as in 400 rows of the real table; all tasks of the
tree are answered by those whose answers led there. What can be seen depends on the apparent size: bars, arms and
features of small galaxies are missed. Debiasing weighs the votes for features by a factor of the apparent size
alone; the factors of Willett et al. (2013) depend on luminosity, size and redshift.
"""

from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import expit, gammaln, pdtr
from scipy.stats import binom

from components.common.tables import Columns
from components.physics.galaxy_population import NODES, PSF_ARCSEC, blurred_axis_ratio, nodes
from components.physics.gz2_classes import TRUNKS
from components.physics.gz2_tasks import TASKS
from components.physics.multinomial_winner import winner_probabilities

FloatArray = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

VOLUNTEERS = 43.0
"""Mean number of classifications; it is Poisson distributed."""

SIZES = 24
"""Steps of apparent size that what volunteers see depends on, 0.05 dex each."""

OUTCOMES = (*TRUNKS, "A")
_SMALLEST_LOG, _STEP_LOG = -0.1, 0.05
_MOST_VOTES = 96
_CLEAN = 0.8
_ODD_SHARES = np.array([0.18, 0.03, 0.10, 0.12, 0.17, 0.33, 0.07])


def size_step(radius_arcsec: FloatArray) -> Ints:
    """Return the step of apparent size of each galaxy."""
    steps = np.floor((np.log10(radius_arcsec) - _SMALLEST_LOG) / _STEP_LOG)
    return np.clip(steps, 0, SIZES - 1).astype(np.int64)


@lru_cache(maxsize=1)
def _detection() -> FloatArray:
    """Return how much of the detail is seen at each step of size."""
    centres = _SMALLEST_LOG + _STEP_LOG * (np.arange(SIZES) + 0.5)
    return np.asarray(expit((centres - 0.40) / 0.12))


def _seen_radius() -> FloatArray:
    """Return the radius before the blur at each step of size."""
    blurred = 10 ** (_SMALLEST_LOG + _STEP_LOG * (np.arange(SIZES) + 0.5))
    return np.asarray(np.sqrt(np.maximum(blurred**2 - PSF_ARCSEC**2, 0.3**2)))


def feature_weight() -> FloatArray:
    """Return the factor of debiasing on votes for features, at each step of size."""
    return np.asarray(1 + 1.37 * (1 - _detection()))


@lru_cache(maxsize=1)
def answers() -> dict[str, FloatArray]:
    """Return the probabilities of the answers of the tasks that a trunk depends on.

    Shapes: (sizes, nodes, answers); t05 and t09 (1, nodes, answers), because the size does not matter to them.
    """
    grid, seen = nodes(), _detection()[:, None]
    features = 0.04 + grid.disc * (0.28 + 0.58 * seen) + 0.05 * grid.barred * seen
    artefact = 0.02 + 0.03 * (1 - seen) + 0 * features
    q = _axis_ratio_seen()
    edge_on = 0.02 + 0.95 * expit((0.33 - q) / 0.05)
    bar = 0.06 + grid.barred * (0.14 + 0.62 * seen)
    spiral = 0.05 + 0.9 * expit((grid.type - 0.42) / 0.08) * np.sqrt(seen)
    bulge = _nearest(grid.bulge, np.array([0.01, 0.15, 0.36, 0.62]), 0.11)
    no_bulge = 0.03 + 0.9 * expit((grid.type - 0.75) / 0.07)
    boxy = 0.06 + 0.45 * grid.barred  # the boxes and peanuts of edge-on discs are bars
    return {
        "t01": np.stack([1 - features - artefact, features, artefact], axis=-1),
        "t02": np.stack([edge_on, 1 - edge_on], axis=-1),
        "t03": np.stack([bar, 1 - bar], axis=-1),
        "t04": np.stack([spiral, 1 - spiral], axis=-1),
        "t05": bulge[None],
        "t07": _roundness(np.round(q * 50) / 50),
        "t09": np.stack([(1 - no_bulge) * (1 - boxy), (1 - no_bulge) * boxy, no_bulge], axis=-1)[None],
    }


def vote(node: Ints, size: Ints, rng: np.random.Generator) -> Columns:
    """Draw the votes for galaxies of given nodes and steps of size.

    Returns
    -------
    dict of str to ndarray
        All vote columns of the table, `total_classifications` and `total_votes`.
    """
    counts = _counts(node, size, rng)
    columns: Columns = {}
    weight = {"t01": np.column_stack([np.ones(node.size), feature_weight()[size], np.ones(node.size)])}
    for name, task in TASKS.items():
        votes = counts[name].astype(np.float64)
        weighed = votes * weight.get(name, 1.0)
        fraction, debiased = (v / np.maximum(v.sum(axis=1, keepdims=True), 1e-9) for v in (votes, weighed))
        of = {"count": votes, "weight": votes, "fraction": fraction, "weighted_fraction": fraction}
        of |= {"debiased": debiased, "flag": debiased > _CLEAN}
        for statistic, values in of.items():
            for column, one in zip(task.columns(statistic), values.T, strict=True):
                columns[column] = one.astype(np.float32)
    columns["total_classifications"] = counts["t01"].sum(axis=1).astype(np.float32)
    columns["total_votes"] = sum(c.sum(axis=1) for c in counts.values()).astype(np.float32)
    return columns


def _counts(node: Ints, size: Ints, rng: np.random.Generator) -> dict[str, Ints]:
    p, n = answers(), node.size
    counts: dict[str, Ints] = {}

    def ask(task: str, people: Ints, chances: FloatArray | None = None) -> Ints:
        if chances is None:
            chances = p[task][size if len(p[task]) > 1 else 0, node]
        counts[task] = rng.multinomial(people, chances / chances.sum(axis=1, keepdims=True))
        return counts[task]

    first = ask("t01", rng.poisson(VOLUNTEERS, n))
    ask("t07", first[:, 0])
    edge_on = ask("t02", first[:, 1])
    ask("t09", edge_on[:, 0])
    ask("t03", edge_on[:, 1])
    spiral = ask("t04", edge_on[:, 1])
    winding, number = _arms(nodes().type[node], rng)
    ask("t10", spiral[:, 0], winding)
    ask("t11", spiral[:, 0], number)
    ask("t05", edge_on[:, 1])
    is_odd = rng.random(n) < 0.11
    odd = np.where(is_odd, 0.25 + 0.6 * _detection()[size], 0.06)
    strange = ask("t06", first[:, 0] + first[:, 1], np.column_stack([odd, 1 - odd]))
    kind = np.eye(_ODD_SHARES.size)[rng.choice(_ODD_SHARES.size, n, p=_ODD_SHARES)]
    ask("t08", strange[:, 0], 0.3 * _ODD_SHARES + 0.7 * kind)
    return counts


def _arms(kind: FloatArray, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """Return chances of windings and numbers of arms: later types are looser, and most have two arms."""
    winding = _nearest(kind, np.array([0.40, 0.62, 0.9]), 0.16)
    shares = np.array([0.05, 0.46, 0.07, 0.03, 0.07, 0.32])
    true = np.eye(shares.size)[rng.choice(shares.size, kind.size, p=shares)]
    return winding, 0.35 * shares + 0.65 * true


def _axis_ratio_seen() -> FloatArray:
    return blurred_axis_ratio(nodes().axis_ratio[None], _seen_radius()[:, None], PSF_ARCSEC)


def _roundness(axis_ratio: FloatArray) -> FloatArray:
    return _nearest(axis_ratio, np.array([0.93, 0.68, 0.42]), 0.10)


def _nearest(value: FloatArray, centres: FloatArray, spread: float) -> FloatArray:
    """Return chances of answers that lie along a scale: those near to the truth are likely."""
    chance = np.exp(-0.5 * ((value[..., None] - centres) / spread) ** 2) + 0.02
    return np.asarray(chance / chance.sum(axis=-1, keepdims=True))


@lru_cache(maxsize=1)
def outcome_probabilities() -> FloatArray:
    """Return how likely the votes for a galaxy of each size and node come to each of `OUTCOMES`.

    Shape (SIZES, NODES, len(OUTCOMES)). Sums over all numbers of votes that can arrive at each task: exact, but
    for numbers of volunteers above 95, whose chance is below 1e-11. Arms and odd features come after the trunk.
    """
    p = answers()
    n = np.arange(_MOST_VOTES)
    levels = np.round(_axis_ratio_seen() * 50).astype(np.int64)
    round_by_level = winner_probabilities(_roundness(np.arange(51) / 50), _MOST_VOTES - 1)
    bulge, bulge_shape = (_wins(p[task][0]) for task in ("t05", "t09"))
    table = np.empty((SIZES, NODES, len(OUTCOMES)))
    for size in range(SIZES):
        smooth, featured, artefact = VOLUNTEERS * p["t01"][size].T[:, :, None]
        weight = feature_weight()[size]
        smooth_wins = _poisson(n, smooth) * pdtr(np.floor(n / weight + 1e-9), featured) * pdtr(n, artefact)
        edge_on, face_on = _split(p["t02"][size, :, 0:1], smooth, featured, artefact, float(weight))
        chances, member = np.unique(p["t03"][size, :, 0], return_inverse=True)
        has_bar = binom.sf(np.ceil(n / 2) - 1, n, chances[:, None])[member]
        e = np.einsum("in,ink->ik", smooth_wins, round_by_level[levels[size]])
        se = np.einsum("in,ink->ik", edge_on, bulge_shape)
        s = np.einsum("in,ink->ik", face_on * (1 - has_bar), bulge)
        sb = np.einsum("in,ink->ik", face_on * has_bar, bulge)
        trunks = np.concatenate([e, se, s[:, ::-1], sb[:, ::-1]], axis=1)  # bulges are listed from none upwards
        table[size] = np.concatenate([trunks, np.maximum(1 - trunks.sum(axis=1, keepdims=True), 0)], axis=1)
    return table


def _wins(chances: FloatArray) -> FloatArray:
    """Return `winner_probabilities`, computed once for rows that are equal."""
    different, member = np.unique(chances, axis=0, return_inverse=True)
    return winner_probabilities(different, _MOST_VOTES - 1)[member.reshape(-1)]


def _split(
    edge_share: FloatArray, smooth: FloatArray, featured: FloatArray, artefact: FloatArray, weight: float
) -> tuple[FloatArray, FloatArray]:
    """Return how likely features win, and with so many votes for edge-on, or so many for not, that side too."""
    total = np.arange(2 * _MOST_VOTES)
    below = np.maximum(np.ceil(total * weight - 1e-9) - 1, 0)
    wins = (total > 0) * pdtr(below, smooth) * pdtr(np.floor(total * weight + 1e-9), artefact)
    n = np.arange(_MOST_VOTES)
    edge, face = _poisson(n, featured * edge_share), _poisson(n, featured * (1 - edge_share))
    edge_on, face_on = np.empty_like(edge), np.zeros_like(face)
    for (
        count
    ) in n.tolist():  # of those for edge-on; piecewise, because the whole would not fit the processor's cache
        both = face * wins[:, count : count + _MOST_VOTES]
        edge_on[:, count] = edge[:, count] * both[:, : count + 1].sum(
            axis=1
        )  # the tie goes to yes, the first answer
        face_on[:, count + 1 :] += edge[:, count : count + 1] * both[:, count + 1 :]
    return edge_on, face_on


def _poisson(n: npt.NDArray[Any], mean: FloatArray) -> FloatArray:
    return np.asarray(np.exp(n * np.log(mean) - mean - gammaln(n + 1.0)))
