"""The page that explains a decision, readable in the Kubeflow UI and from a disk."""

from collections.abc import Mapping
from typing import Any

from components.common.provenance import Provenance
from components.common.report import Cell, Column, Report, format_interval, format_number
from components.promote.champion.decision import Decision

_TITLES = {
    "first model": "The first champion",
    "better": "A new champion",
    "not better": "The champion stays",
    "other origin": "The champion stays",
    "not compared": "The champion stays: not compared",
    "no candidate": "A check, and no candidate",
    "champion already": "The champion already",
    "no store": "Nothing decided: no object store",
}
_RULE = (
    "A new model becomes the champion only if the 95\u00a0% interval of its improvement lies above zero, on test "
    "objects that neither model has learnt from. Both are given the same objects, and the same resamples of them: "
    "a bootstrap in pairs, by object on the sky or whatever else was split as a whole. An improvement is positive "
    "whether the score should be high, low or near a value.\n\n"
    "A model tested on simulated data never displaces one tested on real data, and one that was made as a check "
    "of the machinery displaces none. The pointer moves only if nobody moved it since the comparison; otherwise "
    "the comparison is repeated with the new champion."
)


def build_page(decision: Decision, provenance: Provenance) -> Report:
    """Arrange a decision as a report.

    Parameters
    ----------
    decision : Decision
        What was decided.
    provenance : Provenance
        Of the data that the challenger was tested on: its origin is the first line of the page.
    """
    report = Report(_TITLES[decision.outcome], decision.slug, provenance, lead=_lead(decision))
    _add_models(report, decision)
    if decision.comparison:
        _add_comparison(report, decision)
    if any(decision.left_out.values()):
        section = report.section("Left out of the comparison")
        section.table(
            "Test objects of this run that count for neither model",
            [Column("Reason"), Column("Rows", ",.0f")],
            [[reason[0].upper() + reason[1:], count] for reason, count in decision.left_out.items()],
        )
    report.section("How it is decided").text(_RULE)
    return report


def _lead(decision: Decision) -> str:
    end = f"{decision.reason[0].upper()}{decision.reason[1:]}."
    if not decision.champion:
        return f"No champion was chosen. {end}"
    verb = "is now" if decision.promoted else "is" if decision.outcome == "champion already" else "stays"
    return f"{decision.champion} {verb} the champion of {decision.slug}. {end}"


def _add_models(report: Report, decision: Decision) -> None:
    rows: list[list[Cell]] = []
    if decision.before is not None and decision.outcome != "champion already":
        before = decision.before
        rows.append(["Champion so far", before.version, before.origin, before.run or None, *_own(before.headline)])
    facts = decision.facts
    version = decision.challenger.version if decision.challenger else None
    rows.append(["This model", version, facts.origin, facts.run or None, *_own(facts.headline)])
    report.section("The models").table(
        "Each with its own score, on its own test objects: these are not to be compared",
        [
            Column("Model"),
            Column("Version"),
            Column("Tested on data"),
            Column("Run"),
            Column(str(facts.headline.get("name", "Score")), numeric=True),
            Column("95\u00a0% interval", numeric=True),
        ],
        rows,
    )


def _own(headline: Mapping[str, Any]) -> list[Cell]:
    return [
        format_number(headline.get("value"), ".3g"),
        format_interval(headline.get("low"), headline.get("high"), ".3g"),
    ]


def _add_comparison(report: Report, decision: Decision) -> None:
    found = decision.comparison
    assert found is not None
    assert decision.before is not None
    assert decision.challenger is not None
    unit = f", {found.score.unit}" if found.score.unit else ""
    aim = {"higher": "higher is better", "lower": "lower is better", "target": f"to be near {found.score.target}"}
    section = report.section("On the same objects")
    section.table(
        f"{found.score.label}{unit} ({aim[found.score.direction]}), "
        f"on {found.objects} rows of {found.groups} objects",
        [Column(""), Column("Score", numeric=True), Column("95\u00a0% interval", numeric=True)],
        [
            [f"Champion {decision.before.version}", *_own(found.champion.to_json())],
            [f"Challenger {decision.challenger.version}", *_own(found.challenger.to_json())],
            ["Improvement", *_own(found.difference)],
        ],
        notes="The interval of the improvement is narrower than those of the scores suggest, for what is hard for "
        "one model is hard for the other.",
        strong={2},
    )
