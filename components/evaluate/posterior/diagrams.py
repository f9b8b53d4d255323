"""Diagrams of posteriors: parameters with their bars, feedback against errors."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing

from components.common.figures import INK, MUTED, SERIES, WIDTH, Figure, figure_style, finish, new_axes, note
from components.common.scores import Score
from components.evaluate.posterior.scores import COSMOLOGY, Chance, Posterior, feedback_correlations
from components.physics.multifield import PARAMETERS

Floats = npt.NDArray[np.float64]

NAMES = dict(zip(PARAMETERS, ("Ω_m", "σ_8", "log A_SN1", "log A_AGN1", "log A_SN2", "log A_AGN2"), strict=True))
"""For a reader; logarithms are decimal ones."""

_SHOWN = 60


@figure_style()
def draw_parameters(posterior: Posterior, groups: npt.NDArray[Any], which: Sequence[int]) -> Figure:
    """Draw what is said of some parameters against the truth, with bars, of one map of each universe."""
    names = [NAMES[PARAMETERS[place]] for place in which]
    drawing = Drawing(figsize=(WIDTH, 2.1 * (len(which) // 2)), layout="constrained")
    _, rows = np.unique(groups.astype(np.str_), return_index=True)
    rows = rows[:_SHOWN]
    panels = drawing.subplots(len(which) // 2, 2, squeeze=False).ravel()
    inside = []
    for axes, place, name in zip(panels, which, names, strict=True):
        known = rows[np.isfinite(posterior.truth[rows, place])]
        truth, mean, width = (getattr(posterior, n)[known, place] for n in ("truth", "mean", "width"))
        axes.errorbar(truth, mean, width, fmt="o", color=SERIES[0], markersize=2.6, elinewidth=0.7, alpha=0.8)
        _diagonal(axes, truth)
        axes.set_title(name)
        inside.append(float(np.mean(np.abs(truth - mean) <= width)) if len(known) else np.nan)
    for axes in panels[-2:]:
        axes.set_xlabel("True")
    for axes in panels[::2]:
        axes.set_ylabel("Predicted")
    share = ", ".join(
        f"{value:.0%} of {name}".replace("%", "\u202f%") for value, name in zip(inside, names, strict=True)
    )
    return finish(
        drawing,
        f"Predicted against true {', '.join(names)} with bars of one standard deviation.",
        f"One map of each of {len(rows)} universes, with the standard deviation that the network gives; 68\u202f% "
        f"of the bars should reach the line. They do for {share}. A flat row of wide bars is a parameter of which "
        "the maps say nothing.",
    )


@figure_style()
def draw_feedback(posterior: Posterior, chance: Chance | None) -> Figure:
    """Draw the correlations of errors with feedback."""
    drawing, axes = new_axes(2.6)
    found = feedback_correlations(posterior, np.ones((1, len(posterior))))[0]
    labels = [NAMES[name].removeprefix("log ") for name in PARAMETERS[COSMOLOGY:]]
    at = np.arange(len(labels))
    for place, (shift, colour) in enumerate(((-0.2, SERIES[0]), (0.2, SERIES[1]))):
        axes.bar(at + shift, found[place], 0.38, color=colour, label=f"error of {NAMES[PARAMETERS[place]]}")
    axes.axhspan(-0.1, 0.1, color=MUTED, alpha=0.18, linewidth=0)
    axes.axhline(0, color=INK, linewidth=0.8)
    limit = 0.0 if chance is None else chance.high
    for sign in (-1, 1) if limit else ():
        axes.axhline(sign * limit, color=MUTED, linewidth=0.9, linestyle=(0, (4, 2)))
    reach = max(0.3, 1.2 * float(np.abs(found).max()), 1.2 * limit)
    axes.set_ylim(-reach, reach)
    axes.set_xticks(at, labels)
    axes.set_ylabel("Correlation of errors")
    axes.legend(loc="upper right", ncols=2)
    worst = np.unravel_index(np.abs(found).argmax(), found.shape)
    return finish(
        drawing,
        "Correlation of the errors of omega_m and sigma_8 with four parameters of feedback.",
        f"What errors have to do with feedback, at given cosmology. The largest is {found[worst]:.2f}, of "
        f"{NAMES[PARAMETERS[int(worst[0])]]} with {labels[int(worst[1])]}. Grey: the tenth that was aimed at. "
        f"Dashed: what the largest of eight exceeds by chance once in twenty times, {limit:.2f}.".replace(
            "-", "\u2212"
        ),
    )


@figure_style()
def draw_methods(names: Sequence[str], scores: Sequence[tuple[Score, Score]], parameters: Sequence[str]) -> Figure:
    """Draw the rms errors of the network and simpler methods, side by side for two parameters."""
    drawing = Drawing(figsize=(WIDTH, 0.9 + 0.32 * len(names)), layout="constrained")
    panels = drawing.subplots(1, 2, sharey=True)
    row = np.arange(len(names))[::-1]
    for place, axes in enumerate(panels):
        axes.grid(visible=True, axis="x")
        own = [pair[place] for pair in scores]
        value = np.array([s.value for s in own])
        error = np.clip([value - [s.low for s in own], np.array([s.high for s in own]) - value], 0, None)
        for i in range(len(names)):
            colour = SERIES[0] if names[i].startswith("network") else SERIES[5]
            axes.errorbar(value[i], row[i], xerr=error[:, i : i + 1], fmt="o", color=colour, elinewidth=1.5)
            note(axes, value[i], row[i] + 0.22, f"{value[i]:.4f}", INK, ha="center", fontsize=7)
        axes.set_xlim(0, 1.12 * float(np.max([s.high for s in own])))
        axes.set_ylim(-0.5, len(names) - 0.3)
        axes.set_title(f"rms error of {parameters[place]}")
        axes.tick_params(axis="y", length=0)
    panels[0].set_yticks(row, names)
    told = "; ".join(f"{n} {a.value:.3g} and {b.value:.3g}" for n, (a, b) in zip(names, scores, strict=True))
    return finish(
        drawing,
        f"Rms errors of {parameters[0]} and {parameters[1]}: {told}.",
        "Rms errors of single maps, and intervals by resampling universes as wholes. The network has to earn its "
        "cost against the power spectra, not against the prior.",
    )


def _diagonal(axes: Axes, truth: Floats) -> None:
    if len(truth):
        middle = float(truth.mean())
        axes.axline((middle, middle), slope=1, color=INK, linewidth=0.8, zorder=1)
