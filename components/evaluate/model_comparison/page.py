"""The report of a comparison of models."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from components.common.provenance import Provenance
from components.common.report import Cell, Column, Headline, Report, Section, format_interval, format_number
from components.common.scores import INTERVAL_LEVEL, Floats, Score
from components.evaluate.model_comparison.contest import TEMPLATE_ROWS, Contest, Entry
from components.evaluate.model_comparison.diagrams import (
    draw_confusion,
    draw_correlations,
    draw_costs,
    draw_distributions,
    draw_eigenspectra,
    draw_mean_spectra,
    draw_outlier_roc,
    draw_score_against_components,
    draw_scree,
)
from components.evaluate.model_comparison.exploration import Exploration
from components.evaluate.model_comparison.pca import Components
from components.evaluate.regression.calibration_diagrams import draw_pit
from components.evaluate.regression.diagrams import draw_predicted_and_true
from components.evaluate.regression.redshift import velocity_km_s
from components.physics.constants import SPEED_OF_LIGHT_KM_S
from components.physics.wavelength_grid import WavelengthGrid

_VELOCITY, _FRACTION, _MAGNITUDE = ",.0f", ".3f", ".3f"
_EIGENSPECTRA = 5
_FEWEST_OUTLIERS = 5
_CURVES = 4
_UNITS = {
    "redshift": "Redshift",
    "magnitude_r": "r in the fibre, mag",
    "magnitude_r_total": "r of the galaxy, mag",
    "velocity_dispersion": "Velocity dispersion, km/s",
    "sn_median": "Signal-to-noise ratio per pixel",
    "coverage": "Observed share of the grid",
}


@dataclass(frozen=True)
class Findings:
    """Everything that the report tells; see `components.evaluate.model_comparison.evaluation`."""

    title: str
    slug: str
    provenance: Provenance
    grid: WavelengthGrid
    contest: Contest
    chosen: int
    scored: list[dict[str, Score]]
    constant: dict[str, Score]
    scan: dict[str, Score]
    roc: dict[str, dict[str, Any]]
    confusion_edges: Floats
    confusion: npt.NDArray[np.int64]
    exploration: Exploration
    components: Components | None

    @property
    def best(self) -> Entry:
        """The learned model that was best on validation rows."""
        return self.contest.entries[self.chosen]


def write_report(path: Path, f: Findings) -> None:
    """Write the page."""
    own = f.scored[f.chosen]["nmad_km_s"]
    report = Report(
        f.title,
        f.slug,
        f.provenance,
        headline=Headline(
            f"NMAD of the redshift error, {f.best.name}",
            own.value,
            own.low,
            own.high,
            own.baseline,
            form=_VELOCITY,
            unit="km/s",
            level=INTERVAL_LEVEL,
            higher_is_better=False,
        ),
        lead=f"{len(f.contest.entries)} regressors learnt redshift and r magnitude from the same "
        f"{f.contest.training['redshift'].size} spectra, and are judged on the same "
        f"{len(f.contest.labels['id'])}. The model at the top was chosen on validation rows, before any test row "
        "was read. Its neighbours in the table: a constant, and a scan of templates, which is how surveys do it.",
    )
    _explore(report.section("The data"), f)
    _compare(report.section("The models"), f)
    _efficiency(report.section("How efficient is your model now?"), f)
    _best(report.section("The best model"), f)
    if f.components is not None:
        _components(report.section("Principal components"), f, f.components)
    _classification_words(report.section("AUC and confusion, of a regression?"), f)
    report.write(path)


def _explore(section: Section, f: Findings) -> None:
    e = f.exploration
    known = {name: values for name, values in e.quantities.items() if np.isfinite(values).sum() > 1}
    section.text(
        f"{len(e.quantities['redshift'])} spectra. First a look at them: a model learns whatever predicts the "
        f"label, "
        "and not all of that is physics."
    )
    section.figures([draw_distributions(values, _UNITS[name]) for name, values in known.items()])
    names, table = e.correlations()
    section.figures(
        [
            draw_mean_spectra(f.grid.wavelength_angstrom, e.mean_spectra, e.missing, e.redshift_edges),
            draw_correlations(names, table),
        ]
    )


def _compare(section: Section, f: Findings) -> None:
    columns = [
        Column("Model"),
        Column("NMAD, km/s", _VELOCITY),
        Column("95\u00a0% interval", _VELOCITY),
        Column("Outliers", _FRACTION),
        Column("z in 68\u00a0%", _FRACTION),
        Column("r rms, mag", _MAGNITUDE),
        Column("95\u00a0% interval ", _MAGNITUDE),
        Column("r in 68\u00a0%", _FRACTION),
    ]
    rows = [_score_row(entry.name, found) for entry, found in zip(f.contest.entries, f.scored, strict=True)]
    rows += [_score_row("constant", f.constant), _score_row("template scan", f.scan)]
    section.table(
        "Every model on the same test spectra. Small is good, but for the two columns on intervals, which are "
        "good "
        "at 0.683.",
        columns,
        rows,
        strong=[f.chosen],
        notes="Outliers: |dz|/(1+z) above 0.01. Intervals by bootstrap over objects. Constants are chosen on "
        f"training rows for each score. The scan learns its templates from {TEMPLATE_ROWS} training spectra at "
        f"most; "
        "it knows nothing of magnitudes.",
    )


def _score_row(name: str, found: dict[str, Score]) -> list[Cell]:
    def value(score: str) -> Cell:
        return found[score].value if score in found else None

    def interval(score: str, form: str) -> Cell:
        return format_interval(found[score].low, found[score].high, form) if score in found else None

    return [
        name,
        value("nmad_km_s"),
        interval("nmad_km_s", _VELOCITY),
        value("outlier_fraction"),
        value("coverage_68"),
        value("magnitude_r_rms"),
        interval("magnitude_r_rms", _MAGNITUDE),
        value("magnitude_r_coverage_68"),
    ]


def _efficiency(section: Section, f: Findings) -> None:
    costs = [_record(entry)["cost"] for entry in f.contest.entries]
    names = [entry.name for entry in f.contest.entries]
    own, cost = f.scored[f.chosen], costs[f.chosen]
    section.text(
        f"The best one, {f.best.name}, is off by {format_number(own['nmad_km_s'].value, _VELOCITY)}\u00a0km/s and "
        f"{own['magnitude_r_rms'].value:.3f}\u00a0mag. It took {cost['fit_cpu_seconds']:.0f}\u00a0s of a "
        f"processor to "
        f"fit once tuned, and takes {1000 * cost['predict_cpu_seconds_per_1000'] / 1000:.2f}\u00a0s for a "
        f"thousand "
        f"spectra. {_gain(f)}"
    )
    section.table(
        "What every model costs.",
        [
            Column("Model"),
            Column("Fit, processor s", ".1f"),
            Column("Fit, s", ".1f"),
            Column("1000 predictions, processor s", ".3f"),
            Column("Peak memory, MB", ",.0f"),
            Column("Candidates tuned", ".0f"),
            Column("Chosen"),
        ],
        [
            [
                name,
                cost["fit_cpu_seconds"],
                cost["fit_seconds"],
                cost["predict_cpu_seconds_per_1000"],
                cost["peak_memory_mb"],
                len(_record(entry)["tuning"]),
                ", ".join(f"{key} {value:g}" for key, value in _record(entry)["parameters"].items()) or "\u2013",
            ]
            for name, cost, entry in zip(names, costs, f.contest.entries, strict=True)
        ],
        notes=f"{_budget(f)} Memory is that of the whole process, libraries and rows included. Models may have "
        "been trained at the same time on the same processors, which stretches the seconds on the clock, not "
        "those "
        "of the processor.",
        strong=[f.chosen],
    )
    error = np.array([found["nmad_km_s"].value for found in f.scored])
    seconds = np.array([max(cost["fit_cpu_seconds"], 1e-3) for cost in costs])
    section.figure(draw_costs(names, error, seconds))


def _budget(f: Findings) -> str:
    settings = _record(f.best)["settings"]
    return (
        f"Tuning: every candidate is fitted {settings['folds']} times, to {settings['tuning_rows']} training "
        f"rows at "
        "most, divided by object."
    )


def _gain(f: Findings) -> str:
    """Say what principal components changed, for every kind that was trained both ways."""
    found = {
        entry.name: (score, _record(entry)["cost"])
        for entry, score in zip(f.contest.entries, f.scored, strict=True)
    }
    told = []
    for kind in dict.fromkeys(_record(entry)["settings"]["model_kind"] for entry in f.contest.entries):
        pair = [found.get(f"{kind} on {features}") for features in ("pixels", "pca")]
        if pair[0] is None or pair[1] is None:
            continue
        (pixels, its_cost), (pca, own_cost) = pair  # type: ignore[misc]
        times = its_cost["fit_cpu_seconds"] / max(own_cost["fit_cpu_seconds"], 1e-3)
        told.append(
            f"{kind}: {pixels['nmad_km_s'].value:,.0f} to {pca['nmad_km_s'].value:,.0f}\u00a0km/s, "
            f"{times:.1f} times as fast to fit"
        )
    return f"From pixels to principal components: {'; '.join(told)}." if told else ""


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
        "last two diagrams ask whether the predicted errors are honest, of the redshift and of the magnitude."
    )


def _components(section: Section, f: Findings, found: Components) -> None:
    chosen = ", ".join(f"{name} {count}" for name, count in found.chosen.items())
    section.text(
        "Principal components are fitted to the training spectra alone. How many of them a model sees is "
        "decided by "
        f"cross-validation on training rows, with its other parameters: the smallest sum of the median errors of "
        f"redshift and magnitude wins. Chosen: {chosen}."
    )
    section.figures(
        [
            draw_scree(found.projection.variance, found.projection.total_variance, found.counts, found.residual),
            draw_score_against_components(found.tried),
            draw_eigenspectra(f.grid.wavelength_angstrom, found.projection.axes[:_EIGENSPECTRA]),
        ]
    )


def _classification_words(section: Section, f: Findings) -> None:
    section.text(
        "A regression has neither: no ROC curve, no area under it, and no confusion matrix. Two questions come "
        "near. "
        "Which bin of redshift is taken for which, and does the predicted error find the outliers?"
    )
    curves = {
        name: curve
        for name, curve in sorted(f.roc.items(), key=lambda item: -(item[1]["auc"] or 0.0))
        if curve["outliers"] >= _FEWEST_OUTLIERS and curve["auc"] is not None
    }
    figures = [draw_confusion(f.confusion, f.confusion_edges, f.best.name)]
    if curves:
        figures.append(draw_outlier_roc(dict(list(curves.items())[:_CURVES])))
    section.figures(figures)
    section.table(
        "How well the predicted error finds outliers.",
        [Column("Model"), Column("Outliers", ",.0f"), Column("Area under the curve", _FRACTION)],
        [[name, curve["outliers"], curve["auc"]] for name, curve in f.roc.items()],
        notes=f"Curves are drawn of the {_CURVES} largest areas with at least {_FEWEST_OUTLIERS} outliers: "
        "fewer make no curve.",
    )


def _record(entry: Entry) -> dict[str, Any]:
    assert entry.model is not None
    return entry.model.record
