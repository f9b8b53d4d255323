"""All numbers of an evaluation, gathered for `metrics.json`, the report and the Kubeflow UI."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from components.common import scores
from components.common.resampling import bootstrap_weights
from components.common.scores import Floats, Predictions, Score
from components.evaluate.regression import redshift
from components.evaluate.regression.baselines import LABELS
from components.evaluate.regression.constant import score_constant
from components.evaluate.regression.line_confusion import LineConfusion, find_line_confusion
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
    truth, groups = outcome.columns["truth"][chosen], outcome.groups[chosen]
    constant = score_constant(redshift.SCORES, training_truth, truth, groups, resamples, seed)
    found = scores.score(redshift.SCORES, outcome.predictions[chosen], groups, resamples, seed)
    model = {
        name: dataclasses.replace(s, baseline=constant[name].value, published=redshift.PUBLISHED.get(name))
        for name, s in found.items()
    }
    points = {
        name: Predictions.of_points(truth, outcome.columns[name][chosen]) for name in LABELS if name != "constant"
    }
    return Scored(
        model,
        {"constant": constant}
        | {name: scores.score(redshift.SCORES, p, groups, resamples, seed) for name, p in points.items()},
    )


@dataclass(frozen=True)
class Curves:
    """What is drawn besides the scores.

    Attributes
    ----------
    by_redshift, by_sn : list of dict
        See `components.evaluate.regression.redshift.score_by`.
    coverage : dict of str to ndarray
        `level` of central intervals, and the fraction of truths inside as `observed`, `low` and `high`.
    pit : dict
        `edges` and `counts` of the histogram.
    risk_coverage : dict
        See `components.evaluate.regression.redshift.risk_coverage`.
    line_confusion : LineConfusion
        Which line was taken for which.
    """

    by_redshift: Table
    by_sn: Table
    coverage: dict[str, Floats]
    pit: dict[str, list[float]]
    risk_coverage: dict[str, list[float]]
    line_confusion: LineConfusion

    def to_json(self) -> dict[str, Any]:
        """Return the entry of `metrics.json`."""
        confusion = dataclasses.asdict(self.line_confusion) | {"share": self.line_confusion.share}
        return {
            "by_redshift": [_row_to_json(row) for row in self.by_redshift],
            "by_sn": [_row_to_json(row) for row in self.by_sn],
            "coverage": {name: values.tolist() for name, values in self.coverage.items()},
            "pit": self.pit,
            "risk_coverage": self.risk_coverage,
            "line_confusion": confusion,
        }


def draw_curves(
    outcome: Outcome, observed_range_angstrom: tuple[float, float], resamples: int, seed: int
) -> Curves:
    """Compute what the report draws.

    Parameters
    ----------
    outcome : Outcome
        Predictions for the test set.
    observed_range_angstrom : tuple of float
        Wavelengths that the grid spans.
    resamples, seed : int
        Of the bootstrap.
    """
    c, predictions, groups = outcome.columns, outcome.predictions, outcome.groups
    counts, edges = np.histogram(c["pit"], bins=_PIT_BINS, range=(0, 1))

    def by(quantity: Floats, edges: Sequence[float]) -> Table:
        return redshift.score_by(quantity, edges, predictions, groups, resamples, seed)

    return Curves(
        by(c["truth"], redshift.REDSHIFT_EDGES),
        by(c["sn_median"], redshift.SN_EDGES),
        _coverage(predictions, groups, resamples, seed),
        {"edges": edges.tolist(), "counts": counts.tolist()},
        redshift.risk_coverage(c["sigma"], predictions),
        find_line_confusion(c["redshift"], c["truth"], observed_range_angstrom),
    )


def _coverage(predictions: Predictions, groups: npt.NDArray[Any], resamples: int, seed: int) -> dict[str, Floats]:
    """Fraction of truths inside central intervals of many levels, with its interval."""
    assert predictions.pit is not None
    inside = (np.abs(predictions.pit[:, None] - 0.5) <= _LEVELS / 2).astype(np.float64)
    drawn = [w @ inside / w.sum(axis=1, keepdims=True) for w in bootstrap_weights(groups, resamples, seed)]
    tail = (1 - scores.INTERVAL_LEVEL) / 2
    low, high = np.quantile(np.concatenate(drawn), [tail, 1 - tail], axis=0)
    return {"level": _LEVELS, "observed": inside.mean(axis=0), "low": low, "high": high}


def _row_to_json(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value.to_json() if isinstance(value, Score) else value for name, value in row.items()}
