"""The report of an evaluation of clusters."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from components.common.clustering_scores import HEADLINE
from components.common.report import Column, Headline, Report, Section
from components.common.wording import counted, grouped
from components.evaluate.clustering.comparison import NAMES, MethodScores, explain, reasons_in_words
from components.evaluate.clustering.found_section import DRAWN, add_external, add_found, add_scores
from components.evaluate.clustering.nulls import CONTROL_ROWS
from components.evaluate.clustering.sky_diagrams import draw_parallaxes, draw_sky, draw_vector_points
from components.evaluate.clustering.star_diagrams import (
    draw_colour_magnitude,
    draw_hertzsprung_russell,
    draw_spectral_types,
)
from components.evaluate.clustering.trust_diagrams import draw_choice, draw_reliability

if TYPE_CHECKING:
    from components.evaluate.clustering.evaluation import Outcome
    from components.evaluate.clustering.truth import Matched


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
    shown = range(min(len(scene.facts), DRAWN))
    colour, magnitude = (scene.column(name).astype(np.float64) for name in ("bp_rp", "phot_g_mean_mag"))
    stars.figures(
        [
            draw_colour_magnitude(colour, magnitude, scene.members, k, outcome.titles[k], scene.facts[k])
            for k in shown
        ]
    )
    stars.figures([draw_spectral_types(scene, outcome.names), draw_hertzsprung_russell(scene, outcome.names)])
    _add_proof(report.section("Is it real?"), outcome)
    if outcome.external is not None:
        add_external(report.section("Real stars", outcome.external.provenance), outcome.external)
    _add_methods(report.section("Four methods"), outcome)
    report.write(path)


def _headline(outcome: "Outcome") -> Headline | None:
    score = outcome.scores.get(HEADLINE)
    if score is None:
        return None
    return Headline(
        f"F1 of the worst of {counted(len(outcome.matched), 'true cluster')}",
        score.value,
        score.low,
        score.high,
        score.baseline,
        baseline_label="if all stars were one cluster",
        baseline_note="The cheapest answer, on the same stars.",
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
        f"{what} among {grouped(len(scene.stars))} stars, and each star has a probability of membership that "
        f"takes account of its own errors.{named} {truth}"
    )


def _add_found(section: Section, outcome: "Outcome") -> None:
    scene = outcome.scene
    if not scene.facts:
        section.text("No candidate passed the tests: the answer is that there is no cluster here.")
    else:
        add_found(section, outcome)
    rejected = outcome.scene.model.record["methods"][outcome.scene.methods[0]]
    reasons = {**rejected["rejected"], **rejected["passed_over"]}
    if reasons:
        section.text(
            f"{counted(rejected['groups'], 'group')} of stars were proposed. Why some are no clusters, and how "
            f"many: {reasons_in_words(reasons)}."
        )


def _add_scores(section: Section, outcome: "Outcome") -> None:
    add_scores(
        section,
        "The worst of the true clusters, and all stars together.",
        outcome.scores,
        notes="A star is a member above a probability of one half. Intervals are of a bootstrap of the stars.",
    )
    section.table(
        "Each true cluster beside the found one that is most like it.",
        [
            Column("True"), Column("Found"), Column("True stars", ",.0f"), Column("Purity", ".3f"),
            Column("Completeness", ".3f"), Column("F1", ".3f"),
        ],
        [[m.name, _found(outcome, m), m.stars, m.purity, m.completeness, m.f1] for m in outcome.matched],
    )  # fmt: skip
    section.table(
        "Found minus true, in units of the stated error.",
        [
            Column("True"),
            *(Column(f"{title}, σ", "+.1f") for title in ("RA", "Dec", "pm RA", "pm Dec", "Parallax")),
        ],
        [
            [m.name, *(m.pulls.get(name) for name in ("ra", "dec", "pmra", "pmdec", "parallax"))]
            for m in outcome.matched
        ],
        notes="Beyond 3 something is wrong.",
    )
    if outcome.reliability is not None and outcome.reliability.stated.size:
        section.figures([draw_reliability(outcome.reliability)])


def _found(outcome: "Outcome", matched: "Matched") -> str:
    return outcome.titles[matched.found] if matched.found >= 0 else "not found"


def _add_proof(section: Section, outcome: "Outcome") -> None:
    section.table(
        "Tests of the clusters.",
        [
            Column("Cluster"), Column("Denser than the field, σ", ".1f"), Column("Gathers on the sky, σ", ".1f"),
            Column("Colours and magnitudes, σ", ".1f"), Column("Same members when found again", ".2f"),
        ],
        [
            [
                outcome.titles[k], f["density_sigma"], f["sky_sigma"], f["cmd_score"],
                outcome.stability[k].agreement,
            ]
            for k, f in enumerate(outcome.scene.facts)
        ],
        notes="Density: Mann-Whitney test of distances to the fifth neighbour, of members and of field stars. "
        "Sky: likelihood of a Plummer profile against an even spread, for stars of this motion. Colours: how "
        "tight the sequence is beside sets of field stars of the same magnitudes; 0, and no test, where no star "
        "has a colour. The significances of the first two end at 38.",
    )  # fmt: skip
    section.text(_nulls_in_words(outcome))


def _nulls_in_words(outcome: "Outcome") -> str:
    words = []
    if outcome.control:
        words.append(
            f"In {counted(len(outcome.control), 'simulated field')} without a cluster, of at most "
            f"{grouped(CONTROL_ROWS)} stars, the same search found {sum(outcome.control) or 'none'}."
        )
    if outcome.shifted:
        words.append(
            f"In {counted(len(outcome.shifted), 'copy', 'copies')} of the region without its members, proper "
            f"motions and parallaxes shifted at random and places exchanged, it found "
            f"{sum(outcome.shifted) or 'none'}."
        )
    fields, count = outcome.control or outcome.shifted, outcome.scores["false_clusters"]
    if fields:
        words.append(
            f"As a Poisson count that leaves {count.low:.1f} to {count.high:.1f} false clusters (95 %) in "
            f"{counted(len(fields), 'field')} such as {'those' if outcome.control else 'these copies'}."
        )
    if outcome.samples:
        words.append(
            f"{counted(outcome.samples, 'sample')} of the stars have {outcome.strangers:.1f} further clusters on "
            "average."
        )
    return " ".join(words)


def _add_methods(section: Section, outcome: "Outcome") -> None:
    with_truth = bool(outcome.matched)
    columns = [Column("Method"), Column("Groups", ".0f"), Column("Clusters", ".0f"), Column("Time, s", ".1f")]
    if with_truth:
        columns += [
            Column(f"{name} {when}", ".3f")
            for when in ("as proposed", "of the clusters")
            for name in ("F1", "Rand index")
        ]
    section.table(
        "Each method with the same features, and the clusters that the same fit and tests made of its groups.",
        columns,
        [[*_method_row(entry), *(_method_scores(entry) if with_truth else [])] for entry in outcome.methods],
        strong=[0],
        notes="F1 is that of the worst true cluster; the Rand index is the adjusted one, over all stars. Seconds "
        "are those of proposing, fitting and testing.",
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
        words = f"k-means: the silhouette is highest at k = {choices['k']}, where the line is."
        return draw_choice(x, y, choices["k"], across="Number of centres", up="Mean silhouette", words=words)
    if "bic" in choices:
        x, y = [float(k) for k in choices["bic"]], list(choices["bic"].values())
        words = f"Gaussian mixture: the criterion is lowest at {choices['k']} distributions, where the line is."
        return draw_choice(
            x, y, choices["k"], across="Number of distributions", up="Bayesian criterion", words=words
        )
    if "k_distances" in choices:
        curve = choices["k_distances"]
        words = (
            "DBSCAN: the distance of each star to its farthest of a few neighbours, in units of the scaled "
            f"features. The knee of the curve is at {choices['eps']:.3g}, where the line is."
        )
        across = "Stars, nearest neighbours first, %"
        return draw_choice(
            np.linspace(0, 100, len(curve)).tolist(),
            curve,
            choices["eps"],
            across=across,
            up="k-distance, scaled units",
            words=words,
        )
    return None
