"""The section of the report on real spectra."""

import numpy as np

from components.common.report import Column, Section
from components.evaluate.regression import redshift
from components.evaluate.regression.external import External
from components.evaluate.regression.metrics import Scored
from components.evaluate.regression.redshift_diagrams import draw_external
from components.evaluate.regression.score_table import add_score_table


def add_external(section: Section, external: External, scored: Scored) -> None:
    """Add scores, a figure and every miss."""
    c = external.outcome.columns
    section.text(_summary(external, scored))
    add_score_table(
        section,
        "Scores on real spectra.",
        external.outcome,
        scored,
        "The baselines were fitted to the same training data as the model, and never saw these spectra either.",
    )
    top = float(max(c["truth"].max(), c["redshift"].max()))
    section.figure(
        draw_external(
            c["truth"],
            c["redshift"],
            c["low68"],
            c["high68"],
            external.missed,
            [str(identifier) for identifier in c["id"]],
            (0.0, np.ceil(2 * top) / 2),
        )
    )
    _add_misses(section, external)


def _summary(external: External, scored: Scored) -> str:
    within, best = external.within, scored.model[redshift.HEADLINE]
    right = int((~external.missed & within).sum())
    text = (
        f"{right} of {within.sum()} quasars above redshift {external.minimum_redshift} are right within "
        f"6000 km/s. The folder holds {within.size} quasars that can be used; those below that redshift are drawn "
        "and listed, not scored."
    )
    if best.published is None:
        return text
    verdict = "reached" if best.value >= best.published else "not reached"
    inside = "inside" if best.low <= best.published <= best.high else "outside"
    return (
        f"{text} The published {best.published:.0%}, of many thousand real spectra, is {verdict} here, and lies "
        f"{inside} the interval that so few objects allow."
    )


def _add_misses(section: Section, external: External) -> None:
    misses = external.misses()
    if not misses:
        section.text("No quasar is off by 6000 km/s or more.")
        return
    section.table(
        "Every miss: off by 6000 km/s or more.",
        [
            Column("Spectrum"),
            Column("Catalogue z", ".4f"),
            Column("Predicted z", ".4f"),
            Column("sigma", ".4f"),
            Column("dv, km/s", ",.0f"),
            Column("S/N", ".1f"),
            Column("Template scan z", ".4f"),
            Column("Warnings"),
            Column("Scored"),
        ],
        [
            [
                *(
                    m[name]
                    for name in ("id", "truth", "redshift", "sigma", "dv_km_s", "sn_median", "template_scan")
                ),
                " ".join(m["warnings"]) or "none",
                "yes" if m["scored"] else "no",
            ]
            for m in misses
        ],
        notes="Warnings are those that the predict command gives with each redshift.",
    )
