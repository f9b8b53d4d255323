"""What a tree model rests on: SHAP values, and what is lost when groups of features are shuffled.

SHAP values (Lundberg & Lee 2017; for trees Lundberg et al. 2020) divide the score of a class, of one object, among
its features. Features that go together share what either alone would earn, and how they share it is an accident of
the trees. So importance is given to groups: values inside a group add up, and a group is shuffled as a whole.

SHAP asks what moves an answer, permutation what its loss would cost. Where the two agree about the order of the
groups, it is not an artefact of either. Neither says what causes what.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from components.common.resampling import bootstrap_weights
from components.common.scores import INTERVAL_LEVEL, Floats, Score

ROWS = 1000
"""Objects that are explained at most, drawn at random."""

INTERACTION_ROWS = 120
"""Objects of which pairs of features are looked at: their number counts squared."""

REPEATS = 4
_RESAMPLES = 500
_LEAST_IMPORTANCE = 0.01
_SMALLEST_PROBABILITY = 1e-12

Singles = npt.NDArray[np.float32]
Indices = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Explanation:
    """What a model says, divided among its features.

    Attributes
    ----------
    kind : str
        Which of the classifiers is explained.
    features, classes, groups : tuple of str
        Names.
    rows : ndarray of int, shape (n,)
        Which of the test objects were explained.
    values : ndarray, shape (n, features)
        Of the features; NaN where missing.
    shap : ndarray, shape (n, features, classes)
        In units of the logarithm of the odds.
    by_class : ndarray, shape (features, classes)
        Mean absolute SHAP value.
    group_shap, group_permutation : ndarray, shape (groups,)
        Mean absolute sum of the SHAP values in a group, over classes; rise of the log loss when it is shuffled.
    agreement : Score or None
        Spearman's rank correlation of the two; None where fewer than three groups matter.
    pair : tuple of int or None
        The two features that interact most.
    interaction : ndarray, shape (m, classes)
        Their interaction, for the first m of the rows.
    """

    kind: str
    features: tuple[str, ...]
    classes: tuple[str, ...]
    groups: tuple[str, ...]
    members: tuple[tuple[int, ...], ...]
    rows: Indices
    values: Singles
    shap: Floats
    by_class: Floats
    group_shap: Floats
    group_permutation: Floats
    agreement: Score | None
    pair: tuple[int, int] | None
    interaction: Floats


def explain(
    contender: Any,
    features: Sequence[str],
    classes: Sequence[str],
    groups: Mapping[str, Sequence[str]],
    values: Singles,
    truth: Indices,
    seed: int = 0,
) -> Explanation:
    """Explain a calibrated tree model on some objects.

    Parameters
    ----------
    contender : Contender
        Of boosted trees.
    features, classes : sequence of str
        Names, in the order of the model.
    groups : mapping of str to sequence of str
        Features that go together; each that is in none is a group of its own.
    values : ndarray, shape (n, features)
        Of the objects.
    truth : ndarray of int, shape (n,)
        Their classes.
    seed : int
        Draws objects and shuffles.
    """
    generator = np.random.default_rng(seed)
    rows = np.sort(generator.permutation(len(values))[:ROWS])
    values, truth = values[rows], truth[rows]
    members = gather_groups(features, groups)
    shap = shap_values(contender, values)
    together = np.stack([np.abs(shap[:, own].sum(axis=1)).mean(axis=1) for own in members.values()], axis=1)
    risen = permutation_losses(contender, values, truth, list(members.values()), generator)
    pair, interaction = strongest_pair(contender, values[:INTERACTION_ROWS])
    return Explanation(
        contender.kind,
        tuple(features),
        tuple(classes),
        tuple(members),
        tuple(tuple(own) for own in members.values()),
        rows,
        values,
        shap,
        np.abs(shap).mean(axis=0),
        together.mean(axis=0),
        risen.mean(axis=0),
        rank_agreement(together, risen, seed),
        pair,
        interaction,
    )


def gather_groups(features: Sequence[str], groups: Mapping[str, Sequence[str]]) -> dict[str, list[int]]:
    """Return the indices of the features of each group; a feature counts for the first group that names it."""
    place = {name: number for number, name in enumerate(features)}
    members: dict[str, list[int]] = {}
    for group, names in groups.items():
        if own := [place.pop(name) for name in names if name in place]:
            members[group] = sorted(own)
    return members | {name: [number] for name, number in place.items()}


def shap_values(contender: Any, values: Singles) -> Floats:
    """SHAP values of the calibrated scores, shape (n, features, classes).

    With the expectation and the offset of the calibration they add up to the score, whose softmax is the answer.
    """
    return _for_every_class(_explainer(contender).shap_values(values), contender, axis=2)


def strongest_pair(contender: Any, values: Singles) -> tuple[tuple[int, int] | None, Floats]:
    """Find the two features that interact most, and their interaction, shape (n, classes)."""
    classes, count = len(contender.calibration.offsets), values.shape[1]
    if count < 2 or not len(values):
        return None, np.zeros((0, classes))
    found = _for_every_class(_explainer(contender).shap_interaction_values(values), contender, axis=3)
    strength = np.abs(found).mean(axis=0).sum(axis=2)
    np.fill_diagonal(strength, 0.0)
    first, second = np.unravel_index(int(strength.argmax()), strength.shape)
    pair = (int(min(first, second)), int(max(first, second)))
    return pair, 2 * found[:, pair[0], pair[1]]  # the matrix holds either half


def permutation_losses(
    contender: Any, values: Singles, truth: Indices, members: Sequence[list[int]], generator: np.random.Generator
) -> Floats:
    """Rise of each object's log loss when a group of features is shuffled among objects, shape (n, groups)."""

    def losses(features: Singles) -> Floats:
        probability = contender.predict(features)[np.arange(len(truth)), truth]
        return np.asarray(-np.log(np.maximum(probability, _SMALLEST_PROBABILITY)))

    before = losses(values)
    risen = np.zeros((len(values), len(members)))
    for number, own in enumerate(members):
        for _ in range(REPEATS):
            shuffled = values.copy()
            shuffled[:, own] = values[generator.permutation(len(values))][:, own]
            risen[:, number] += (losses(shuffled) - before) / REPEATS
    return risen


