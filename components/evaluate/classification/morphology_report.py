"""Sections that only the report on galaxies has."""

from collections import defaultdict

import numpy as np

from components.common.report import Cell, Column, Report, Section
from components.evaluate.classification.explanation import INTERACTION_ROWS, REPEATS, Explanation
from components.evaluate.classification.morphology_baselines import NAMES
from components.evaluate.classification.morphology_ceiling import BAYES
from components.evaluate.classification.morphology_diagrams import (
    draw_dependence,
    draw_group_importance,
    draw_interaction,
    draw_swarm,
)
from components.evaluate.classification.morphology_findings import Findings
from components.evaluate.classification.morphology_names import short
from components.evaluate.classification.morphology_relations import add_relations
from components.evaluate.classification.report import Evaluation

_DEPENDENCE = 4
_DISAGREED, _AGREED = 0.5, 0.8
_NAMED = 6


def add_sections(report: Report, e: Evaluation) -> None:
    """Add what the classifier may see and rests on, what it was chosen from, and how the classes differ."""
    findings: Findings = e.findings
    section = report.section("How near to what can be known")
    if BAYES in e.outcome.baselines:
        _add_ceiling(section, e)
    _add_agreement(section, e)
    _add_choice(report.section("What it was chosen from"), findings)
    if findings.columns:
        _add_columns(report.section("What it may see"), findings)
    _add_importance(report.section("What the trees rest on"), e, findings.explanation)
    _add_features(report.section("Feature by feature"), findings.explanation)
    add_relations(report.section("How the classes differ"), e.outcome)


def _add_ceiling(section: Section, e: Evaluation) -> None:
    below, ceiling = e.extra["macro_f1_below_ceiling"], e.extra["macro_f1_ceiling"]
    section.text(
        "Galaxies that measure alike may be of different classes, because volunteers disagree and because bars "
        "do not show in photometry. The simulator knows with which probabilities; who always names the most "
        f"probable class reaches a mean F1 of {ceiling.value:.3f} ({ceiling.low:.3f} to {ceiling.high:.3f}) on "
        f"these galaxies. The model is below that by {below.value:.3f} ({below.low:.3f} to {below.high:.3f}, on "
        "the same resamples). No model of these features can be better than the rule in the long run; on a few "
        "thousand galaxies it may, and the rule is the best in accuracy, which is not quite the best in F1."
    )


def _add_agreement(section: Section, e: Evaluation) -> None:
    votes = np.asarray(e.outcome.columns.get("agreement", np.full(len(e.outcome), np.nan)), dtype=np.float64)
    right = e.outcome.predictions.right
    low, high = votes < _DISAGREED, votes >= _AGREED
    if not (low.any() and high.any()):
        section.text("How far the volunteers agreed is not known of these galaxies.")
        return
    section.text(
        "The agreement of the votes is the other ceiling, and the one that real galaxies have: where volunteers "
        f"disagree no class is right. Of the {int(high.sum())} galaxies on which at least {_AGREED:.0%} of the "
        f"votes agree the model has {100 * right[high].mean():.1f}\u202f% right, of the {int(low.sum())} on which "
        f"fewer than {_DISAGREED:.0%} do {100 * right[low].mean():.1f}\u202f%."
    )


def _add_choice(section: Section, findings: Findings) -> None:
    record = findings.record
    budget, kinds = record["budget"], record["kinds"]
    chosen, best = record["chosen"], record["best"]
    gain = kinds["boosting"]["log_loss"] - kinds[best]["log_loss"]
    if best == "boosting":
        why = "none of the others is better by more than the standard error of the difference"
    else:
        why = f"the {NAMES[best]} is better than boosted trees by {gain:.4f} in log loss, more than its error"
        why += (
            "" if chosen == best else "; choice=best would take it, but trees can be explained feature by feature"
        )
    section.text(
        f"The model is the {NAMES[chosen]}. On validation galaxies {why}. Hyperparameters were tuned by "
        f"cross-validation with {budget['folds']} folds of {budget['rows']} training galaxies; rows of one galaxy "
        "were in one fold. Classes weigh "
        + ("the same" if record["settings"]["class_weight"] == "balanced" else "as much as they have galaxies")
        + " in training, and a temperature and an offset for each class, learnt from validation galaxies, make "
        "the scores probabilities again. Trees treat missing values as they are; the others see the median of the "
        "training rows and a mark."
    )
    section.table(
        "Validation galaxies, after calibration.",
        [
            Column("Classifier"),
            Column("Log loss", ".4f"),
            Column("F1, mean of the classes", ".3f"),
            Column("Accuracy", ".3f"),
            Column("Fit, s", ".1f"),
            Column("Chosen parameters"),
        ],
        [
            [
                NAMES[kind],
                own["log_loss"],
                own["macro_f1"],
                own["accuracy"],
                own["fit_seconds"],
                ", ".join(f"{name} {value:g}" for name, value in own["parameters"].items()).replace("_", " "),
            ]
            for kind, own in kinds.items()
        ],
        strong=[list(kinds).index(chosen)],
    )


