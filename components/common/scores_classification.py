"""Scores of classifications: one definition each, under many sets of weights at once, as in `scores`.

Where there are two classes, the curves (ROC, precision and recall) are of the class that is looked for. Where
there are more, areas under curves and points on them are means over the classes, each against the rest.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
import numpy.typing as npt

from components.common.errors import InputError
from components.common.resampling import weighted_mean
from components.common.scores import INTERVAL_LEVEL, Definition, Floats

CALIBRATION_BINS = 15
COMPLETENESS = 0.99
FALSE_POSITIVE_RATES = (1e-1, 1e-2, 1e-3)

_SMALLEST_PROBABILITY = 1e-15
_DRAWS = 20_000
_MOST_RANKED = 6  # classes: the ranks of one, under a thousand sets of weights, take some 60 MB


@dataclass(frozen=True)
class ClassPredictions:
    """Probabilities of classes for n objects.

    Attributes
    ----------
    truth : ndarray of int, shape (n,)
        Index of the true class.
    probability : ndarray, shape (n, classes)
        Rows add up to one.
    positive : int
        Index of the class that is looked for.
    names : tuple of str
        Names of the classes; may be left out.
    """

    truth: npt.NDArray[np.int64]
    probability: Floats
    positive: int = 1
    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        classes = self.probability.shape[1]
        if self.truth.size and (self.truth.min() < 0 or self.truth.max() >= classes):
            raise InputError(
                f"A true class is none of the {classes} that have a probability.",
                "Evaluate a model on the classes that it was trained on.",
            )

    def __len__(self) -> int:
        return len(self.truth)

    def __getitem__(self, rows: npt.NDArray[Any]) -> "ClassPredictions":
        return ClassPredictions(self.truth[rows], self.probability[rows], self.positive, self.names)

    @property
    def classes(self) -> int:
        """Number of classes."""
        return int(self.probability.shape[1])

    @cached_property
    def predicted(self) -> npt.NDArray[np.int64]:
        """Most probable class."""
        return np.asarray(self.probability.argmax(axis=1), dtype=np.int64)

    @cached_property
    def right(self) -> Floats:
        """1 where the most probable class is the true one."""
        return np.asarray(self.predicted == self.truth, dtype=np.float64)

    @cached_property
    def ranked(self) -> dict[int, tuple[Floats, "_Ranked"]]:
        """By class: weights, and the objects ranked under these. Six scores in a row ask for the same."""
        return {}

    @cached_property
    def true_one_hot(self) -> Floats:
        """1 in the column of the true class, shape (n, classes)."""
        return np.asarray(np.eye(self.classes)[self.truth])


def accuracy(predictions: ClassPredictions, weights: Floats) -> Floats:
    """Fraction that is right: of unequal classes, a constant does well."""
    return weighted_mean(predictions.right, weights)


def recalls(predictions: ClassPredictions, weights: Floats) -> Floats:
    """Fraction of each class that is recognised, shape (resamples, classes); NaN for one without objects."""
    members = weights @ predictions.true_one_hot
    found = weights @ (predictions.true_one_hot * predictions.right[:, None])
    return _ratio(found, members)


def balanced_accuracy(predictions: ClassPredictions, weights: Floats) -> Floats:
    """Mean of the classes' recalls: half, of two classes, for any constant, however rare one of them is."""
    return np.asarray(recalls(predictions, weights).mean(axis=1))


def macro_f1(predictions: ClassPredictions, weights: Floats) -> Floats:
    """Mean over the classes of 2 TP / (2 TP + FP + FN): unlike recalls it also sees a class polluted by others."""
    members = weights @ predictions.true_one_hot
    called = np.eye(predictions.classes)[predictions.predicted]
    found = weights @ (predictions.true_one_hot * called)
    total = members + weights @ called
    return np.asarray(np.divide(2 * found, total, out=np.zeros_like(total), where=total > 0).mean(axis=1))


def roc_auc(predictions: ClassPredictions, weights: Floats) -> Floats:
    """Probability that an object of the class gets a higher score than one of another; ties count half.

    It asks for the order alone, at all thresholds alike: a rare class may be found too late for any use of it,
    which the purity at a completeness and the rates at few false positives show.
    """
    return _over_classes(_auc, predictions, weights)