def rank_agreement(shap: Floats, permutation: Floats, seed: int) -> Score | None:
    """Spearman's correlation of two importances of groups, each the mean over objects of (n, groups).

    Groups that matter to neither are ordered by chance, and left out.
    """
    means = np.stack([shap.mean(axis=0), permutation.mean(axis=0)])
    matter = (means > _LEAST_IMPORTANCE * means.max(axis=1, keepdims=True)).any(axis=0)
    if matter.sum() < 3:
        return None
    shap, permutation = shap[:, matter], permutation[:, matter]

    def correlation(weights: Floats) -> Floats:
        ranks = [rankdata(weights @ values, axis=1) for values in (shap, permutation)]
        first, second = (rank - rank.mean(axis=1, keepdims=True) for rank in ranks)
        scale = np.sqrt((first**2).sum(axis=1) * (second**2).sum(axis=1))
        both = (first * second).sum(axis=1)
        return np.asarray(np.divide(both, scale, out=np.full(len(scale), np.nan), where=scale > 0))

    drawn = np.concatenate([correlation(w) for w in bootstrap_weights(np.arange(len(shap)), _RESAMPLES, seed)])
    tail = (1 - INTERVAL_LEVEL) / 2
    low, high = np.nanquantile(drawn, [tail, 1 - tail])
    return Score(float(correlation(np.ones((1, len(shap))))[0]), float(low), float(high))


def _explainer(contender: Any) -> Any:
    from shap import TreeExplainer  # slow to import: it brings numba along

    return TreeExplainer(contender.estimator.model)


def _for_every_class(found: Any, contender: Any, axis: int) -> Floats:
    """Bring what SHAP says to one column a class, in the units of the calibrated scores."""
    values = np.asarray(found, dtype=np.float64)
    if values.ndim == axis:  # of two classes SHAP explains the difference alone
        values = np.stack([-values / 2, values / 2], axis=axis)
    every = np.zeros((*values.shape[:-1], len(contender.calibration.offsets)))
    every[..., contender.estimator.model.classes_] = values
    return np.asarray(every / contender.calibration.temperature)
