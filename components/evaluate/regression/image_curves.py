"""What the report of redshifts of pictures draws besides the scores."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from components.common.scores import Floats
from components.evaluate.regression import photometric, redshift
from components.evaluate.regression.metrics import Table, count_pit, measure_coverage, row_to_json
from components.evaluate.regression.outcome import Outcome

_SMALL = 0.4
_BINS = 40


@dataclass(frozen=True)
class RedshiftCounts:
    """How many objects there are at each redshift.

    Attributes
    ----------
    edges : ndarray, shape (k + 1,)
        Of the bins.
    truth, points, stacked : ndarray, shape (k,)
        By catalogue, by predicted medians, and by the sum of the predicted distributions.
    """

    edges: Floats
    truth: Floats
    points: Floats
    stacked: Floats

    def misplaced(self, counts: Floats) -> float:
        """Share of the objects that would have to change bins to give the catalogue's counts."""
        return float(np.abs(counts - self.truth).sum() / (2 * max(self.truth.sum(), 1.0)))

    def to_json(self) -> dict[str, Any]:
        """Return the entry of `metrics.json`."""
        counts = {name: getattr(self, name).tolist() for name in ("edges", "truth", "points", "stacked")}
        return counts | {
            f"misplaced_{name}": self.misplaced(getattr(self, name)) for name in ("points", "stacked")
        }


@dataclass(frozen=True)
class Curves:
    """What is drawn besides the scores.

    Attributes
    ----------
    by : dict of str to list of dict
        Scores by column; see `components.evaluate.regression.redshift.score_by`. Empty where it is not known.
    coverage : dict of str to ndarray
        See `components.evaluate.regression.metrics.measure_coverage`.
    pit : dict
        `edges` and `counts` of the histogram.
    risk_coverage : dict
        See `components.evaluate.regression.redshift.risk_coverage`.
    redshifts : RedshiftCounts
        How n(z) is recovered.
    """

    by: dict[str, Table]
    coverage: dict[str, Floats]
    pit: dict[str, list[float]]
    risk_coverage: dict[str, list[float]]
    redshifts: RedshiftCounts

    def to_json(self) -> dict[str, Any]:
        """Return the entry of `metrics.json`."""
        return {
            **{f"by_{name}": [row_to_json(row) for row in rows] for name, rows in self.by.items()},
            "coverage": {name: values.tolist() for name, values in self.coverage.items()},
            "pit": self.pit,
            "risk_coverage": self.risk_coverage,
            "redshifts": self.redshifts.to_json(),
        }


FEATURES: dict[str, tuple[str, Sequence[float]]] = {
    "truth": ("redshift", photometric.REDSHIFT_EDGES),
    "m_r": ("dereddened magnitude in r", photometric.MAGNITUDE_EDGES),
    "axis_ratio": ("axis ratio", photometric.AXIS_RATIO_EDGES),
    "inclination_deg": ("inclination in degrees", photometric.INCLINATION_EDGES),
}
"""Columns by which scores are told: their names for a reader, and edges of bins."""


def draw_curves(outcome: Outcome, settings: Any, resamples: int, seed: int) -> Curves:
    """Compute what the report draws.

    Parameters
    ----------
    outcome : Outcome
        Predictions for the test set.
    settings : mapping
        Of the table; not needed.
    resamples, seed : int
        Of the bootstrap.
    """
    del settings
    c, predictions, groups = outcome.columns, outcome.predictions, outcome.groups
    by = {
        name: redshift.score_by(
            np.asarray(c[name], dtype=np.float64),
            edges,
            predictions,
            groups,
            resamples,
            seed,
            photometric.SCORES,
            photometric.TABLE_SCORES,
        )
        for name, (_, edges) in FEATURES.items()
    }
    return Curves(
        by,
        measure_coverage(predictions, groups, resamples, seed),
        count_pit(c["pit"]),
        redshift.risk_coverage(c["sigma"], predictions),
        count_redshifts(outcome),
    )


def count_redshifts(outcome: Outcome) -> RedshiftCounts:
    """Count objects by redshift, in bins that suit the sample."""
    truth, value = outcome.columns["truth"], outcome.columns["redshift"]
    highest = max(float(truth.max()), float(value.max()))
    edges = np.linspace(0.0, _SMALL if highest <= _SMALL else np.ceil(10 * highest) / 10, _BINS + 1)
    below = np.array([outcome.stacked.cdf(edge)[0] for edge in edges])
    own, points = (np.histogram(values, edges)[0].astype(np.float64) for values in (truth, value))
    return RedshiftCounts(edges, own, points, len(truth) * np.diff(below))
