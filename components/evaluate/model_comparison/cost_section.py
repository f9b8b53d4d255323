"""The sections of the report that compare models: how well they do, and what that costs."""

from typing import Any

import numpy as np

from components.common.report import Cell, Column, Section, format_interval, format_number
from components.common.scores import Score
from components.common.wording import counted, grouped
from components.evaluate.model_comparison.contest import TEMPLATE_ROWS, Entry, spelt
from components.evaluate.model_comparison.diagrams import draw_costs
from components.evaluate.model_comparison.findings import Findings
from components.evaluate.regression.diagrams import sentence

_VELOCITY, _FRACTION, _MAGNITUDE = ",.0f", ".3f", ".3f"
_CHANGING_SCORES = {"nmad_km_s": _VELOCITY, "magnitude_r_rms": _MAGNITUDE}
_COSTS = {"fit_cpu_seconds": ".1f", "predict_cpu_seconds_per_1000": ".2f", "peak_memory_mb": ",.0f"}


def add_comparison(section: Section, f: Findings) -> None:
    """Add the table of all models on the test spectra."""
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
    rows = [_score_row(entry.title, found) for entry, found in zip(f.contest.entries, f.scored, strict=True)]
    rows += [_score_row("constant", f.constant), _score_row("template scan", f.scan)]
    section.table(
        "Every model on the same test spectra. Small is good, but for the two columns on intervals, which are "
        "good at 0.683.",
        columns,
        rows,
        strong=[f.chosen],
        notes="Outliers: |dz|/(1+z) above 0.01. Intervals by bootstrap over objects. Constants are chosen on "
        f"training rows for each score. The scan learns its templates from {TEMPLATE_ROWS} training spectra at "
        "most; it knows nothing of magnitudes.",
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


def add_efficiency(section: Section, f: Findings) -> None:
    """Answer with numbers what accuracy costs, before and after the principal components."""
    records = [record_of(entry) for entry in f.contest.entries]
    own, record = f.scored[f.chosen], records[f.chosen]
    cost = record["cost"]
    seconds = cost["predict_cpu_seconds_per_1000"]
    section.text(
        f"{sentence(f.best.title)}, the best model on validation rows, is off by "
        f"{format_number(own['nmad_km_s'].value, _VELOCITY)}\u00a0km/s and "
        f"{own['magnitude_r_rms'].value:.3f}\u00a0mag, and {own['outlier_fraction'].value:.1%} of its redshifts "
        f"are outliers. It took {cost['fit_cpu_seconds']:.1f}\u00a0s of a processor to fit once tuned, takes "
        f"{seconds:.2f}\u00a0s of it for a thousand spectra ({grouped(1000 / max(seconds, 1e-3))} a second), and "
        f"{cost['peak_memory_mb']:,.0f}\u00a0MB of memory. The scan of templates, which learns no magnitude, is "
        f"off by {format_number(f.scan['nmad_km_s'].value, _VELOCITY)}\u00a0km/s and takes "
        f"{f.contest.scan_cpu_seconds_per_1000:.1f}\u00a0s for a thousand.\n\n{_gain(f)}"
    )
    _add_before_and_after(section, f)
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
                entry.title,
                record["cost"]["fit_cpu_seconds"],
                record["cost"]["fit_seconds"],
                record["cost"]["predict_cpu_seconds_per_1000"],
                record["cost"]["peak_memory_mb"],
                len(record["tuning"]),
                ", ".join(f"{key} {value:g}" for key, value in record["parameters"].items()) or "\u2013",
            ]
            for entry, record in zip(f.contest.entries, records, strict=True)
        ],
        notes=f"{_budget(f)} Memory is that of the whole process, libraries and rows included. Models were "
        "trained at the same time on the same processors, which stretches the seconds on the clock, not those of "
        "the processor.",
        strong=[f.chosen],
    )
    error = np.array([found["nmad_km_s"].value for found in f.scored])
    fit = np.array([max(record["cost"]["fit_cpu_seconds"], 1e-3) for record in records])
    section.figure(draw_costs([entry.title for entry in f.contest.entries], error, fit))


def record_of(entry: Entry) -> dict[str, Any]:
    """Return how a learned model was trained."""
    assert entry.model is not None
    return entry.model.record


def _budget(f: Findings) -> str:
    settings = record_of(f.best)["settings"]
    return (
        f"Tuning: every candidate is fitted {settings['folds']} times, to {settings['tuning_rows']} training rows "
        "at most, divided by object."
    )


def _pairs(f: Findings) -> dict[str, tuple[int, int]]:
    """For every kind that was trained both ways, its places with pixels and with principal components."""
    place = {entry.name: number for number, entry in enumerate(f.contest.entries)}
    kinds = dict.fromkeys(record_of(entry)["settings"]["model_kind"] for entry in f.contest.entries)
    names = {kind: (f"{kind} on pixels", f"{kind} on pca") for kind in kinds}
    return {kind: (place[a], place[b]) for kind, (a, b) in names.items() if a in place and b in place}


def _gain(f: Findings) -> str:
    """Say in a sentence what principal components changed."""
    pairs = _pairs(f)
    if not pairs:
        return ""
    error = {kind: [f.scored[i]["nmad_km_s"].value for i in pair] for kind, pair in pairs.items()}
    better = [kind for kind, (pixels, pca) in error.items() if pca < pixels]
    faster = [
        kind
        for kind, pair in pairs.items()
        if np.diff([record_of(f.contest.entries[i])["cost"]["fit_cpu_seconds"] for i in pair])[0] < 0
    ]
    return (
        f"{counted(len(pairs), 'kind')} of models were trained both ways. Principal components gave better "
        f"redshifts to {_names(better)}, and a faster fit to {_names(faster)}."
    )


def _names(kinds: list[str]) -> str:
    *first, last = [spelt(kind) for kind in kinds] or ["none"]
    return f"{', '.join(first)} and {last}" if first else last


def _change(values: list[float], form: str) -> str:
    return " \u2192 ".join(format_number(value, form) for value in values)


def _add_before_and_after(section: Section, f: Findings) -> None:
    pairs = _pairs(f)
    if not pairs:
        return
    rows: list[list[Cell]] = []
    for kind, (pixels, pca) in pairs.items():
        records = [record_of(f.contest.entries[i]) for i in (pixels, pca)]
        both = [f.scored[i] for i in (pixels, pca)]
        rows.append(
            [
                spelt(kind),
                f"{records[1]['parameters']['components']}",
                *(_change([found[name].value for found in both], form) for name, form in _CHANGING_SCORES.items()),
                *(_change([record["cost"][name] for record in records], form) for name, form in _COSTS.items()),
            ]
        )
    section.table(
        "From pixels to principal components: what it changed, with pixels before the arrow.",
        [
            Column("Model"),
            Column("Components"),
            Column("NMAD, km/s"),
            Column("r rms, mag"),
            Column("Fit, s"),
            Column("1000 predictions, s"),
            Column("Memory, MB"),
        ],
        rows,
        notes="Seconds are those of the processor. The decomposition itself, which is done once for all "
        "candidates, is not in the time of the fit; its memory is in that of the process. "
        "Intervals are in the table above.",
    )