def _add_columns(section: Section, findings: Findings) -> None:
    kept = [entry for entry in findings.columns if entry["kept"]]
    reasons: dict[str, list[str]] = defaultdict(list)
    for entry in findings.columns:
        if not entry["kept"]:
            reasons[entry["reason"]].append(entry["name"])
    missing = [entry for entry in kept if entry.get("missing")]
    section.text(
        f"Of {len(findings.columns)} columns {len(kept)} are features of the task "
        f"{findings.settings.get('task')}: {_some([entry['name'] for entry in kept])}. "
        + (
            "Missing values stay missing: "
            + ", ".join(f"{entry['name']} in {100 * entry['missing']:.1f}\u202f%" for entry in missing[:_NAMED])
            + "."
            if missing
            else "None of them has a missing value."
        )
    )
    rows: list[list[Cell]] = [[reason, len(names), _some(names)] for reason, names in reasons.items()]
    section.table(
        "What was left out, and why.", [Column("Reason"), Column("Columns", ",.0f"), Column("Such as")], rows
    )


def _add_importance(section: Section, e: Evaluation, found: Explanation) -> None:
    labels = [_group_label(found, number) for number in range(len(found.groups))]
    explained = (
        ""
        if e.findings.record["chosen"] == found.kind
        else f" They are those of the {NAMES[found.kind]}, which can be explained exactly, not of the model above."
    )
    section.text(
        f"SHAP values divide the score of each class among the features, for {len(found.rows)} test galaxies."
        f"{explained} Features that go together (rank correlation) count as one group: their values are added "
        f"up, and they are shuffled together, {REPEATS} times, for the rise of the log loss. Neither says what "
        "causes what."
    )
    if found.agreement:
        agreement = found.agreement
        section.text(
            f"The two orders of the groups agree with a rank correlation of {agreement.value:.2f} "
            f"({agreement.low:.2f} to {agreement.high:.2f}), of those that matter to either at all."
        )
    if e.provenance.origin == "simulated":
        section.text(
            "These galaxies are simulated: what is important here was written into the simulator, and is no "
            "finding about galaxies."
        )
    section.figure(draw_group_importance(found, labels))
    order = np.argsort(-found.group_shap, kind="stable")
    section.table(
        "Importance of the groups.",
        [Column("Group"), Column("Mean |SHAP|", ".3f"), Column("Rise of the log loss", ".4f")],
        [[labels[k], float(found.group_shap[k]), float(found.group_permutation[k])] for k in order],
    )


def _add_features(section: Section, found: Explanation) -> None:
    section.text(
        "Swarms, a figure for each class; then the features that matter most, each for the class to which it "
        f"matters most; then the two features that interact most, on {min(INTERACTION_ROWS, len(found.rows))} "
        "galaxies."
    )
    section.figures([draw_swarm(found, index) for index in range(len(found.classes))])
    strongest = np.argsort(-found.by_class.sum(axis=1), kind="stable")[:_DEPENDENCE]
    section.figures([draw_dependence(found, int(k), int(found.by_class[k].argmax())) for k in strongest])
    if found.pair is not None and len(found.interaction):
        section.figure(draw_interaction(found, found.pair))


def _group_label(found: Explanation, number: int) -> str:
    name = found.groups[number]
    others = [found.features[k] for k in found.members[number] if found.features[k] != name]
    if len(others) == 1:
        return f"{short(name)} and {short(others[0])}"
    return short(name) + (f" and {len(others)} more" if others else "")


def _some(names: list[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")
