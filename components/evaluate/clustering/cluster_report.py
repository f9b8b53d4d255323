"""The report of an evaluation of clusters."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from components.common.clustering_scores import SCORES
from components.common.report import Column, Headline, Report, Section, format_interval, format_number
from components.evaluate.clustering.comparison import NAMES, MethodScores, explain
from components.evaluate.clustering.naming import name_of
from components.evaluate.clustering.sky_diagrams import draw_parallaxes, draw_sky, draw_vector_points, label_of
from components.evaluate.clustering.star_diagrams import (
    draw_colour_magnitude,
    draw_hertzsprung_russell,
    draw_spectral_types,
)
from components.evaluate.clustering.trust_diagrams import draw_choice, draw_reliability

if TYPE_CHECKING:
    from components.evaluate.clustering.evaluation import Outcome
    from components.evaluate.clustering.external import External

_DRAWN = 6
_CANDIDATES_LISTED = 20


def write_report(path: Path, outcome: "Outcome", title: str, slug: str) -> None:
    """Write the report as one HTML file."""
    scene = outcome.scene
    report = Report(title, slug, scene.provenance, headline=_headline(outcome), lead=_lead(outcome))
    _add_found(report.section("What was found"), outcome)
    if outcome.matched:
        _add_scores(report.section("Scores"), outcome)
    pictures = report.section("Where it is")
    pictures.figures([draw_sky(scene, outcome.names), draw_vector_points(scene, outcome.names)])
    pictures.figures([draw_parallaxes(scene, outcome.names)])
    stars = report.section("What it is made of")
    shown = range(min(len(scene.facts), _DRAWN))
    stars.figures([draw_colour_magnitude(scene, outcome.names, k) for k in shown])
    stars.figures([draw_spectral_types(scene, outcome.names), draw_hertzsprung_russell(scene, outcome.names)])
    _add_proof(report.section("Is it real?"), outcome)
    if outcome.external is not None:
        _add_external(report.section("Real stars", outcome.external.provenance), outcome.external)
    _add_methods(report.section("Four methods"), outcome)
    report.write(path)


def _headline(outcome: "Outcome") -> Headline | None:
    score = outcome.scores.get("f1")
    if score is None:
        return None
    return Headline(
        f"F1 of the worst of {len(outcome.matched)} true clusters",
        score.value,
        score.low,
        score.high,
        score.baseline,
        form=".3f",
    )


def _lead(outcome: "Outcome") -> str:
    scene = outcome.scene
    count = len(scene.facts)
    what = {0: "No cluster was found", 1: "One cluster was found"}.get(count, f"{count} clusters were found")
    known = [name for name in outcome.names if name]
    named = f" Known ones among them: {', '.join(known)}." if known else ""
    truth = (
        "What is known of the clusters was kept from the search and is compared with it here."
        if outcome.matched
        else "Nothing is known of clusters here, so that what counts is whether they are found again, and whether "
        "the same search finds any where there are none."
    )
    return (
        f"{what} among {len(scene.stars):,} stars".replace(",", "\u202f")
        + f", and each star has a probability of membership that counts its own errors.{named} {truth}"
    )


def _add_found(section: Section, outcome: "Outcome") -> None:
    scene = outcome.scene
    if not scene.facts:
        section.text("No candidate passed the tests: the answer is that there is no cluster here.")
    else:
        section.table(
            "The clusters, with standard errors.",
            [
                Column("Cluster"), Column("Members", ",.0f"), Column("RA, deg", ".4f"), Column("Dec, deg", ".4f"),
                Column("pm RA, mas/yr"), Column("pm Dec, mas/yr"), Column("Parallax, mas"),
                Column("Radius, arcmin"),
                Column("Found again", ".0%"),
            ],
            [_row(outcome, k) for k in range(len(scene.facts))],
            notes="Errors include the systematic floor of DR3, 0.025 mas/yr and 0.01 mas (Vasiliev & Baumgardt "
            "2021), which no number of stars lowers. The radius is that of a Plummer profile within the region; "
            "found "
            "again: share of the samples that leave a part of the stars out.",
        )  # fmt: skip
    rejected = outcome.scene.model.record["methods"][outcome.scene.methods[0]]
    reasons = {**rejected["rejected"], **rejected["passed_over"]}
    if reasons:
        section.text(
            f"Of {rejected['groups']} proposed groups these were no clusters: "
            + "; ".join(f"{count} {reason}" for reason, count in reasons.items())
            + "."
        )


def _row(outcome: "Outcome", k: int) -> list[Any]:
    f = outcome.scene.facts[k]

    def with_error(name: str) -> str:
        return f"{format_number(f[name], '.3f')} ± {f[f'{name}_error']:.3f}"

    radius = f"{60 * f['radius']:.1f} ± {60 * f['radius_error']:.1f}"
    name = label_of(outcome.scene, outcome.names, k)
    again = outcome.stability[k].found
    return [
        name, f["stars"], f["ra"], f["dec"], with_error("pmra"), with_error("pmdec"), with_error("parallax"),
        radius,
        again,
    ]  # fmt: skip


def _add_scores(section: Section, outcome: "Outcome") -> None:
    section.table(
        "The worst of the true clusters, and all stars together.",
        [Column("Score"), Column("Value", ".3f"), Column("Interval"), Column("One cluster of all", ".3f")],
        [
            [d.label, s.value, format_interval(s.low, s.high, ".3f"), s.baseline]
            for d in SCORES
            if (s := outcome.scores.get(d.name))
        ],
        notes="A star is a member above a probability of one half. Intervals are of a bootstrap of the stars.",
    )
    names = [*outcome.names, ""]
    section.table(
        "Each true cluster beside the found one that is most like it.",
        [
            Column("True"), Column("Found"), Column("Stars", ",.0f"), Column("Purity", ".3f"),
            Column("Completeness", ".3f"), Column("F1", ".3f"), Column("RA, σ", "+.1f"), Column("Dec, σ", "+.1f"),
            Column("pm RA, σ", "+.1f"), Column("pm Dec, σ", "+.1f"), Column("Parallax, σ", "+.1f"),
        ],
        [
            [
                m.name, outcome.scene.model.names[m.found] + (f" ({names[m.found]})" if names[m.found] else "")
                if m.found >= 0 else "not found",
                m.stars, m.purity, m.completeness, m.f1,
                *(m.pulls.get(name) for name in ("ra", "dec", "pmra", "pmdec", "parallax")),
            ]
            for m in outcome.matched
        ],
        notes="The last columns are found minus true in units of the stated error: beyond 3 something is wrong.",
    )  # fmt: skip
    if outcome.reliability is not None and outcome.reliability.stated.size:
        section.figures([draw_reliability(outcome.reliability)])


def _add_proof(section: Section, outcome: "Outcome") -> None:
    section.table(
        "Tests of the clusters.",
        [
            Column("Cluster"), Column("Denser than the field, σ", ".1f"), Column("Gathers on the sky, σ", ".1f"),
            Column("Colours and magnitudes, σ", ".1f"), Column("Same members when found again", ".2f"),
        ],
        [
            [
                label_of(outcome.scene, outcome.names, k), f["density_sigma"], f["sky_sigma"], f["cmd_score"],
                outcome.stability[k].agreement,
            ]
            for k, f in enumerate(outcome.scene.facts)
        ],
        notes="Density: Mann-Whitney test of distances to the fifth neighbour, of members and of field stars. "
        "Sky: likelihood of a Plummer profile against an even spread, for stars of this motion. Colours: how "
        "tight the sequence is beside sets of field stars of the same magnitudes. Significances end at 38.",
    )  # fmt: skip
    section.text(_nulls_in_words(outcome))


def _nulls_in_words(outcome: "Outcome") -> str:
    words = []
    if outcome.control:
        words.append(
            f"In {_count(len(outcome.control), 'simulated field')} without a cluster, of at most "
            f"20\u202f000 stars, the same search found {sum(outcome.control)}."
        )
    if outcome.shifted:
        words.append(
            f"In {_count(len(outcome.shifted), 'copy', 'copies')} of the region without its members, proper "
            "motions "
            f"and parallaxes shifted at random and places exchanged, it found {sum(outcome.shifted)}."
        )
    count = outcome.scores["false_clusters"]
    of = "control fields" if outcome.control else "shifted fields"
    words.append(
        f"As a Poisson count that leaves {count.low:.1f} to {count.high:.1f} false clusters in as many {of} (95 "
        "%). "
        f"Samples of the stars have {outcome.strangers:.1f} further clusters on average."
    )
    return " ".join(words)


def _add_external(section: Section, external: "External") -> None:
    section.text(
        f"{external.stars} real stars, prepared and searched with the same settings, have "
        f"{_count(len(external.facts), 'cluster')}. Nothing was adjusted to them."
    )
    if external.scores:
        section.table(
            "The worst of the catalogued clusters.",
            [Column("Score"), Column("Value", ".3f"), Column("Interval"), Column("One cluster of all", ".3f")],
            [
                [d.label, s.value, format_interval(s.low, s.high, ".3f"), s.baseline]
                for d in SCORES
                if (s := external.scores.get(d.name))
            ],
            notes="A catalogue is no truth: what it leaves out counts as false here.",
        )
    if external.facts:
        section.table(
            "What was found.",
            [
                Column("Cluster"),
                Column("Members", ",.0f"),
                *(Column(title, ".3f") for title in ("RA, deg", "Dec, deg", "pm RA", "pm Dec", "Parallax")),
            ],
            [
                [name_of(f) or f["name"], f["stars"], f["ra"], f["dec"], f["pmra"], f["pmdec"], f["parallax"]]
                for f in external.facts
            ],
        )


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"


def _add_methods(section: Section, outcome: "Outcome") -> None:
    with_truth = bool(outcome.matched)
    columns = [Column("Method"), Column("Groups", ".0f"), Column("Clusters", ".0f"), Column("Time, s", ".1f")]
    if with_truth:
        columns += [
            Column(f"{d.name} {when}", ".3f")
            for when in ("as proposed", "as made")
            for d in (SCORES[2], SCORES[3])
        ]
    section.table(
        "Each method with the same features, and the clusters that the same fit and tests made of its groups.",
        columns,
        [[*_method_row(entry), *(_method_scores(entry) if with_truth else [])] for entry in outcome.methods],
        strong=[0],
        notes="F1 is that of the worst true cluster.",
    )
    for entry in outcome.methods:
        section.text(explain(entry))
    section.figures([figure for entry in outcome.methods if (figure := _choice(entry))])


def _method_row(entry: MethodScores) -> list[Any]:
    return [NAMES[entry.method], entry.groups, entry.clusters, entry.seconds]


def _method_scores(entry: MethodScores) -> list[float]:
    return [scores[name] for scores in (entry.proposed, entry.made) for name in ("f1", "ari")]


def _choice(entry: MethodScores) -> Any:
    choices = entry.choices
    if "silhouette" in choices:
        x, y = [float(k) for k in choices["silhouette"]], list(choices["silhouette"].values())
        words = f"k-means: the silhouette is highest at k = {choices['k']}."
        return draw_choice(x, y, choices["k"], across="Number of centres", up="Mean silhouette", words=words)
    if "bic" in choices:
        x, y = [float(k) for k in choices["bic"]], list(choices["bic"].values())
        words = f"Gaussian mixture: the criterion is lowest at {choices['k']} distributions."
        return draw_choice(
            x, y, choices["k"], across="Number of distributions", up="Bayesian criterion", words=words
        )
    if "k_distances" in choices:
        curve = choices["k_distances"]
        words = f"DBSCAN: the knee of the curve is at a length of {choices['eps']:.3g}."
        across = "Stars, nearest neighbours first, %"
        return draw_choice(
            np.linspace(0, 100, len(curve)).tolist(),
            curve,
            choices["eps"],
            across=across,
            up="k-distance",
            words=words,
        )
    return None
