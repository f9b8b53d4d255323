"""The section of the report on real galaxies."""

import numpy as np

from components.common.report import Column, Section
from components.common.wording import counted
from components.evaluate.model_comparison.external import External
from components.evaluate.regression.diagrams import sentence
from components.evaluate.regression.redshift_diagrams import draw_external

_MOST_LISTED = 40
_SHOWN = ("nmad_km_s", "bias_km_s", "outlier_fraction", "coverage_68", "magnitude_r_rms")
_LISTED = (
    "id", "truth", "redshift", "sigma", "dv_km_s", "magnitude_r_error", "sn_median", "template_scan",
)  # fmt: skip


def add_external(section: Section, e: External) -> None:
    """Add scores of every model, a figure, and the galaxies one by one."""
    unlike = sum("UNFAMILIAR" in entry["warnings"] for entry in e.listing())
    section.text(
        f"{counted(e.within.size, 'real galaxy', 'real galaxies')}, which no model has learnt from; inside the "
        f"redshifts of the training data, and scored: {int(e.within.sum())}. {unlike or 'None'} "
        f"{'is' if unlike == 1 else 'are'} unlike the training data, as the predict command would warn of them; "
        "they get no error there. Magnitudes are those that the survey's pipeline has integrated over the spectra."
    )
    section.table(
        f"Every model on {counted(int(e.within.sum()), 'real galaxy', 'real galaxies')}.",
        [
            Column("Model"),
            Column("NMAD, km/s", ",.0f"),
            Column("Median dv, km/s", ",.0f"),
            Column("Outliers", ".2f"),
            Column("z in 68\u00a0%", ".2f"),
            Column("r rms, mag", ".3f"),
        ],
        [
            [name, *(found[score].value if score in found else None for score in _SHOWN)]
            for name, found in [
                *((entry.title, scores) for entry, scores in zip(e.contest.entries, e.scored, strict=True)),
                ("constant", e.constant),
                ("template scan", e.scan),
            ]
        ],
        strong=[e.chosen],
        notes="So few objects tell whether a model works on the sky at all, not which one is best.",
    )
    labels, c = e.contest.labels, e.best.columns
    top = float(max(labels["redshift"].max(), c["redshift"].max()))
    section.figure(
        draw_external(
            labels["redshift"],
            c["redshift"],
            c["low68"],
            c["high68"],
            e.missed,
            [str(identifier) for identifier in labels["id"]],
            (0.0, np.ceil(10 * top) / 10),
        )
    )
    _list_galaxies(section, e)


def _list_galaxies(section: Section, e: External) -> None:
    entries = e.listing()
    section.table(
        f"{sentence(e.best.title)} on real galaxies, the worst first.",
        [
            Column("Spectrum"),
            Column("Catalogue z", ".4f"),
            Column("Predicted z", ".4f"),
            Column("sigma", ".4f"),
            Column("dv, km/s", ",.0f"),
            Column("dr, mag", ".3f"),
            Column("S/N", ".1f"),
            Column("Template scan z", ".4f"),
            Column("Warnings"),
        ],
        [
            [
                *(entry[name] for name in _LISTED),
                (" ".join(entry["warnings"]) or "none") + ("" if entry["scored"] else "; not scored"),
            ]
            for entry in entries[:_MOST_LISTED]
        ],
        notes="Warnings are those that the predict command gives with each redshift. A sigma beside UNFAMILIAR "
        "means nothing, and the predict command withholds it.",
    )
