"""The report of an evaluation of redshifts."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from components.common.report import Column, Headline, Report, Section
from components.common.scores import INTERVAL_LEVEL
from components.common.wording import counted
from components.evaluate.regression import redshift
from components.evaluate.regression.baselines import COMPONENTS, TEMPLATE_ROWS, TRAINING_ROWS
from components.evaluate.regression.diagrams import draw_comparison
from components.evaluate.regression.external_report import add_external
from components.evaluate.regression.line_confusion import LineConfusion
from components.evaluate.regression.outcome import Outcome
from components.evaluate.regression.redshift_diagrams import (
    draw_redshift_distribution,
    draw_redshift_plane,
    draw_velocity_errors,
)
from components.evaluate.regression.score_table import add_score_table, arrays, published_in_words
from components.evaluate.regression.sections import Shown, add_by_feature, add_uncertainty
from components.evaluate.regression.spectrum_curves import Curves
from components.evaluate.regression.spectrum_diagrams import draw_spectra
from components.evaluate.training_section import add_training
from components.physics.wavelength_grid import WavelengthGrid
from components.preprocess.spectra.preparation import Preparation

if TYPE_CHECKING:
    from components.evaluate.regression.evaluation import Evaluation

_PUBLISHED_SOURCE = "FNet on DR16Q, arXiv:2201.03393"
_STREAKS_LISTED = 8
_DRAWN_BINS = 400  # as many as a figure has columns
_BY_FEATURE = (
    Shown("accuracy_6000_km_s", "Within 6000 km/s", ".3f", drawn="Within 6000 km/s", percent=True, interval=True),
    Shown("median_dv_km_s", "Median |dv|, km/s", ",.0f", drawn="Median |dv|, km/s"),
    Shown("catastrophic_fraction", "Catastrophic", ".3f"),
    Shown("coverage_68", "Inside 68 %", ".3f"),
)


def write_report(path: Path, e: "Evaluation") -> None:
    """Write the report as one HTML file."""
    best = e.scored.model[redshift.HEADLINE]
    count = len(e.outcome.groups)
    report = Report(
        e.title,
        e.slug,
        e.provenance,
        headline=Headline(
            f"of {count:,} test spectra within 6000 km/s".replace(",", "\u202f"),
            best.value,
            best.low,
            best.high,
            best.baseline,
            level=INTERVAL_LEVEL,
            published=best.published,
            published_source=_PUBLISHED_SOURCE,
        ),
        lead="A network predicts the probability of each redshift from a spectrum alone. All numbers are of "
        "spectra that it never saw; intervals come from resampling the objects on the sky.",
    )
    _add_scores(report.section("Scores"), e)
    if e.external is not None and e.external_scored is not None:
        section = report.section("Real spectra", e.external.provenance)
        add_external(section, e.external, e.external_scored)
    _add_errors(report.section("Where it errs"), e)
    _add_features(report.section("By redshift and signal-to-noise"), e.curves)
    add_uncertainty(
        report.section("How far to trust the uncertainties"),
        e.outcome,
        e.curves.coverage,
        e.curves.risk_coverage,
        "Catastrophic fraction",
    )
    _add_worst(report.section("The worst spectra"), Preparation.from_settings(e.settings).grid, e.outcome)
    if e.history:
        add_training(report.section("Training"), e.history, "Loss", e.rows, e.kind.noun)
    report.write(path)


def _add_scores(section: Section, e: "Evaluation") -> None:
    scored, is_real, labels = e.scored, e.provenance.origin == "real", e.outcome.labels
    add_score_table(
        section,
        "The model beside simpler methods, on the same objects.",
        e.outcome,
        scored,
        "The constant is chosen anew for each score, on the training labels, and its distribution is theirs. "
        f"Ridge regression and forest see {COMPONENTS} principal components of at most {TRAINING_ROWS} training "
        f"spectra; the templates are made of at most {TEMPLATE_ROWS}. CRPS is in units of redshift, and for a "
        "method that predicts points the mean error. "
        f"{published_in_words(scored, e.outcome, _PUBLISHED_SOURCE, is_real)}",
    )
    names = ["model", *labels.values()]
    entries = [scored.model[redshift.HEADLINE], *(scored.baselines[name][redshift.HEADLINE] for name in labels)]
    section.figures(
        [
            draw_comparison(
                names,
                *arrays(entries),
                score="Fraction within 6000 km/s",
                percent=True,
                published=entries[0].published if is_real else None,
            )
        ]
    )


def _add_errors(section: Section, e: "Evaluation") -> None:
    c = e.outcome.columns
    velocity = {"model": e.outcome.errors} | {
        label: redshift.velocity_km_s(c[name], c["truth"]) for name, label in e.outcome.labels.items()
    }
    limits = float(np.floor(10 * c["truth"].min()) / 10), float(np.ceil(10 * c["truth"].max()) / 10)
    confusion = e.curves.line_confusion
    section.text(_describe_confusion(confusion))
    section.figures(
        [
            draw_redshift_plane(c["truth"], c["redshift"], confusion.streaks, limits),
            draw_velocity_errors(velocity, redshift.ACCURACY_LIMITS_KM_S),
            draw_redshift_distribution(c["truth"], c["redshift"], limits),
        ]
    )
    if confusion.streaks:
        section.table(
            "Which line was taken for which, among the catastrophic failures"
            + (f": the {_STREAKS_LISTED} most frequent." if len(confusion.streaks) > _STREAKS_LISTED else "."),
            [
                Column("Line"),
                Column("Taken for"),
                Column("(1 + z predicted) / (1 + z)", ".3f"),
                Column("Failures", ".0f"),
            ],
            [[s.true_line, s.taken_for, s.ratio, s.count] for s in confusion.streaks[:_STREAKS_LISTED]],
        )


def _describe_confusion(confusion: LineConfusion) -> str:
    if not confusion.failures:
        return "No prediction is off by more than |dz| / (1 + z) = 0.05."
    return (
        f"Off by more than |dz| / (1 + z) = 0.05: {counted(confusion.failures, 'prediction')}. Where one line "
        f"would have been taken for another: {confusion.on_streak} of these; predictions that know nothing of the "
        f"spectrum would put {confusion.expected_by_chance:.1f} there by chance."
    )


def _add_features(section: Section, curves: Curves) -> None:
    for rows, feature in ((curves.by_redshift, "redshift"), (curves.by_sn, "median S/N per pixel")):
        add_by_feature(section, rows, feature, "objects", _BY_FEATURE)


def _add_worst(section: Section, grid: WavelengthGrid, outcome: Outcome) -> None:
    worst, c = outcome.worst, outcome.columns
    drawn = worst.distribution.merged(_DRAWN_BINS)
    section.text(
        "The largest velocity errors of the test set: what a model cannot do shows here first. Fluxes are as the "
        "model sees them: above their median, in units of their spread."
    )
    section.figures(
        draw_spectra(
            grid.wavelength_angstrom,
            np.where(worst.data["ivar"] > 0, worst.data["flux"], np.nan),
            c["truth"][worst.rows],
            c["redshift"][worst.rows],
            drawn.edges,
            drawn.probability,
            [f"{c['id'][i]} (S/N {c['sn_median'][i]:.1f}{', BAL' if c['is_bal'][i] else ''})" for i in worst.rows],
        )
    )