def average_precision(predictions: ClassPredictions, weights: Floats) -> Floats:
    """Sum of precisions weighted by the steps in recall: the area below the precision-recall curve, by steps."""
    return _over_classes(_average_precision, predictions, weights)


def purity_at_completeness(
    predictions: ClassPredictions, weights: Floats, completeness: float = COMPLETENESS
) -> Floats:
    """Purity at the highest threshold that keeps `completeness` of the class: what a complete catalogue costs."""

    def purity(ranked: "_Ranked") -> Floats:
        enough = ranked.true >= completeness * ranked.positives[:, None] * (1 - 1e-12)
        at = (np.arange(len(weights)), enough.argmax(axis=1))
        found = _ratio(ranked.true[at], ranked.true[at] + ranked.false[at])
        return np.asarray(np.where(ranked.positives > 0, found, np.nan))

    return _over_classes(purity, predictions, weights)


def tpr_at_fpr(predictions: ClassPredictions, weights: Floats, rate: float) -> Floats:
    """Fraction of the class found at the lowest threshold with at most `rate` false positives among the others."""

    def share(ranked: "_Ranked") -> Floats:
        allowed = (ranked.false <= rate * ranked.negatives[:, None] * (1 + 1e-12)).sum(axis=1)
        found = np.where(allowed > 0, ranked.true[np.arange(len(weights)), np.maximum(allowed - 1, 0)], 0.0)
        return np.where(ranked.negatives > 0, _ratio(found, ranked.positives), np.nan)

    return _over_classes(share, predictions, weights)


def expected_calibration_error(predictions: ClassPredictions, weights: Floats) -> Floats:
    """Mean distance of confidence from accuracy, in equal bins of the confidence (Guo et al. 2017).

    The confidence is the probability of the most probable class. Of few objects it is not zero even for an honest
    model, since each bin's accuracy scatters.
    """
    confidence = predictions.probability.max(axis=1)
    bins = np.minimum((confidence * CALIBRATION_BINS).astype(np.int64), CALIBRATION_BINS - 1)
    member = np.eye(CALIBRATION_BINS)[bins]
    gaps = weights @ (member * (confidence - predictions.right)[:, None])
    return np.asarray(np.abs(gaps).sum(axis=1) / weights.sum(axis=1))


def brier(predictions: ClassPredictions, weights: Floats) -> Floats:
    """Mean squared error of the probabilities, summed over classes, halved of two: judges order and honesty."""
    error = ((predictions.probability - predictions.true_one_hot) ** 2).sum(axis=1)
    return weighted_mean(error / (2 if predictions.classes == 2 else 1), weights)


def log_loss(predictions: ClassPredictions, weights: Floats) -> Floats:
    """Mean negative logarithm of the true class's probability: being sure and wrong costs most."""
    of_truth = predictions.probability[np.arange(len(predictions)), predictions.truth]
    return weighted_mean(-np.log(np.clip(of_truth, _SMALLEST_PROBABILITY, None)), weights)


SCORES = (
    Definition("balanced_accuracy", "balanced accuracy", "", "higher", balanced_accuracy),
    Definition("roc_auc", "area under the ROC curve", "", "higher", roc_auc),
    Definition("average_precision", "average precision", "", "higher", average_precision),
    Definition(
        "purity_at_99_completeness", "purity at 99\u00a0% completeness", "", "higher", purity_at_completeness
    ),
    Definition("macro_f1", "F1, mean of the classes", "", "higher", macro_f1),
    Definition("accuracy", "accuracy", "", "higher", accuracy, is_fraction=True),
    *(
        Definition(
            f"tpr_at_fpr_1e{exponent}",
            f"found at a false-positive rate of {rate:g}",
            "",
            "higher",
            partial(tpr_at_fpr, rate=rate),
        )
        for exponent, rate in zip((-1, -2, -3), FALSE_POSITIVE_RATES, strict=True)
    ),
    Definition("ece", "expected calibration error", "", "lower", expected_calibration_error),
    Definition("brier", "Brier score", "", "lower", brier),
    Definition("log_loss", "log loss", "", "lower", log_loss),
)
"""Scores of any classification, the best known first."""


