"""Diagrams by which redshifts are judged: how far off, which line was taken for which, and which spectra."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from components.common.figures import (
    INK,
    MUTED,
    SERIES,
    Figure,
    draw_points,
    figure_style,
    finish,
    new_axes,
    note,
    set_percent,
)
from components.common.scores import Floats
from components.common.themed_svg import HALO
from components.evaluate.regression.diagrams import FAILURE, MODEL, OTHER
from components.evaluate.regression.line_confusion import Streak

_STREAKS_NAMED = 6
_STREAKS_APART = 0.05  # in their ratio: a name fits between
_MISSES_NAMED = 8
_LETTER = 0.019  # width of one in a name, of the panel
_CURVE_POINTS = 400
_DASHES = ((0, (5, 2)), (0, (1.5, 1.5)), (0, (6, 2, 1.5, 2)), (0, (3, 1.5)))


@figure_style()
def draw_redshift_plane(
    truth: Floats, predicted: Floats, streaks: Sequence[Streak], limits: tuple[float, float]
) -> Figure:
    """Draw predicted against true redshift, with the streaks that confused lines form.

    Parameters
    ----------
    truth, predicted : ndarray, shape (n,)
        Catalogue and predicted redshifts.
    streaks : sequence of Streak
        The most frequent first; those are named.
    limits : tuple of float
        Range of both axes.
    """
    drawing, axes = new_axes(4.1, grid=None)
    axes.set_xlim(limits)
    axes.set_ylim(limits)
    axes.set_aspect("equal")
    axes.plot(limits, limits, color=INK, linewidth=0.8, zorder=1)
    draw_points(axes, truth, predicted, MODEL)
    named = _apart([streak for streak in streaks if streak.ratio != 1])[:_STREAKS_NAMED]
    for streak in named:
        _draw_streak(axes, streak, limits)
    axes.set_xlabel("Catalogue redshift")
    axes.set_ylabel("Predicted redshift")
    return finish(
        drawing,
        f"Predicted against catalogue redshift of {truth.size} spectra, with {len(named)} streaks.",
        "Predicted against catalogue redshift. Right ones lie on the diagonal. The dashed streaks are where one "
        "line is taken for another, so that (1 + predicted z) / (1 + z) is the ratio of their wavelengths. Points "
        "far from all of them are spectra in which the model found no line, or erred for another reason.",
    )


def _apart(streaks: Sequence[Streak]) -> list[Streak]:
    """Leave out the streaks that would be drawn on top of a more frequent one."""
    kept: list[Streak] = []
    for streak in streaks:
        if all(abs(streak.ratio / other.ratio - 1) > _STREAKS_APART for other in kept):
            kept.append(streak)
    return kept


def _draw_streak(axes: Axes, streak: Streak, limits: tuple[float, float]) -> None:
    """Draw one streak, its name along it and near its end, where streaks are farthest apart."""
    low, high = limits
    start, end = max(low, (1 + low) / streak.ratio - 1), min(high, (1 + high) / streak.ratio - 1)
    if end <= start:
        return
    axes.plot(
        [start, end],
        [streak.ratio * (1 + z) - 1 for z in (start, end)],
        color=FAILURE,
        linewidth=0.9,
        linestyle=_DASHES[0],
    )
    above = streak.ratio > 1
    angle = np.arctan(streak.ratio)
    inside = end - 0.03 * (high - low) / (streak.ratio if above else 1)
    normal = np.array([-np.sin(angle), np.cos(angle)]) * (2 if above else -2)
    axes.annotate(
        f"{streak.true_line} as {streak.taken_for}",
        (inside, streak.ratio * (1 + inside) - 1),
        xytext=tuple(normal),
        textcoords="offset points",
        rotation=float(np.degrees(angle)),
        rotation_mode="anchor",
        ha="right",
        va="bottom" if above else "top",
        color=FAILURE,
        fontsize=7.5,
        gid=HALO,
    )


@figure_style()
def draw_velocity_errors(velocity_km_s: Mapping[str, Floats], limits_km_s: Sequence[float]) -> Figure:
    """Draw the cumulative distribution of |dv| on a logarithmic axis.

    Parameters
    ----------
    velocity_km_s : mapping of str to ndarray, shape (n,)
        Velocity errors by method, the model first.
    limits_km_s : sequence of float
        Limits of the accuracies, marked.
    """
    drawing, axes = new_axes(3.2)
    level = np.linspace(0, 1, _CURVE_POINTS)
    for i, (name, velocity) in enumerate(velocity_km_s.items()):
        size = np.quantile(np.abs(velocity), level)
        style = {"color": MODEL, "linewidth": 2.0} if i == 0 else {
            "color": SERIES[2 + (i - 1) % 4], "linestyle": _DASHES[(i - 1) % len(_DASHES)], "linewidth": 1.2
        }  # fmt: skip
        axes.plot(np.maximum(size, 1.0), level, label=name, **style)
    axes.set_xscale("log")
    axes.set_xlim(30, 600_000)
    axes.set_ylim(0, 1.09)
    for limit in limits_km_s:
        axes.axvline(limit, color=MUTED, linewidth=0.7, linestyle=(0, (1.5, 2)))
        note(axes, limit, 1.09, f"{limit / 1000:g}", ha="center", va="bottom", fontsize=7.5)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:,.0f}".replace(",", "\u202f")))
    set_percent(axes.yaxis)
    axes.set_yticks(np.linspace(0, 1, 6))
    # Below the model's curve and left of the baselines'.
    axes.legend(loc="lower left", bbox_to_anchor=(0.27, 0.02))
    axes.set_xlabel("|dv| in km/s")
    axes.set_ylabel("Objects with a smaller error")
    first = next(iter(velocity_km_s))
    return finish(
        drawing,
        f"Cumulative distribution of the size of the velocity error, for {', '.join(velocity_km_s)}.",
        "Fraction of objects with a velocity error below a limit. Dotted lines are the limits of the accuracies, "
        f"in 1000 km/s. The curve of the {first} should rise early and end flat: what is left at the right is not "
        "imprecise but wrong.",
    )


@figure_style()
def draw_redshift_distribution(
    truth: Floats, predicted: Floats, limits: tuple[float, float], bins: int = 60
) -> Figure:
    """Draw n(z) as it is and as it would be recovered from the predictions.

    Parameters
    ----------
    truth, predicted : ndarray, shape (n,)
        Catalogue and predicted redshifts.
    limits : tuple of float
        Range of redshifts.
    bins : int
        Number of bins.
    """
    drawing, axes = new_axes(2.7)
    edges = np.linspace(*limits, bins + 1)
    axes.stairs(np.histogram(truth, edges)[0], edges, fill=True, color=OTHER, alpha=0.35, label="catalogue")
    axes.stairs(np.histogram(predicted, edges)[0], edges, color=MODEL, linewidth=1.4, label="predicted")
    axes.set_xlim(limits)
    axes.set_ylim(0, None)
    axes.set_xlabel("Redshift")
    axes.set_ylabel("Objects")
    axes.legend()
    return finish(
        drawing,
        f"Histograms of the catalogue and the predicted redshifts of {truth.size} spectra.",
        "The distribution of redshifts in the catalogue and as predicted. Peaks that the catalogue lacks are "
        "favourite wrong answers; gaps are redshifts that the model avoids.",
    )


@figure_style()
def draw_external(
    truth: Floats,
    predicted: Floats,
    low: Floats,
    high: Floats,
    missed: npt.NDArray[np.bool_],
    ids: Sequence[str],
    limits: tuple[float, float],
) -> Figure:
    """Draw predicted against catalogue redshift of a few spectra, with every miss named.

    Parameters
    ----------
    truth, predicted, low, high : ndarray, shape (n,)
        Catalogue redshifts; predictions with the ends of their intervals.
    missed : ndarray of bool, shape (n,)
        Predictions that count as wrong.
    ids : sequence of str, length n
        Names of the spectra.
    limits : tuple of float
        Range of both axes.
    """
    drawing, axes = new_axes(4.1, grid=None)
    axes.set_xlim(limits)
    axes.set_ylim(limits)
    axes.set_aspect("equal")
    axes.plot(limits, limits, color=INK, linewidth=0.8, zorder=1)
    error = np.clip([predicted - low, high - predicted], 0, None)
    for chosen, colour, label in ((~missed, MODEL, "right"), (missed, FAILURE, "wrong")):
        marker = "o" if colour == MODEL else "D"
        axes.errorbar(
            truth[chosen], predicted[chosen], error[:, chosen], fmt=marker, color=colour, markersize=4.5,
            markeredgewidth=0, elinewidth=0.9, alpha=0.8, label=f"{label}: {int(chosen.sum())}",
        )  # fmt: skip
    _name_misses(axes, truth, predicted, np.flatnonzero(missed), ids)
    axes.legend(loc="best")
    axes.set_xlabel("Catalogue redshift")
    axes.set_ylabel("Predicted redshift")
    return finish(
        drawing,
        f"Predicted against catalogue redshift of {truth.size} spectra, {int(missed.sum())} of them wrong.",
        "Spectra from outside, which the model was neither trained nor tuned on. Bars are 68\u202f% intervals; "
        "many are smaller than the marks. Each wrong one is named: look it up first, as catalogues err too.",
    )


def _name_misses(
    axes: Axes, truth: Floats, predicted: Floats, missed: npt.NDArray[np.intp], ids: Sequence[str]
) -> None:
    """Write the names on the side away from the diagonal, where there is room, and below each other."""
    low, high = axes.get_xlim()
    span = high - low
    floor = {"left": -np.inf, "right": -np.inf}
    for i in missed[np.argsort(predicted[missed])][:_MISSES_NAMED]:
        room = _LETTER * len(ids[i]) * span
        if predicted[i] > truth[i]:
            side = "right" if truth[i] - room > low else "left"
        else:
            side = "left" if truth[i] + room < high else "right"
        height = max(float(predicted[i]), floor[side])
        floor[side] = height + 0.045 * span
        gap = 0.02 * span * (1 if side == "left" else -1)
        note(axes, truth[i] + gap, height, ids[i], FAILURE, ha=side, va="center", fontsize=7.5)
