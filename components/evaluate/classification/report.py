"""The report of an evaluation of classes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from components.common.provenance import Provenance
from components.common.report import Cell, Column, Headline, Report, Section, format_interval, format_number
from components.common.scores import INTERVAL_LEVEL, Score
from components.common.scores_classification import COMPLETENESS, FALSE_POSITIVE_RATES, SCORES
from components.common.wording import grouped
from components.evaluate.classification.class_diagrams import (
    draw_precision_recall_of_each,
    draw_reliability_of_each,
    draw_roc_of_each,
)
from components.evaluate.classification.diagrams import (
    draw_confusion,
    draw_precision_recall,
    draw_reliability,
    draw_roc,
)
from components.evaluate.classification.kinds import External, Kind
from components.evaluate.classification.metrics import BINNED, Curves, Scored
from components.evaluate.classification.outcome import Outcome
from components.evaluate.regression.diagrams import draw_comparison, sentence
from components.evaluate.regression.score_table import arrays
from components.evaluate.regression.sections import Shown, add_by_feature
from components.evaluate.training_section import add_training

_MOST_WRONG = 60
_FEW = 5
_FRACTION = ".3f"


@dataclass(frozen=True)
class Evaluation:
    """Everything that the report tells; see `components.evaluate.classification.evaluation`.

    `rows` are those of each split, `draw` is the number of resamples and their seed.
    """

    title: str
    slug: str
    headline: str
    provenance: Provenance
    kind: Kind
    labels: Mapping[str, str]
    outcome: Outcome
    scored: Scored
    extra: Mapping[str, Score]
    curves: Curves
    history: Sequence[Mapping[str, Any]]
    rows: Mapping[str, int]
    draw: tuple[int, int]
    findings: Any
    external: External | None
    external_scored: Scored | None

    @property
    def positive(self) -> str:
        """Class that is looked for."""
        return self.outcome.classes[self.outcome.positive]


def write_report(path: Path, e: Evaluation) -> None:
    """Write the report as one HTML file."""
    best = {**e.scored.model, **e.extra}[e.headline]
    definition = next((d for d in SCORES if d.name == e.headline), None)
    count = f"{len(e.outcome):,}".replace(",", "\u202f")
    report = Report(
        e.title,
        e.slug,
        e.provenance,
        headline=Headline(
            f"{definition.label if definition else e.headline} of {count} test {e.kind.noun}",
            best.value,
            best.low,
            best.high,
            best.baseline,
            form=_FRACTION,
            level=INTERVAL_LEVEL,
            higher_is_better=definition is None or definition.direction == "higher",
        ),
        lead=f"{e.kind.method} gives each of the {e.kind.noun} the probabilities of the classes "
        f"{_listed(e.outcome.classes)}. All numbers are of objects that it never saw; intervals come from "
        "resampling what belongs together.",
    )
    _add_scores(report.section("Scores"), e)
    if e.external is not None and e.external_scored is not None:
        section = report.section(_outside(e.kind.noun, e.external), e.external.provenance)
        _add_external(section, e, e.external, e.external_scored)
    _add_curves(report.section("Which is taken for which"), e)
    _add_features(report.section("Where it errs"), e)
    e.kind.add_sections(report, e)
    if e.history:
        add_training(report.section("Training"), e.history, "Negative log-likelihood", e.rows, e.kind.noun)
    report.write(path)


def add_score_table(section: Section, caption: str, scored: Scored, labels: Mapping[str, str], notes: str) -> None:
    """Add a table with one row a score, the model first, then the baselines that there are."""
    labels = {name: label for name, label in labels.items() if name in scored.baselines}
    section.table(
        caption,
        [
            Column("Score"),
            Column("Model", _FRACTION),
            Column(f"{100 * INTERVAL_LEVEL:.0f}\u00a0% interval", _FRACTION),
            *(Column(label[0].upper() + label[1:], _FRACTION) for label in labels.values()),
        ],
        [
            [
                definition.label,
                format_number(scored.model[definition.name].value, _FRACTION),
                format_interval(scored.model[definition.name].low, scored.model[definition.name].high, _FRACTION),
                *(format_number(scored.baselines[name][definition.name].value, _FRACTION) for name in labels),
            ]
            for definition in SCORES
        ],
        notes=notes,
    )


def _add_scores(section: Section, e: Evaluation) -> None:
    add_score_table(
        section,
        "The model beside simpler methods, on the same objects.",
        e.scored,
        e.labels,
        "Curves and purity are of "
        + (f"the class {e.positive}" if len(e.outcome.classes) == 2 else "each class against the rest")
        + ". The first method knows only how frequent the classes are; all were fitted to the same training data."
        + _rates_in_objects(e.outcome),
    )
    if e.extra and e.kind.extra_notes:
        rows: list[list[Cell]] = [
            [spelt(name), s.value, format_interval(s.low, s.high, _FRACTION)] for name, s in e.extra.items()
        ]
        columns = [
            Column("Score"),
            Column("Model", _FRACTION),
            Column(f"{INTERVAL_LEVEL:.0%} interval", _FRACTION),
        ]
        section.table("Further scores of the model.", columns, rows, notes=e.kind.extra_notes)
    section.figure(_draw_comparison(e.scored, e.labels, e.headline))


def _rates_in_objects(outcome: Outcome) -> str:
    """Say where a false-positive rate is hardly an object: a score there rests on one or two of them."""
    others = int((outcome.truth != outcome.positive).sum())
    few = [rate for rate in FALSE_POSITIVE_RATES if rate * others < _FEW]
    if len(outcome.classes) > 2 or not few:
        return ""
    return (
        f" Of the {grouped(others)} others a false-positive rate of {max(few):g} is {max(few) * others:.2g}: what "
        "is found there hangs on single objects."
    )


def spelt(name: str) -> str:
    """Spell the name of a score for a reader."""
    words = {"auc": "AUC", "f1": "F1", "roc": "ROC", "shap": "SHAP", "snr": "S/N"}
    return " ".join(words.get(word, word) for word in name.split("_"))


def _draw_comparison(scored: Scored, labels: Mapping[str, str], headline: str) -> Any:
    definition = next((d for d in SCORES if d.name == headline), SCORES[0])
    there = {name: label for name, label in labels.items() if name in scored.baselines}
    entries = [scored.model[definition.name], *(scored.baselines[name][definition.name] for name in there)]
    percent = definition.name == SCORES[0].name
    return draw_comparison(["model", *there.values()], *arrays(entries), score=definition.label, percent=percent)


def _outside(noun: str, external: External) -> str:
    return f"Real {noun}" if external.provenance.origin == "real" else f"{noun[:1].upper()}{noun[1:]} from outside"


def _add_external(section: Section, e: Evaluation, external: External, scored: Scored) -> None:
    outcome = external.outcome
    right = int(outcome.predictions.right.sum())
    counts = np.bincount(outcome.truth, minlength=len(outcome.classes))
    members = ", ".join(f"{count} {name}" for name, count in zip(outcome.classes, counts, strict=True))
    section.text(
        f"{right} of {len(outcome)} are right ({members}). Model and simpler methods were fitted to the training "
        "data above and never saw these. The interval of the balanced accuracy is that of a few objects: each "
        "class's recall has the beta distribution of its counts."
    )
    notes = (
        "An interval without width says that no resample of these few differs, not that nothing else is possible."
        + _rates_in_objects(outcome)
    )
    caption = f"Scores. {_outside(e.kind.noun, external)}."
    add_score_table(section, caption, scored, e.labels, notes)
    section.figures([_draw_comparison(scored, e.labels, e.headline)])
    wrong = np.flatnonzero(outcome.predictions.right == 0)
    shown = wrong[np.argsort(-outcome.probability[wrong].max(axis=1), kind="stable")][:_MOST_WRONG]
    if not wrong.size:
        section.text("Not one is wrong.")
        return
    section.table(
        "Every one that is wrong."
        if len(shown) == len(wrong)
        else f"The surest {len(shown)} of {len(wrong)} wrong.",
        [
            Column("Object"),
            Column("Catalogue"),
            Column("Model"),
            Column("Probability", _FRACTION),
            Column("Warnings"),
        ],
        [
            [
                str(outcome.columns["id"][row]),
                outcome.classes[outcome.truth[row]],
                outcome.classes[outcome.predictions.predicted[row]],
                float(outcome.probability[row].max()),
                external.notes[row] or "none",
            ]
            for row in shown
        ],
        notes="Warnings are those that the predict command gives. Look the objects up: catalogues err too.",
    )


def _add_curves(section: Section, e: Evaluation) -> None:
    confusion = draw_confusion(e.curves.confusion, e.outcome.classes)
    if e.curves.each:
        each = e.curves.each
        section.figures(
            [
                confusion,
                draw_roc_of_each(each),
                draw_precision_recall_of_each(each),
                draw_reliability_of_each(each),
            ]
        )
        _add_class_table(section, e)
        return
    names = {"model": "model", **e.labels}
    roc = {names[name]: curve for name, curve in e.curves.roc.items()}
    purity = {names[name]: curve for name, curve in e.curves.precision_recall.items()}
    section.figures(
        [
            confusion,
            draw_roc(roc, e.positive),
            draw_precision_recall(
                purity, e.positive, COMPLETENESS, float((e.outcome.truth == e.outcome.positive).mean())
            ),
            draw_reliability(e.curves.reliability, e.positive),
        ]
    )


def _add_class_table(section: Section, e: Evaluation) -> None:
    columns = ("recall", "precision", "F1", "area under the ROC curve", "average precision")
    section.table(
        "Each class against the rest.",
        [
            Column("Class"),
            Column("Objects", ",.0f"),
            *(Column(name[0].upper() + name[1:], _FRACTION) for name in columns),
        ],
        [
            [name, of.count, of.recall, of.precision, of.f1, of.area, of.average_precision]
            for name, of in e.curves.each.items()
        ],
        notes="Recall, precision and F1 are of the most probable class; the others look at all thresholds.",
    )


def _add_features(section: Section, e: Evaluation) -> None:
    for feature in e.kind.features:
        rows = e.curves.by[feature.column]
        shown = [
            Shown(d.name, sentence(d.label), _FRACTION, d.label if d.name == feature.score else "", percent=True)
            for d in BINNED
        ]
        if any(feature.score in row for row in rows):
            note = "A dash stands where a class is missing from a bin. Scores that no bin has are left out."
            add_by_feature(section, rows, feature.label, "objects", shown, note)


def _listed(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}"
