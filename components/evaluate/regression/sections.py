"""Sections that the reports of all redshifts have: scores by a feature, and how far to trust uncertainties."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from components.common.figures import Figure
from components.common.report import Cell, Column, Section, format_interval
from components.common.scores import INTERVAL_LEVEL
from components.evaluate.regression.calibration_diagrams import draw_coverage, draw_pit, draw_risk_coverage
from components.evaluate.regression.diagrams import draw_score_by_feature, sentence
from components.evaluate.regression.metrics import Table
from components.evaluate.regression.outcome import Outcome
from components.evaluate.regression.score_table import arrays


@dataclass(frozen=True)
class Shown:
    """A score that is told by features.

    Attributes
    ----------
    score : str
        Its name.
    label : str
        For a reader, with its unit.
    form : str
        How its numbers are written.
    drawn : str
        Label of its diagram, "" for none.
    percent : bool
        Whether the diagram gives it in percent.
    interval : bool
        Whether the table has a column for its interval.
    """

    score: str
    label: str
    form: str
    drawn: str = ""
    percent: bool = False
    interval: bool = False


def add_by_feature(
    section: Section, rows: Table, feature: str, objects: str, shown: Sequence[Shown], notes: str = ""
) -> None:
    """Draw scores by a feature, and list them.

    Parameters
    ----------
    section : Section
        Where to.
    rows : list of dict
        A bin each: `low`, `high` (None where it is open), `count`, and the scores by name. A bin may lack a
        score; what all of them lack is left out.
    feature, objects : str
        What the bins are of, and what is counted in them.
    shown : sequence of Shown
        The scores, in the order of the columns.
    notes : str
        Below the table.
    """
    shown = [one for one in shown if any(one.score in row for row in rows)]
    section.figures([_draw(rows, feature, one) for one in shown if one.drawn])
    columns = [column for one in shown for column in _columns(one)]
    section.table(
        f"Scores by {feature}.",
        [Column(sentence(feature)), Column(sentence(objects), ",.0f"), *columns],
        [_cells(row, shown) for row in rows],
        notes=notes,
    )


def _draw(rows: Table, feature: str, one: Shown) -> Figure:
    rows = [row for row in rows if one.score in row]
    low, high = (np.array([np.inf if row[end] is None else row[end] for row in rows]) for end in ("low", "high"))
    return draw_score_by_feature(
        low,
        high,
        *arrays([row[one.score] for row in rows]),
        np.array([row["count"] for row in rows], dtype=np.float64),
        score=one.drawn,
        feature=feature,
        percent=one.percent,
    )


def _columns(one: Shown) -> list[Column]:
    interval = [Column(f"{INTERVAL_LEVEL:.0%} interval", one.form)] if one.interval else []
    return [Column(one.label, one.form), *interval]


def _cells(row: Mapping[str, Any], shown: Sequence[Shown]) -> list[Cell]:
    cells: list[Cell] = [f"from {row['low']:g}" if row["high"] is None else f"{row['low']:g} to {row['high']:g}"]
    cells.append(row["count"])
    for one in shown:
        score = row.get(one.score)
        cells.append(score.value if score else None)
        if one.interval:
            cells.append(format_interval(score.low, score.high, one.form) if score else None)
    return cells


def add_uncertainty(
    section: Section, outcome: Outcome, coverage: Mapping[str, Any], risk: Mapping[str, Any], risk_name: str
) -> None:
    """Draw coverage and PIT, and what is gained by leaving out the least certain.

    Parameters
    ----------
    section : Section
        Where to.
    outcome : Outcome
        Whose predictions.
    coverage, risk : mapping
        See `metrics.measure_coverage` and `redshift.risk_coverage`.
    risk_name : str
        What becomes rarer by leaving out.
    """
    section.figures(
        [
            draw_coverage(coverage["level"], coverage["observed"], coverage["low"], coverage["high"]),
            draw_pit(outcome.columns["pit"]),
            draw_risk_coverage(
                np.array(risk["kept"]), np.array(risk["catastrophic_fraction"]), risk_name=risk_name
            ),
        ]
    )
