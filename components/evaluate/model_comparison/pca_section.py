"""The section of the report on principal components."""

from components.common.report import Column, Section
from components.evaluate.model_comparison.contest import spelt
from components.evaluate.model_comparison.diagrams import (
    draw_eigenspectra,
    draw_score_against_components,
    draw_scree,
)
from components.evaluate.model_comparison.findings import Findings
from components.evaluate.model_comparison.pca import Components

_EIGENSPECTRA = 5


def add_components(section: Section, f: Findings, found: Components) -> None:
    """Add how many components there should be, and what they look like."""
    most = found.counts[-1]
    at_end = [name for name, count in found.chosen.items() if count == most]
    section.text(
        "Principal components are fitted to the training spectra alone. How many of them a model sees is decided "
        "by cross-validation on training rows, with its other parameters: the smallest sum of the median errors "
        "of redshift and magnitude wins. No number is right for all: what does not help to tell redshifts harms "
        "a model that weighs all inputs alike, and a model that can leave things out wants more of them."
        + (
            f" For {' and '.join(spelt(name) for name in at_end)} the largest number that was tried was best: "
            "more might be better still."
            if at_end
            else ""
        )
    )
    section.table(
        "How many components, and why.",
        [
            Column("Model"),
            *(Column(f"{count}: NMAD, km/s", ",.0f") for count in found.counts),
            Column("Chosen", ".0f"),
        ],
        [
            [
                spelt(name),
                *(dict(zip(*curve, strict=True)).get(count) for count in found.counts),
                found.chosen[name],
            ]
            for name, curve in found.tried.items()
        ],
        notes="Errors of the redshift in cross-validation, on a part of the training rows and with the best of "
        "the other parameters; the magnitude has a say in the choice too.",
    )
    section.figures(
        [
            draw_scree(found.projection.variance, found.projection.total_variance, found.counts, found.residual),
            draw_score_against_components({spelt(name): curve for name, curve in found.tried.items()}),
        ]
    )
    section.figure(draw_eigenspectra(f.grid.wavelength_angstrom, found.projection.axes[:_EIGENSPECTRA]))
