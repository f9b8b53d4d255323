"""Targets that not every spectrum has, each with models of its own: how well they are predicted."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from components.common import scores
from components.common.distributions import ONE_SIGMA
from components.common.report import Column, Section, format_interval
from components.common.scores import Definition, Predictions, Score, score, to_json
from components.common.tables import Columns, read_batches, read_table
from components.common.wording import counted
from components.evaluate.model_comparison.contest import spelt
from components.evaluate.regression.constant import score_constant
from components.evaluate.regression.diagrams import draw_predicted_and_true
from components.train.regressors.features import COLUMNS, group_column
from components.train.regressors.inference import RegressorModel
from components.train.regressors.several import best_further

_NAMES = {
    "velocity_dispersion": ("velocity dispersion", "km/s", ".1f"),
    "stellar_mass": ("stellar mass", "dex", ".3f"),
}
_FEWEST = 10


@dataclass(frozen=True)
class Further:
    """One target.

    Attributes
    ----------
    target : str
        Name of its column.
    truth : ndarray, shape (n,)
        Labels of the test rows that have one.
    names : list of str
        Models.
    predicted : list of ndarray, shape (n,)
        What each says.
    scored : list of dict of str to Score
        How well.
    chosen : int
        The model that was best on validation rows.
    constant : dict of str to Score
        The best constants.
    """

    target: str
    truth: scores.Floats
    names: list[str]
    predicted: list[scores.Floats]
    scored: list[dict[str, Score]]
    chosen: int
    constant: dict[str, Score]

    def to_json(self) -> dict[str, Any]:
        """Return what `metrics.json` holds."""
        return {
            "rows": len(self.truth),
            "best": self.names[self.chosen],
            "models": {name: to_json(found) for name, found in zip(self.names, self.scored, strict=True)},
            "constant": to_json(self.constant),
        }


def judge_further(table: Path, models: Sequence[RegressorModel], resamples: int, seed: int) -> tuple[Further, ...]:
    """Judge models of further targets on the test rows that have them; a target with hardly a row is left out."""
    found = []
    for target in dict.fromkeys(model.targets[0] for model in models):
        own = [model for model in models if model.targets[0] == target]
        known = int(np.isfinite(read_table(table, [target], "test")[target]).sum())
        if known >= _FEWEST:
            training = read_table(table, [target], "train")[target]
            found.append(_judge(target, own, _known_rows(table, target), training, resamples, seed))
    return tuple(found)


def add_further(section: Section, further: Sequence[Further]) -> None:
    """Add a table and a picture for each target."""
    section.text(
        "Not every spectrum has these labels, so that each has models of its own, of every kind but the network. "
        "Beside them stands the best constant: where none does better, none of them found the answer in "
        "spectra of this noise and binning."
    )
    for one in further:
        name, unit, form = _NAMES[one.target]
        section.table(
            f"The {name} of {counted(len(one.truth), 'test spectrum', 'test spectra')}.",
            [
                Column("Model"),
                Column(f"rms, {unit}", form),
                Column("95\u00a0% interval", form),
                Column("Median error", form),
                Column("R²", ".3f"),
                Column("In 68\u00a0%", ".3f"),
            ],
            [
                _row(spelt(n), found, form)
                for n, found in zip([*one.names, "constant"], [*one.scored, one.constant], strict=True)
            ],
            strong=[one.chosen],
            notes="The model in bold was chosen on validation rows. The last column is good at 0.683.",
        )
        best = one.predicted[one.chosen]
        section.figure(
            draw_predicted_and_true(
                one.truth, best, best - one.truth, quantity=f"{name}, {unit}", residual_name=f"error, {unit}"
            )
        )


def _row(name: str, found: dict[str, Score], form: str) -> list[Any]:
    rms, coverage = found["rms"], found.get("coverage_68")
    interval = format_interval(rms.low, rms.high, form)
    return [
        name,
        rms.value,
        interval,
        found["bias"].value,
        found["r2"].value,
        coverage.value if coverage else None,
    ]


def _definitions(unit: str) -> tuple[Definition, ...]:
    return (
        Definition("rms", "root mean square error", unit, "lower", lambda p, w: scores.rmse(p.value - p.truth, w)),
        Definition("bias", "median error", unit, "target", lambda p, w: scores.bias(p.value - p.truth, w), 0.0),
        Definition("r2", "R^2", "", "higher", lambda p, w: scores.r2(p.truth, p.value, w)),
        Definition(
            "coverage_68", "inside the 68\u00a0% interval", "", "target", scores.coverage, ONE_SIGMA,
            needs_distribution=True, is_fraction=True,
        ),
    )  # fmt: skip


def _judge(
    target: str,
    models: Sequence[RegressorModel],
    batches: Iterable[Columns],
    training: scores.Floats,
    resamples: int,
    seed: int,
) -> Further:
    definitions = _definitions(_NAMES[target][1])
    truths, members = [], []
    parts: list[list[Predictions]] = [[] for _ in models]
    for rows in batches:
        truths.append(rows[target])
        members.append(rows["group"])
        for part, model in zip(parts, models, strict=True):
            answer = model.predict(rows, rows[target][:, None])[target]
            assert answer.pit is not None
            assert answer.crps is not None
            part.append(Predictions(rows[target], answer.value, answer.pit, answer.crps))
    truth, groups = np.concatenate(truths), np.concatenate(members)
    every = [_joined(part) for part in parts]
    predicted = [one.value for one in every]
    scored = [score(definitions, one, groups, resamples, seed) for one in every]
    names = [model.name for model in models]
    best = best_further({model.name: model.record for model in models})
    constant = score_constant(definitions[:3], training[np.isfinite(training)], truth, groups, resamples, seed)
    return Further(target, truth, names, predicted, scored, names.index(best), constant)


def _joined(parts: Sequence[Predictions]) -> Predictions:
    names = ("truth", "value", "pit", "crps")
    return Predictions(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def _known_rows(table: Path, target: str) -> Iterator[Columns]:
    """Stream the test rows with a label, their groups under one name."""
    groups = group_column(table)
    for batch in read_batches(table, [*COLUMNS, target, groups], "test"):
        known = np.isfinite(batch[target])
        if known.any():
            rows = {name: values[known] for name, values in batch.items()}
            yield {**rows, "group": rows[groups]}
