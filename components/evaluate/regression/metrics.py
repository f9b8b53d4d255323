"""All numbers of an evaluation, gathered for `metrics.json`, the report and the Kubeflow UI."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from components.common import scores
from components.common.resampling import bootstrap_weights
from components.common.scores import Floats, Predictions, Score
from components.evaluate.regression.constant import score_constant
from components.evaluate.regression.outcome import Outcome

Table = list[dict[str, Any]]

_LEVELS = np.round(np.arange(0.05, 1.0, 0.05), 2)
_PIT_BINS = 20


@dataclass(frozen=True)
class Scored:
    """Scores of the model and, on the same objects, of the baselines by name."""

    model: dict[str, Score]
    baselines: dict[str, dict[str, Score]]

    def to_json(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the entries of model and baselines in `metrics.json`."""
        return scores.to_json(self.model), {name: scores.to_json(of) for name, of in self.baselines.items()}


def score_all(
    outcome: Outcome, training_truth: Floats, resamples: int, seed: int, rows: npt.NDArray[np.bool_] | None = None
) -> Scored:
    """Score model and baselines.

    Parameters
    ----------
    outcome : Outcome
        Predictions.
    training_truth : ndarray
        Labels that the constants are chosen on.
    resamples, seed : int
        Of the bootstrap; the same resamples for all.
    rows : ndarray of bool, optional
        Score these objects only.
    """
    chosen = np.ones(len(outcome.predictions), dtype=bool) if rows is None else rows
    kind, truth = outcome.kind, outcome.columns["truth"][chosen]
    groups = outcome.groups[chosen]
    constant = score_constant(kind.scores, training_truth, truth, groups, resamples, seed)
    found = scores.score(kind.scores, outcome.predictions[chosen], groups, resamples, seed)
    model = {
        name: dataclasses.replace(s, baseline=constant[name].value, published=kind.published.get(name))
        for name, s in found.items()
    }
    points = {
        name: Predictions.of_points(truth, outcome.columns[name][chosen])
        for name in outcome.labels
        if name != "constant"
    }
    return Scored(
        model,
        {"constant": constant}
        | {name: scores.score(kind.scores, p, groups, resamples, seed) for name, p in points.items()},
    )


def measure_coverage(
    predictions: Predictions, groups: npt.NDArray[Any], resamples: int, seed: int
) -> dict[str, Floats]:
    """Fraction of truths inside central intervals of many levels, with its interval."""
    assert predictions.pit is not None
    inside = (np.abs(predictions.pit[:, None] - 0.5) <= _LEVELS / 2).astype(np.float64)
    drawn = [w @ inside / w.sum(axis=1, keepdims=True) for w in bootstrap_weights(groups, resamples, seed)]
    tail = (1 - scores.INTERVAL_LEVEL) / 2
    low, high = np.quantile(np.concatenate(drawn), [tail, 1 - tail], axis=0)
    return {"level": _LEVELS, "observed": inside.mean(axis=0), "low": low, "high": high}


def count_pit(pit: Floats) -> dict[str, list[float]]:
    """Histogram of the PIT, as `edges` and `counts`: flat where the distributions are honest."""
    counts, edges = np.histogram(pit, bins=_PIT_BINS, range=(0, 1))
    return {"edges": edges.tolist(), "counts": counts.tolist()}


def row_to_json(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row of scores by a feature as `metrics.json` has it."""
    return {name: value.to_json() if isinstance(value, Score) else value for name, value in row.items()}
