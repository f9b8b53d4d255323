"""The report of an evaluation of redshifts of pictures."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from components.common.report import Column, Headline, Report, Section
from components.common.scores import INTERVAL_LEVEL
from components.evaluate.regression import photometric
from components.evaluate.regression.diagrams import (
    draw_comparison,
    draw_predicted_and_true,
)
from components.evaluate.regression.image_attention import EXCHANGED, NOTHING, WITHHELD, Attention
from components.evaluate.regression.image_curves import FEATURES, Curves
from components.evaluate.regression.image_diagrams import (
    displayed,
    draw_attribution,
    draw_prediction,
    draw_redshift_counts,
    draw_share,
    titles,
)
from components.evaluate.regression.image_external import add_external
from components.evaluate.regression.photometric_baselines import TRAINING_ROWS
from components.evaluate.regression.score_table import add_score_table, arrays, published_in_words
from components.evaluate.regression.sections import Shown, add_by_feature, add_uncertainty
from components.evaluate.training_section import add_training

if TYPE_CHECKING:
    from components.evaluate.regression.evaluation import Evaluation

_FORM = ".4f"
_BY_FEATURE = (
    Shown("nmad", "NMAD", _FORM, drawn="NMAD of dz/(1+z)", interval=True),
    Shown("bias", "Median dz/(1+z)", _FORM, drawn="Median of dz/(1+z)"),
    Shown("outlier_fraction", "Outliers", _FORM),
    Shown("coverage_68", "Inside 68 %", ".3f"),
)
_MATTERS = 1.05
"""By how much the NMAD must grow without something for it to matter."""


def write_report(path: Path, e: "Evaluation") -> None:
    """Write the report as one HTML file."""
    best = e.scored.model[photometric.HEADLINE]
    count = f"{len(e.outcome.groups):,}".replace(",", "\u202f")
    report = Report(
        e.title,
        e.slug,
        e.provenance,
        headline=Headline(
            f"NMAD of dz/(1+z) of {count} test galaxies",
            best.value,
            best.low,
            best.high,
            best.baseline,
            form=_FORM,
            level=INTERVAL_LEVEL,
            higher_is_better=False,
            published=best.published,
            published_source=photometric.PUBLISHED_SOURCE,
        ),
        lead="A network predicts the probability of each redshift from a picture, and from magnitudes where it "
        "was given them. All numbers are of galaxies in fields that it never saw; intervals come from resampling "
        "fields.",
    )
    _add_scores(report.section("Scores"), e)
    if e.external is not None and e.external_scored is not None:
        add_external(report.section("Real pictures", e.external.provenance), e.external, e.external_scored)
    _add_errors(report.section("Where it errs"), e)
    _add_features(report.section("By redshift, magnitude and shape"), e.curves)
    add_uncertainty(
        report.section("How far to trust the uncertainties"),
        e.outcome,
        e.curves.coverage,
        e.curves.risk_coverage,
        "Outlier fraction",
    )
    _add_attention(report.section("What it rests on"), e)
    _add_worst(report.section("The worst predictions"), e)
    if e.history:
        add_training(report.section("Training"), e.history, "Loss", e.rows, e.kind.noun)
    report.write(path)


def _add_scores(section: Section, e: "Evaluation") -> None:
    scored, labels, is_real = e.scored, e.outcome.labels, e.provenance.origin == "real"
    section.text(photometric.verdict(e.extra, e.outcome))
    add_score_table(
        section,
        "The model beside simpler methods, on the same galaxies.",
        e.outcome,
        scored,
        f"Forest, boosting and small network see magnitudes and colours of at most {TRAINING_ROWS:,} training "
        "galaxies, and no picture; one forest has the magnitudes alone. The constant is chosen anew for each "
        "score, on the training labels, and its "
        "distribution is theirs. CRPS is in units of redshift, and for a method that predicts points the mean "
        f"error. {published_in_words(scored, e.outcome, photometric.PUBLISHED_SOURCE, is_real, _FORM)}",
        form=_FORM,
    )
    names = ["model", *labels.values()]
    entries = [scored.model[photometric.HEADLINE], *(scored.baselines[k][photometric.HEADLINE] for k in labels)]
    published = entries[0].published if is_real else None
    section.figures([draw_comparison(names, *arrays(entries), score="NMAD of dz/(1+z)", published=published)])


def _add_errors(section: Section, e: "Evaluation") -> None:
    c, counts = e.outcome.columns, e.curves.redshifts
    section.figures(
        [
            draw_predicted_and_true(
                c["truth"], c["redshift"], e.outcome.errors, quantity="redshift", residual_name="dz/(1+z)"
            ),
            draw_redshift_counts(counts),
        ]
    )


def _add_features(section: Section, curves: Curves) -> None:
    for name, (feature, _) in FEATURES.items():
        if curves.by[name]:
            add_by_feature(section, curves.by[name], feature, "galaxies", _BY_FEATURE)
        else:
            section.text(f"Nothing is known of the {feature} of these galaxies.")


def _add_attention(section: Section, e: "Evaluation") -> None:
    found: Attention = e.findings
    section.text(_describe(found))
    section.table(
        f"The model on {found.objects} test galaxies that were changed.",
        [Column("Change"), Column("NMAD of dz/(1+z)", _FORM), Column("Median move of z/(1+z)", _FORM)],
        [[name, found.nmad[name], found.moved[name]] for name in found.nmad],
        notes="Turned and mirrored galaxies are as likely: these should change little. What the exchange of "
        "pictures costs is what the model takes from them; what withheld magnitudes cost, of these.",
    )
    if not len(found.maps):
        section.text("This model looks at no picture.")
        return
    scale = float(e.settings["scale_arcsec"])
    pictures = displayed(found.pictures, e.settings)
    c = e.outcome.columns
    names = titles(c["id"][found.rows], c["m_r"][found.rows])
    section.text(
        "Integrated gradients: how much each pixel raises or lowers the predicted redshift, beside an empty sky "
        "and with the magnitudes as they are."
    )
    section.figures(
        [
            *(
                draw_attribution(
                    picture,
                    found.maps[i].astype(np.float64),
                    scale,
                    f"{names[i]}, z\u00a0=\u00a0{c['truth'][found.rows[i]]:.3f}",
                )
                for i, picture in enumerate(pictures)
            ),
            draw_share(found.radius_arcsec, found.share),
        ]
    )


def _describe(found: Attention) -> str:
    before = max(found.nmad[NOTHING], 1e-9)
    exchanged, withheld = found.nmad[EXCHANGED] / before, found.nmad[WITHHELD] / before
    rests = {
        (True, True): "both pictures and magnitudes",
        (True, False): "the pictures alone",
        (False, True): "the magnitudes almost alone",
        (False, False): "neither of them much",
    }[exchanged > _MATTERS, withheld > _MATTERS]
    mean = (
        "Where all magnitudes are known, the answer is the mean of the network's and that of the density of "
        "galaxies over magnitudes, colours and redshift, which counts for "
        f"{100 * found.density_share:.0f}\u00a0%. "
    )
    return (mean if found.density_share else "") + (
        f"With pictures exchanged among the galaxies the NMAD is {exchanged:.2f} times as large, with magnitudes "
        f"withheld {withheld:.2f} times: the model rests on {rests}."
    )


def _add_worst(section: Section, e: "Evaluation") -> None:
    worst, c = e.outcome.worst, e.outcome.columns
    section.text("The largest errors of the test set: what a model cannot do shows here first.")
    names = titles(c["id"][worst.rows], c["m_r"][worst.rows])
    pictures, scale = displayed(worst.data["image"], e.settings), float(e.settings["scale_arcsec"])
    section.figures(
        [
            draw_prediction(
                pictures[i],
                worst.distribution[i : i + 1],
                float(c["redshift"][row]),
                float(c["truth"][row]),
                scale,
                names[i],
            )
            for i, row in enumerate(worst.rows)
        ]
    )
