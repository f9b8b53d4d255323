"""How the classes differ in what is measured: colour, size, concentration, environment."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from components.common.figures import SERIES, Figure, draw_points, figure_style, finish, new_axes, set_percent
from components.common.report import Cell, Column, Section
from components.common.scores import Floats
from components.common.tables import Columns
from components.evaluate.classification.class_diagrams import line_style
from components.evaluate.classification.diagrams import wilson
from components.evaluate.classification.morphology_names import label_of
from components.evaluate.classification.outcome import Outcome

Indices = npt.NDArray[np.int64]

DISTRIBUTIONS = ("g_r", "petro_r50_kpc", "concentration_r", "axis_ratio_exp")
TABLE = ("g_r", "absolute_mag_r", "petro_r50_kpc", "concentration_r", "axis_ratio_exp", "d4000", "local_density")
ENVIRONMENT = "local_density"

_BINS = 24
_ENVIRONMENT_BINS = 7
_SHOWN = (0.005, 0.995)
_FEWEST = 8


def add_relations(section: Section, outcome: Outcome) -> None:
    """Add a page of plots and a table of medians; what the data set does not measure is left out."""
    every = {name: np.asarray(v, dtype=np.float64) for name, v in outcome.columns.items() if v.dtype.kind == "f"}
    columns = {name: values for name, values in every.items() if np.isfinite(values).sum() >= _FEWEST}
    truth, classes = outcome.truth, outcome.classes
    figures = []
    if {"g_r", "absolute_mag_r"} <= set(columns):
        figures.append(_draw_colour_magnitude(columns, truth, classes))
    figures += [
        _draw_distribution(columns[name], name, truth, classes) for name in DISTRIBUTIONS if name in columns
    ]
    if ENVIRONMENT in columns:
        figures.append(_draw_environment(columns[ENVIRONMENT], truth, classes))
    if not figures:
        section.text("This data set has votes alone: nothing was measured of the galaxies that could be related.")
        return
    section.text(
        f"All {len(outcome)} test galaxies, by the class that they have, not by the one that was predicted. "
        "Relations are between measurements as they are: a class that is seen in near galaxies alone also looks "
        "larger."
    )
    section.figures(figures)
    _add_medians(section, columns, truth, classes)


@figure_style()
def _draw_colour_magnitude(columns: Columns, truth: Indices, classes: Sequence[str]) -> Figure:
    drawing, axes = new_axes(3.2, grid="both")
    magnitude, colour = columns["absolute_mag_r"], columns["g_r"]
    axes.set_xlim(*_limits(magnitude))
    axes.set_ylim(*_limits(colour))
    axes.invert_xaxis()
    for index, name in enumerate(classes):
        own = truth == index
        draw_points(axes, magnitude[own], colour[own], SERIES[index % len(SERIES)], 2.2, name)
    axes.legend(loc="lower left", markerscale=2, ncols=1 + len(classes) // 6)
    axes.set_xlabel("Absolute magnitude r, brighter to the right")
    axes.set_ylabel("Colour g \u2212 r")
    medians = [float(np.nanmedian(colour[truth == k])) for k in range(len(classes))]
    red, blue = int(np.argmax(medians)), int(np.argmin(medians))
    return finish(
        drawing,
        f"Colour against absolute magnitude for the classes {', '.join(classes)}.",
        f"Colour and luminosity. {classes[red]} galaxies are the reddest, with a median g \u2212 r of "
        f"{medians[red]:.2f}; {classes[blue]} are the bluest, with {medians[blue]:.2f}.",
    )


@figure_style()
def _draw_distribution(values: Floats, name: str, truth: Indices, classes: Sequence[str]) -> Figure:
    drawing, axes = new_axes(2.7)
    edges = np.linspace(*_limits(values), _BINS + 1)
    medians = np.full(len(classes), np.nan)
    for index, own_name in enumerate(classes):
        own = values[(truth == index) & np.isfinite(values)]
        if not own.size:
            continue
        medians[index] = np.median(own)
        share = np.histogram(own, edges)[0] / own.size
        style = line_style(index)
        axes.stairs(
            share, edges, color=style["color"], linestyle=style["linestyle"], linewidth=1.4, label=own_name
        )
    axes.set_xlim(edges[0], edges[-1])
    set_percent(axes.yaxis)
    axes.legend(loc="best", ncols=1 + len(classes) // 6)
    label = label_of(name)
    axes.set_xlabel(label[:1].upper() + label[1:])
    axes.set_ylabel("Galaxies of the class")
    high, low = int(np.nanargmax(medians)), int(np.nanargmin(medians))
    return finish(
        drawing,
        f"Distribution of {label} in the classes {', '.join(classes)}.",
        f"{label[:1].upper()}{label[1:]}, each class adding up to 100\u202f%. The median is highest for "
        f"{classes[high]}, {medians[high]:.2f}, and lowest for {classes[low]}, {medians[low]:.2f}.",
    )


@figure_style()
def _draw_environment(density: Floats, truth: Indices, classes: Sequence[str]) -> Figure:
    drawing, axes = new_axes(2.9)
    known = np.isfinite(density)
    edges = np.unique(np.quantile(density[known], np.linspace(0, 1, _ENVIRONMENT_BINS + 1)))
    number = np.clip(np.digitize(density, edges[1:-1]), 0, max(len(edges) - 2, 0))
    ends: dict[str, tuple[float, float]] = {}
    for index, name in enumerate(classes):
        centre, share, low, high = [], [], [], []
        for bin_ in range(len(edges) - 1):
            inside = known & (number == bin_)
            count = np.array([float(inside.sum())])
            if count[0] < _FEWEST:
                continue
            of_class = np.array([(truth[inside] == index).mean()])
            ends_of = wilson(of_class, count)
            centre.append(float(np.median(density[inside])))
            share.append(float(of_class[0]))
            low.append(float(ends_of[0][0]))
            high.append(float(ends_of[1][0]))
        if not centre:
            continue
        ends[name] = (share[0], share[-1])
        error = np.clip([np.array(share) - low, np.array(high) - share], 0, None)
        axes.errorbar(
            centre, share, error, marker="o", markersize=4, elinewidth=1.1, label=name, **line_style(index)
        )
    set_percent(axes.yaxis)
    axes.legend(loc="best", ncols=1 + len(classes) // 6)
    axes.set_xlabel("Log local density")
    axes.set_ylabel("Galaxies that are of the class")
    rising = max(ends, key=lambda name: ends[name][1] - ends[name][0]) if ends else classes[0]
    first, last = ends.get(rising, (np.nan, np.nan))
    return finish(
        drawing,
        f"Share of the classes {', '.join(classes)} by local density.",
        f"Morphology and environment, with 95\u202f% intervals: {rising} galaxies rise most with the density "
        f"around them, from {100 * first:.0f}\u202f% where it is lowest to {100 * last:.0f}\u202f% where it is "
        "highest.",
    )


def _add_medians(section: Section, columns: Columns, truth: Indices, classes: Sequence[str]) -> None:
    names = [name for name in TABLE if name in columns]
    rows: list[list[Cell]] = []
    for name in names:
        row: list[Cell] = [label_of(name)]
        for index in range(len(classes)):
            own = columns[name][(truth == index) & np.isfinite(columns[name])]
            low, middle, high = np.quantile(own, [0.16, 0.5, 0.84]) if own.size else (np.nan,) * 3
            row.append(f"{middle:.2f} ({low:.2f} to {high:.2f})" if own.size else None)
        rows.append(row)
    if rows:
        section.table(
            "Medians of each class, with the middle 68 % of its galaxies.",
            [Column("Measurement"), *(Column(name, numeric=True) for name in classes)],
            [[cell.replace("-", "\u2212") if isinstance(cell, str) and k else cell for k, cell in enumerate(row)]
             for row in rows],
        )  # fmt: skip


def _limits(values: Floats) -> tuple[float, float]:
    known = values[np.isfinite(values)]
    low, high = (float(value) for value in np.quantile(known, _SHOWN)) if known.size else (0.0, 1.0)
    pad = 0.04 * (high - low) or 0.5
    return low - pad, high + pad