def small_sample_interval(predictions: ClassPredictions, seed: int = 0) -> tuple[float, float]:
    """Interval of the balanced accuracy of a few objects.

    Each recall has a beta distribution (Jeffreys' interval of a proportion: Brown, Cai & DasGupta 2001,
    Statistical Science 16, 101). Resampling seven objects that are all right would say that nothing else is
    possible.
    """
    generator = np.random.default_rng(seed)
    members = predictions.true_one_hot.sum(axis=0)
    found = predictions.true_one_hot.T @ predictions.right
    drawn = generator.beta(found + 0.5, members - found + 0.5, (_DRAWS, predictions.classes)).mean(axis=1)
    tail = (1 - INTERVAL_LEVEL) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail])
    return float(low), float(high)


def majority(truth: npt.NDArray[np.int64], classes: int, rows: int) -> Floats:
    """Probabilities of a predictor that knows only how frequent classes are, shape (rows, classes)."""
    share = np.bincount(truth, minlength=classes) / max(1, truth.size)
    return np.tile(share, (rows, 1))


def require_two_classes(truth: npt.NDArray[np.int64], classes: Sequence[str], where: str) -> None:
    """Raise an InputError where all objects are of one class, since nothing can be said then."""
    present = np.unique(truth)
    if present.size < 2:
        names = ", ".join(classes[index] for index in present) or "none"
        raise InputError(
            f"{where} holds one class only: {names}.",
            "Give objects of at least two classes, or a larger fraction for that split.",
        )


@dataclass(frozen=True)
class _Ranked:
    """Objects by falling score, ties together: sums of weights above each threshold, shape (resamples, steps)."""

    true: Floats
    false: Floats

    @classmethod
    def of(cls, predictions: ClassPredictions, index: int, weights: Floats) -> "_Ranked":
        known = predictions.ranked.get(index)
        if known is None or known[0] is not weights:
            known = (weights, cls._rank(predictions, index, weights))
            if index in predictions.ranked or len(predictions.ranked) < _MOST_RANKED:
                predictions.ranked[index] = known
        return known[1]

    @classmethod
    def _rank(cls, predictions: ClassPredictions, index: int, weights: Floats) -> "_Ranked":
        score = predictions.probability[:, index]
        order = np.argsort(-score, kind="stable")
        ends = np.append(np.flatnonzero(np.diff(score[order])), len(order) - 1)
        is_member = (predictions.truth == index)[order].astype(np.float64)
        ordered = weights[:, order]
        total = np.cumsum(ordered, axis=1)[:, ends]
        true = np.cumsum(ordered * is_member, axis=1)[:, ends]
        return cls(true, total - true)

    @property
    def positives(self) -> Floats:
        """Weight of the class."""
        return self.true[:, -1]

    @property
    def negatives(self) -> Floats:
        """Weight of the others."""
        return self.false[:, -1]


def _over_classes(function: Any, predictions: ClassPredictions, weights: Floats) -> Floats:
    indices = [predictions.positive] if predictions.classes == 2 else range(predictions.classes)
    values: Floats = np.mean([function(_Ranked.of(predictions, k, weights)) for k in indices], axis=0)
    return values


def _auc(ranked: _Ranked) -> Floats:
    found = np.diff(ranked.true, axis=1, prepend=0.0)
    wrong = np.diff(ranked.false, axis=1, prepend=0.0)
    below = ranked.negatives[:, None] - ranked.false
    return _ratio((found * (below + wrong / 2)).sum(axis=1), ranked.positives * ranked.negatives)


def _average_precision(ranked: _Ranked) -> Floats:
    precision = _ratio(ranked.true, ranked.true + ranked.false)
    steps = np.diff(ranked.true, axis=1, prepend=0.0)
    return _ratio(np.nansum(steps * precision, axis=1), ranked.positives)


def _ratio(numerator: Floats, denominator: Floats) -> Floats:
    return np.divide(numerator, denominator, out=np.full_like(numerator, np.nan), where=denominator > 0)
