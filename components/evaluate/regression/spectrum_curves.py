"""What the report of redshifts of spectra draws besides the scores."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from components.common.scores import Floats
from components.evaluate.regression import redshift
from components.evaluate.regression.line_confusion import LineConfusion, find_line_confusion
from components.evaluate.regression.metrics import Table, count_pit, measure_coverage, row_to_json
from components.evaluate.regression.outcome import Outcome


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
            "by_redshift": [row_to_json(row) for row in self.by_redshift],
            "by_sn": [row_to_json(row) for row in self.by_sn],
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

    def by(quantity: Floats, edges: Sequence[float]) -> Table:
        return redshift.score_by(quantity, edges, predictions, groups, resamples, seed)

    return Curves(
        by(c["truth"], redshift.REDSHIFT_EDGES),
        by(c["sn_median"], redshift.SN_EDGES),
        measure_coverage(predictions, groups, resamples, seed),
        count_pit(c["pit"]),
        redshift.risk_coverage(c["sigma"], predictions),
        find_line_confusion(c["redshift"], c["truth"], observed_range_angstrom),
    )
