"""Diagrams that compare models with each other, and show what was given to them."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.patches import Rectangle
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

from components.common.figures import (
    INK,
    MUTED,
    SERIES,
    Figure,
    figure_style,
    finish,
    new_axes,
    new_panels,
    note,
    set_percent,
)
from components.common.scores import Floats
from components.common.wording import counted
from components.evaluate.regression.diagrams import MODEL, OTHER

_BINS = 30
_DECADES = 2.0
_SHORT = {"magnitude_r": "r in the fibre", "magnitude_r_total": "r", "sn_median": "S/N"}
_LETTER, _LINE, _MARK = 0.019, 0.055, 0.012
"""Width of a letter, height of a line and half the size of a point, of the panel."""
_STEPS = (0.35, -1.35, 1.4, -2.4, 2.45, -3.45)
"""Where a name goes that has no place beside its point: so many lines above or below."""


@figure_style()
def draw_distributions(values: Floats, quantity: str) -> Figure:
    """Draw the histogram of a quantity."""
    known = values[np.isfinite(values)].astype(np.float64)
    low, high = np.quantile(known, [0.002, 0.998])  # where all are alike the histogram is 1 wide
    drawing, axes = new_axes(2.2)
    axes.hist(known, bins=_BINS, range=(float(low), float(high)), color=MODEL, alpha=0.6, linewidth=0)
    axes.set_xlabel(quantity)
    axes.set_ylabel("Spectra")
    middle = float(np.median(known))
    axes.axvline(middle, color=INK, linewidth=0.8)
    return finish(
        drawing,
        f"Histogram of {quantity} of {known.size} spectra with a median of {middle:.3g}.",
        f"{quantity}: median {middle:.3g}, of {counted(known.size, 'spectrum', 'spectra')}. The outermost "
        "0.2\u202f% on either side are not drawn.",
    )


@figure_style()
def draw_mean_spectra(wavelength: Floats, mean: Floats, missing: Floats, edges: Floats) -> Figure:
    """Draw mean spectra by redshift, and where pixels are missing."""
    drawing, (above, below) = new_panels((2.6, 1), height=3.8)
    for number, spectrum in enumerate(mean):
        label = f"z {edges[number]:.2f} to {edges[number + 1]:.2f}"
        above.plot(wavelength, spectrum, color=SERIES[number], linewidth=0.8, label=label)
    above.set_ylim(0, 1.15 * float(np.nanquantile(mean, 0.998)))
    above.legend(loc="lower right")
    above.set_ylabel("Flux over its median")
    below.fill_between(wavelength, missing, color=OTHER, alpha=0.5, linewidth=0)
    below.set_ylim(0, 1)
    set_percent(below.yaxis)
    below.set_ylabel("Missing")
    below.set_xlabel("Observed wavelength in Å")
    drawing.align_ylabels()
    return finish(
        drawing,
        "Mean spectra of three ranges of redshift, and the share of spectra without each pixel.",
        "Mean spectra in three ranges of redshift: breaks and lines move to the right. Below, the share of "
        "spectra in which a pixel is missing.",
    )


@figure_style()
def draw_correlations(names: Sequence[str], table: Floats) -> Figure:
    """Draw rank correlations as a matrix of numbers."""
    drawing, axes = new_axes(3.4, grid=None)
    for (i, j), value in np.ndenumerate(table):
        _cell(axes, i, j, abs(float(value)), OTHER, f"{value:.2f}".replace("-0.00", "0.00").replace("-", "\u2212"))
    _frame(axes, [_SHORT.get(name, name.replace("_", " ")) for name in names])
    return finish(
        drawing,
        f"Matrix of rank correlations between {', '.join(names)}.",
        "Rank correlations (Spearman). Whatever goes with redshift can be used by a model instead of lines: look "
        "at the row of the redshift.",
    )


@figure_style()
def draw_confusion(counts: npt.NDArray[np.int64], edges: Floats, name: str) -> Figure:
    """Draw which bin of redshift was taken for which."""
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    drawing, axes = new_axes(3.6, grid=None)
    for (i, j), value in np.ndenumerate(counts):
        _cell(axes, i, j, float(share[i, j]), MODEL, f"{int(value)}" if value else "")
    _frame(axes, [f"{a:g}\u2013{b:g}" for a, b in pairwise(edges)])
    axes.set_xlabel("Predicted redshift")
    axes.set_ylabel("True redshift")
    kept = np.trace(counts) / max(counts.sum(), 1)
    return finish(
        drawing,
        f"Confusion matrix of redshift bins: {kept:.1%} of the objects are in their own bin.",
        f"Redshift bins as if they were classes, {name}: {100 * kept:.1f}\u202f% of the objects fall into their "
        "own. Neighbours are confused where an error is as wide as a bin, which says more about the bins than "
        "the model.",
    )


def _cell(axes: Axes, row: int, column: int, strength: float, colour: str, text: str) -> None:
    """Fill a cell of a matrix in a colour of the theme, so faint that its number stays readable in either."""
    axes.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, color=colour, alpha=0.5 * strength, linewidth=0))
    axes.text(column, row, text, ha="center", va="center", color=INK, fontsize=7.5)


def _frame(axes: Axes, labels: Sequence[str]) -> None:
    axes.set_aspect("equal")
    axes.set_xlim(-0.5, len(labels) - 0.5)
    axes.set_ylim(len(labels) - 0.5, -0.5)
    axes.set_xticks(range(len(labels)), labels, rotation=40, ha="right")
    axes.set_yticks(range(len(labels)), labels)


@figure_style()
def draw_outlier_roc(curves: Mapping[str, dict[str, Any]]) -> Figure:
    """Draw how well predicted errors find outliers, one curve a model."""
    drawing, axes = new_axes(3.2, grid="both")
    for colour, (name, curve) in zip(SERIES, curves.items(), strict=False):
        axes.plot(curve["fpr"], curve["tpr"], color=colour, label=f"{name}, area {curve['auc']:.2f}")
    axes.plot([0, 1], [0, 1], color=MUTED, linewidth=0.8, linestyle=(0, (4, 2)))
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1.02)
    axes.legend(loc="lower right")
    set_percent(axes.xaxis)
    set_percent(axes.yaxis)
    axes.set_xlabel("Good redshifts that are flagged")
    axes.set_ylabel("Outliers that are flagged")
    return finish(
        drawing,
        "ROC curves of the detection of outliers by the predicted error.",
        "A regression has no ROC curve of its own. This is that of the detector which flags redshifts whose "
        "predicted error is large: does a model know when it is wrong?",
    )


@figure_style()
def draw_scree(variance: npt.NDArray[np.floating], total: float, counts: Sequence[int], error: Floats) -> Figure:
    """Draw the variance of principal components, and what is left of held-out spectra without them."""
    drawing, (above, below) = new_panels((1, 1), height=3.8, share_x=True)
    number = np.arange(1, variance.size + 1)
    above.semilogy(number, variance / total, color=MODEL)
    above.set_ylabel("Share of variance")
    below.plot(counts, error, "o-", color=MODEL)
    below.set_ylabel("Residual, rms")
    below.set_xlabel("Principal components")
    below.set_ylim(0, 1.15 * float(error.max()))
    drawing.align_ylabels()
    explained = ", ".join(f"{100 * variance[:k].sum() / total:.0f}\u202f% by {k}" for k in counts)
    return finish(
        drawing,
        f"Scree plot of {variance.size} principal components, and their reconstruction error.",
        f"Above, the share of the training variance that each component has ({explained}). Where the curve turns "
        "flat there is noise. Below, what the first components leave of test spectra, in units of the median "
        "flux.",
    )


@figure_style()
def draw_eigenspectra(wavelength: Floats, axes_of: npt.NDArray[np.floating]) -> Figure:
    """Draw the first principal components."""
    drawing, panels = new_panels((1,) * len(axes_of), height=0.95 * len(axes_of) + 0.6)
    for number, (panel, spectrum) in enumerate(zip(panels, axes_of, strict=True)):
        panel.plot(wavelength, spectrum, color=MODEL, linewidth=0.8)
        panel.set_yticks([])
        note(panel, 0.01, 0.86, f"{number + 1}", transform=panel.transAxes)
    panels[-1].set_xlabel("Observed wavelength in Å")
    return finish(
        drawing,
        f"The first {len(axes_of)} principal components of the training spectra.",
        "The first principal components in the observed frame, in units of their own. Lines are smeared out, "
        "because they stand at another wavelength in every galaxy: a shift is no sum of a few spectra. Steps "
        "stand where many spectra end, beyond which pixels are missing.",
    )


@figure_style()
def draw_score_against_components(curves: Mapping[str, tuple[Sequence[int], Sequence[float]]]) -> Figure:
    """Draw the cross-validated redshift error against the number of components, one curve a model."""
    drawing, axes = new_axes(3.0)
    for colour, (name, (counts, values)) in zip(SERIES, curves.items(), strict=False):
        axes.loglog(counts, values, "o-", color=colour, label=name)
    tried = sorted({count for counts, _ in curves.values() for count in counts})
    axes.set_xticks(tried, [str(count) for count in tried])
    axes.xaxis.set_minor_formatter(NullFormatter())
    _label(axes.yaxis)
    axes.legend()
    axes.set_xlabel("Principal components")
    axes.set_ylabel("NMAD in cross-validation, km/s")
    return finish(
        drawing,
        "Cross-validated redshift error against the number of principal components.",
        "How many components? Each model's error in cross-validation on a part of the training rows, with the "
        "best of its other parameters. The number with the smallest sum of redshift and magnitude errors is "
        "taken.",
    )


@figure_style()
def draw_costs(names: Sequence[str], error: Floats, seconds: Floats) -> Figure:
    """Draw the error of models against what they cost."""
    drawing, axes = new_axes(3.2, grid="both")
    axes.loglog(seconds, error, "o", color=MODEL)
    axes.set_xlabel("Processor time of fitting, s")
    axes.set_ylabel("NMAD, km/s")
    axes.margins(0.2, 0.15)
    axes.autoscale_view()
    for axis in (axes.xaxis, axes.yaxis):
        _label(axis)
    _name_points(axes, names, np.column_stack([seconds, error]))
    return finish(
        drawing,
        "Redshift error of every model against the processor time of its fitting.",
        "What does accuracy cost? Models to the lower left are efficient; whatever has another one to its lower "
        "left is not.",
    )


def _label(axis: Axis) -> None:
    """Label a logarithmic axis, of however few decades: by powers of ten alone a short one would have no label."""
    low, high = np.log10(axis.get_view_interval())
    axis.set_major_locator(LogLocator(subs=(1.0,) if high - low > _DECADES else (1.0, 2.0, 5.0)))
    axis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axis.set_minor_formatter(NullFormatter())


def _name_points(axes: Axes, names: Sequence[str], points: Floats) -> None:
    """Write a name beside each point, where no other name or point is in the way."""
    place = axes.transLimits.transform(axes.transScale.transform(points))
    taken = [(x - _MARK, x + _MARK, y - _MARK, y + _MARK) for x, y in place]
    for number in np.argsort(place[:, 0]):
        (x, y), name = place[number], names[number]
        width = _LETTER * len(name)
        for left, bottom in ((x + 0.02, y - _LINE / 2), *((x - width / 2, y + k * _LINE) for k in _STEPS)):
            box = (left, left + width, bottom, bottom + _LINE)
            if not any(_overlap(box, other) for i, other in enumerate(taken) if i != number):
                break
        taken.append(box)
        note(axes, left, bottom, name, va="bottom", transform=axes.transAxes)


def _overlap(a: tuple[float, ...], b: tuple[float, ...]) -> bool:
    return a[0] < b[1] and b[0] < a[1] and a[2] < b[3] and b[2] < a[3]
