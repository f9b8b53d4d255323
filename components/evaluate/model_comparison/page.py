"""The report of a comparison of models."""

from pathlib import Path

import numpy as np

from components.common.report import Column, Headline, Report, Section
from components.common.scores import INTERVAL_LEVEL
from components.common.wording import counted, grouped
from components.evaluate.model_comparison.contest import spelt
from components.evaluate.model_comparison.cost_section import add_comparison, add_efficiency
from components.evaluate.model_comparison.diagrams import (
    draw_confusion,
    draw_correlations,
    draw_distributions,
    draw_mean_spectra,
    draw_outlier_roc,
)
from components.evaluate.model_comparison.external_section import add_external
from components.evaluate.model_comparison.findings import Findings
from components.evaluate.model_comparison.further import add_further
from components.evaluate.model_comparison.pca_section import add_components
from components.evaluate.model_comparison.scores import HEADLINE
from components.evaluate.regression.calibration_diagrams import draw_pit
from components.evaluate.regression.diagrams import draw_predicted_and_true, draw_score_by_feature
from components.evaluate.regression.redshift import velocity_km_s
from components.evaluate.regression.score_table import arrays
from components.physics.constants import SPEED_OF_LIGHT_KM_S

_VELOCITY, _FRACTION, _MAGNITUDE = ",.0f", ".3f", ".3f"
_FEWEST_OUTLIERS = 5
_CURVES = 4
_BINNED = {"nmad_km_s": "NMAD, km/s", "outlier_fraction": "Outliers"}
_IN_TEXT = {"redshift": "redshift", "sn_median": "signal-to-noise ratio per pixel"}
_UNITS = {
    "redshift": "Redshift",
    "magnitude_r": "r in the fibre, mag",
    "magnitude_r_total": "r of the galaxy, mag",
    "velocity_dispersion": "Velocity dispersion, km/s",
    "stellar_mass": "Stellar mass, log10 of suns",
    "sn_median": "Signal-to-noise ratio per pixel",
    "coverage": "Observed share of the grid",
}


def write_report(path: Path, f: Findings) -> None:
    """Write the page."""
    own = f.scored[f.chosen][HEADLINE]
    report = Report(
        f.title,
        f.slug,
        f.provenance,
        headline=Headline(
            f"NMAD of the redshift error, {f.best.title}",
            own.value,
            own.low,
            own.high,
            own.baseline,
            form=_VELOCITY,
            unit="km/s",
            level=INTERVAL_LEVEL,
            higher_is_better=False,
        ),
        lead=f"{counted(len(f.contest.entries), 'regressor')} learnt redshift and r magnitude from the same "
        f"{grouped(f.contest.training['redshift'].size)} spectra, and are judged on the same "
        f"{grouped(len(f.contest.labels['id']))}. The model at the top was chosen on validation rows, before any "
        "test row was read. Its neighbours in the table: a constant, and a scan of templates, which is how "
        "surveys do it.",
    )
    _explore(report.section("The data"), f)
    add_comparison(report.section("The models"), f)
    add_efficiency(report.section("How efficient is your model now?"), f)
    _best(report.section("The best model"), f)
    if f.external is not None:
        add_external(report.section("Real spectra", f.external.provenance), f.external)
    if f.components is not None:
        add_components(report.section("Principal components"), f, f.components)
    if f.further:
        add_further(report.section("Further targets"), f.further)
    _classification_words(report.section("AUC and confusion, of a regression?"), f)
    report.write(path)


def _explore(section: Section, f: Findings) -> None:
    e = f.exploration
    known = {name: values for name, values in e.quantities.items() if np.isfinite(values).sum() > 1}
    section.text(
        f"{counted(len(e.quantities['redshift']), 'spectrum', 'spectra')}. First a look at them: a model learns "
        "whatever predicts the label, and not all of that is physics."
    )
    section.figures([draw_distributions(values, _UNITS[name]) for name, values in known.items()])
    names, table = e.correlations()
    section.figures(
        [
            draw_mean_spectra(f.grid.wavelength_angstrom, e.mean_spectra, e.missing, e.redshift_edges),
            draw_correlations(names, table),
        ]
    )


def _best(section: Section, f: Findings) -> None:
    c, labels = f.best.columns, f.contest.labels
    section.figures(
        [
            draw_predicted_and_true(
                labels["redshift"],
                c["redshift"],
                velocity_km_s(c["redshift"], labels["redshift"]) / SPEED_OF_LIGHT_KM_S,
                quantity="redshift",
                residual_name="dz / (1 + z)",
            ),
            draw_predicted_and_true(
                labels["magnitude_r"],
                c["magnitude_r"],
                c["magnitude_r"] - labels["magnitude_r"],
                quantity="r, mag",
                residual_name="dr, mag",
            ),
            draw_pit(c["pit"]),
            draw_pit(c["magnitude_r_pit"]),
        ]
    )
    section.text(
        "The magnitude is that of the light in the fibre: what falls beside it left no trace in the spectrum. The "
        "last two diagrams ask whether the predicted errors are honest, of the redshift and of the magnitude. "
        "The next four ask where the model is worse."
    )
    section.figures(
        [
            draw_score_by_feature(
                np.array([row["low"] for row in rows]),
                np.array([np.inf if row["high"] is None else row["high"] for row in rows]),
                *arrays([row[score] for row in rows]),
                np.array([float(row["count"]) for row in rows]),
                score=label,
                feature=_IN_TEXT[name],
                percent=score != "nmad_km_s",
            )
            for name, rows in f.by_feature.items()
            for score, label in _BINNED.items()
        ]
    )


def _classification_words(section: Section, f: Findings) -> None:
    section.text(
        "A regression has neither: no ROC curve, no area under it, and no confusion matrix. Two questions come "
        "near. Which bin of redshift is taken for which, and does the predicted error find the outliers?"
    )
    curves = {
        spelt(name): curve
        for name, curve in sorted(f.roc.items(), key=lambda item: -(item[1]["auc"] or 0.0))
        if curve["outliers"] >= _FEWEST_OUTLIERS and curve["auc"] is not None
    }
    figures = [draw_confusion(f.confusion, f.confusion_edges, f.best.title)]
    if curves:
        figures.append(draw_outlier_roc(dict(list(curves.items())[:_CURVES])))
    section.figures(figures)
    section.table(
        "How well the predicted error finds outliers.",
        [Column("Model"), Column("Outliers", ",.0f"), Column("Area under the curve", _FRACTION)],
        [[spelt(name), curve["outliers"], curve["auc"]] for name, curve in f.roc.items()],
        notes=f"Curves are drawn of the {_CURVES} largest areas with at least {_FEWEST_OUTLIERS} outliers: "
        "fewer make no curve.",
    )
