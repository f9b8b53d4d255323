"""All numbers of an evaluation of classes, gathered for `metrics.json`, the report and the Kubeflow UI."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from components.common.scores import Floats, Score, score
from components.common.scores_classification import (
    CALIBRATION_BINS,
    SCORES,
    ClassPredictions,
    average_precision,
    roc_auc,
    small_sample_interval,
)
from components.evaluate.classification.outcome import Outcome

Table = list[dict[str, Any]]

BINNED = tuple(d for d in SCORES if d.name in ("balanced_accuracy", "accuracy", "roc_auc"))
"""Scores that are given by feature."""

_CURVE_POINTS = 200
_FEWEST = 5


@dataclass(frozen=True)
class Scored:
    """Scores of the model and, on the same objects, of the baselines by name."""

    model: dict[str, Score]
    baselines: dict[str, dict[str, Score]]

    def to_json(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the entries of model and baselines in `metrics.json`."""
        return _scores_to_json(self.model), {name: _scores_to_json(of) for name, of in self.baselines.items()}


@dataclass(frozen=True)
class Feature:
    """A quantity by which scores are told.

    Attributes
    ----------
    column : str
        Of the data set.
    label : str
        Name for a reader, with its unit.
    edges : tuple of float
        Of the bins; the last may be infinite.
    score : str
        Which of `BINNED` is drawn: a balanced one needs all classes in every bin.
    """

    column: str
    label: str
    edges: tuple[float, ...]
    score: str = "balanced_accuracy"


def score_all(
    outcome: Outcome, groups: npt.NDArray[Any], resamples: int, seed: int, small_sample: bool = False
) -> Scored:
    """Score model and baselines, all on the same resamples.

    Parameters
    ----------
    outcome : Outcome
        Predictions.
    groups : ndarray, shape (n,)
        What is resampled as a whole.
    resamples, seed : int
        Of the bootstrap.
    small_sample : bool
        Give balanced accuracies the interval for a few objects.
    """
    baselines = {
        name: score(SCORES, outcome.baseline(name), groups, resamples, seed) for name in outcome.baselines
    }
    constant = next(iter(baselines.values()))
    found = score(SCORES, outcome.predictions, groups, resamples, seed)
    model = {name: dataclasses.replace(s, baseline=constant[name].value) for name, s in found.items()}
    if small_sample:
        every = [(model, outcome.predictions), *((of, outcome.baseline(name)) for name, of in baselines.items())]
        for scores, predictions in every:
            low, high = small_sample_interval(predictions, seed)
            scores["balanced_accuracy"] = dataclasses.replace(scores["balanced_accuracy"], low=low, high=high)
    return Scored(model, baselines)


def score_by(feature: Feature, outcome: Outcome, groups: npt.NDArray[Any], resamples: int, seed: int) -> Table:
    """Score in bins of a feature; those with next to no object, and objects without the feature, are left out."""
    values = np.asarray(outcome.columns[feature.column], dtype=np.float64)
    rows: Table = []
    for low, high in zip(feature.edges, feature.edges[1:], strict=False):
        chosen = np.flatnonzero((values >= low) & (values < high))
        if chosen.size < _FEWEST:
            continue
        found = score(BINNED, outcome.predictions[chosen], groups[chosen], resamples, seed)
        rows.append(
            {"low": low, "high": None if np.isinf(high) else high, "count": int(chosen.size)}
            | {name: value for name, value in found.items() if np.isfinite(value.value)}
        )
    return rows


@dataclass(frozen=True)
class Against:
    """One class against the rest.

    Attributes
    ----------
    roc, precision_recall, reliability : dict of str to list
        As in `Curves`.
    area, average_precision : float
        Below the two curves.
    recall, precision, f1 : float
        Of the most probable class.
    count : int
        Objects of the class.
    """

    roc: dict[str, list[float]]
    precision_recall: dict[str, list[float]]
    reliability: dict[str, list[float]]
    area: float
    average_precision: float
    recall: float
    precision: float
    f1: float
    count: int

    @classmethod
    def of(cls, predictions: ClassPredictions, index: int) -> "Against":
        """Look for the class with this index."""
        probability = predictions.probability[:, index]
        two = ClassPredictions(
            (predictions.truth == index).astype(np.int64), np.stack([1 - probability, probability], axis=1)
        )
        steps, ones = _steps(two), np.ones((1, len(predictions)))
        called, there = predictions.predicted == index, predictions.truth == index
        both = int((called & there).sum())
        return cls(
            _roc(*steps),
            _precision_recall(*steps),
            _reliability(two),
            float(roc_auc(two, ones)[0]),
            float(average_precision(two, ones)[0]),
            both / max(1, int(there.sum())),
            both / max(1, int(called.sum())),
            2 * both / max(1, int(called.sum() + there.sum())),
            int(there.sum()),
        )


