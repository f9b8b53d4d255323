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
    """Add a table with one row a score, the model first, then the baselines and the published figure."""
    section.table(
        caption,
        [
            Column("Score"),
            Column("Model", form),
            Column(f"{100 * INTERVAL_LEVEL:.0f}\u00a0% interval", form),
            *(Column(label[0].upper() + label[1:], form) for label in outcome.labels.values()),
            Column("Published", form),
        ],
        [_row(definition, scored, form) for definition in outcome.kind.scores],
        notes=notes,
    )


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
        format_number(own.published, form),
    ]
