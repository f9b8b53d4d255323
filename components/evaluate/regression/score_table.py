"""The table of scores, of the model and of everything beside it."""

from collections.abc import Sequence

import numpy as np

from components.common.report import Cell, Column, Section, format_interval, format_number
from components.common.scores import INTERVAL_LEVEL, Definition, Floats, Score
from components.evaluate.regression.metrics import Scored
from components.evaluate.regression.outcome import Outcome

_FRACTION = ".3f"
_VELOCITY = ",.0f"


def add_score_table(
    section: Section, caption: str, outcome: Outcome, scored: Scored, notes: str, form: str = _FRACTION
) -> None:
    """Add a table with one row a score, the model first, then the baselines."""
    section.table(
        caption,
        [
            Column("Score"),
            Column("Model", form),
            Column(f"{100 * INTERVAL_LEVEL:.0f}\u00a0% interval", form),
            *(Column(label[0].upper() + label[1:], form) for label in outcome.labels.values()),
        ],
        [_row(definition, scored, form) for definition in outcome.kind.scores],
        notes=notes + _one_sided(outcome, scored),
    )


def published_in_words(scored: Scored, outcome: Outcome, source: str, is_real: bool, form: str = _FRACTION) -> str:
    """Say what is published of the scores, and whether it may be compared."""
    figures = [
        f"{format_number(own.published, form)} for {definition.label}"
        for definition in outcome.kind.scores
        if (own := scored.model[definition.name]).published is not None
    ]
    comparable = "." if is_real else f"; not comparable, as the {outcome.kind.noun} here are not real."
    return f"Published: {', '.join(figures)} ({source}){comparable}" if figures else ""


def _one_sided(outcome: Outcome, scored: Scored) -> str:
    """Warn of intervals that do not hold their value: resamples of a distance are all farther away."""
    labels = [
        definition.label
        for definition in outcome.kind.scores
        if not (own := scored.model[definition.name]).low <= own.value <= own.high
    ]
    if not labels:
        return ""
    return f" The {' and the '.join(labels)} can only grow by resampling: the interval is none of the value."


def arrays(entries: Sequence[Score]) -> tuple[Floats, Floats, Floats]:
    """Return values, lower and upper ends of scores, each as an array."""
    value, low, high = np.array([(s.value, s.low, s.high) for s in entries]).reshape(-1, 3).T
    return value, low, high


def _row(definition: Definition, scored: Scored, fraction: str) -> list[Cell]:
    form = _VELOCITY if definition.unit == "km/s" else fraction
    own = scored.model[definition.name]
    others = [scored.baselines[name].get(definition.name) for name in scored.baselines]
    label = f"{definition.label}, {definition.unit}" if definition.unit else definition.label
    return [
        label,
        format_number(own.value, form),
        format_interval(own.low, own.high, form),
        *(format_number(other.value if other else None, form) for other in others),
    ]