@dataclass(frozen=True)
class Curves:
    """What is drawn besides the scores.

    Attributes
    ----------
    confusion : ndarray of int, shape (classes, classes)
        Objects by true class (row) and most probable class (column).
    roc, precision_recall : dict of str to dict of str to list
        By method: the curves of the class that is looked for.
    reliability : dict of str to list
        `low` and `high` of bins of the positive class's probability, mean `predicted` and `observed`, `count`.
    by : dict of str to list of dict
        Scores in bins of each feature.
    each : dict of str to Against
        Of three and more classes, the model's answers for each against the rest.
    """

    confusion: npt.NDArray[np.int64]
    roc: dict[str, dict[str, list[float]]]
    precision_recall: dict[str, dict[str, list[float]]]
    reliability: dict[str, list[float]]
    by: dict[str, Table]
    each: dict[str, "Against"] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the entry of `metrics.json`."""
        by = {
            name: [{k: v.to_json() if isinstance(v, Score) else v for k, v in row.items()} for row in table]
            for name, table in self.by.items()
        }
        return {
            "confusion": self.confusion.tolist(),
            "roc": self.roc,
            "precision_recall": self.precision_recall,
            "reliability": self.reliability,
            "by": by,
            **({"each": {name: dataclasses.asdict(of) for name, of in self.each.items()}} if self.each else {}),
        }


def draw_curves(
    outcome: Outcome, groups: npt.NDArray[Any], features: Sequence[Feature], resamples: int, seed: int
) -> Curves:
    """Compute what the report draws; parameters as of `score_all`."""
    predictions = outcome.predictions
    confusion = np.zeros((predictions.classes, predictions.classes), dtype=np.int64)
    np.add.at(confusion, (predictions.truth, predictions.predicted), 1)
    every = {"model": predictions} | {name: outcome.baseline(name) for name in list(outcome.baselines)[1:]}
    steps = {name: _steps(p) for name, p in every.items()}
    return Curves(
        confusion,
        {name: _roc(*s) for name, s in steps.items()},
        {name: _precision_recall(*s) for name, s in steps.items()},
        _reliability(predictions),
        {feature.column: score_by(feature, outcome, groups, resamples, seed) for feature in features},
        {
            name: Against.of(predictions, index)
            for index, name in enumerate(outcome.classes)
            if predictions.classes > 2 and (predictions.truth == index).any()
        },
    )


def _steps(predictions: ClassPredictions) -> tuple[Floats, Floats, Floats]:
    """Thresholds from the highest, and how many of the class, and of the others, lie at or above each."""
    score_of = predictions.probability[:, predictions.positive]
    order = np.argsort(-score_of, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(score_of[order])), len(order) - 1)
    is_member = predictions.truth[order] == predictions.positive
    true = np.cumsum(is_member)[ends].astype(np.float64)
    return score_of[order][ends], true, ends + 1.0 - true


def _roc(threshold: Floats, true: Floats, false: Floats) -> dict[str, list[float]]:
    tpr, fpr = true / max(1.0, true[-1]), false / max(1.0, false[-1])
    keep = _thin(fpr, tpr)
    return {
        "fpr": [0.0, *fpr[keep].tolist()],
        "tpr": [0.0, *tpr[keep].tolist()],
        "threshold": [1.0, *threshold[keep].tolist()],
    }


def _precision_recall(threshold: Floats, true: Floats, false: Floats) -> dict[str, list[float]]:
    recall, precision = true / max(1.0, true[-1]), true / (true + false)
    keep = _thin(recall, precision)
    return {
        "recall": recall[keep].tolist(),
        "precision": precision[keep].tolist(),
        "threshold": threshold[keep].tolist(),
    }


def _thin(x: Floats, y: Floats) -> npt.NDArray[np.int64]:
    """Choose points along a curve: enough to draw it, the last among them."""
    length = np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(x), np.diff(y)))])
    wanted = np.linspace(0, length[-1], _CURVE_POINTS)
    return np.unique(np.append(np.searchsorted(length, wanted), len(x) - 1).clip(0, len(x) - 1))


def _reliability(predictions: ClassPredictions) -> dict[str, list[float]]:
    claimed = predictions.probability[:, predictions.positive]
    is_member = predictions.truth == predictions.positive
    bins = np.minimum((claimed * CALIBRATION_BINS).astype(np.int64), CALIBRATION_BINS - 1)
    found: dict[str, list[float]] = {name: [] for name in ("low", "high", "predicted", "observed", "count")}
    for number in np.unique(bins):
        inside = bins == number
        found["low"].append(float(number / CALIBRATION_BINS))
        found["high"].append(float((number + 1) / CALIBRATION_BINS))
        found["predicted"].append(float(claimed[inside].mean()))
        found["observed"].append(float(is_member[inside].mean()))
        found["count"].append(float(inside.sum()))
    return found


def _scores_to_json(scores: Mapping[str, Score]) -> dict[str, Any]:
    """Return scores as in `metrics.json`: what is undefined is null."""
    return {
        name: {key: value if value is None or np.isfinite(value) else None for key, value in s.to_json().items()}
        for name, s in scores.items()
    }
