"""Diagrams by which any regression is judged; the arrays come in, a finished figure goes out."""

from collections.abc import Sequence

import numpy as np
from matplotlib.ticker import MaxNLocator

from components.common.figures import (
    INK,
    SERIES,
    Figure,
    draw_points,
    figure_style,
    finish,
    new_axes,
    new_panels,
    note,
    set_percent,
)
from components.common.scores import INTERVAL_LEVEL, Floats
from components.common.wording import counted

MODEL, OTHER, FAILURE = SERIES[0], SERIES[5], SERIES[1]
"""What the model says, what is compared with it, and what went wrong, in the same colours on every page."""

_SHOWN = 0.99
_MOST_DOTS = 60
_FEWEST = 10
"""Objects of a bin whose score is drawn: the bar of a smaller one can be so wide that nothing else is seen."""

_LEVEL = f"{INTERVAL_LEVEL:.0%}"


def sentence(text: str) -> str:
    """Begin with a capital, and leave the rest: names such as S/N or CRPS have their own."""
    return text[:1].upper() + text[1:]


@figure_style()
def draw_predicted_and_true(
    truth: Floats, predicted: Floats, residual: Floats, *, quantity: str, residual_name: str
) -> Figure:
    """Draw predictions against the truth, and below them the residuals on a scale where they can be seen.

    Parameters
    ----------
    truth, predicted : ndarray, shape (n,)
        Labels and predictions.
    residual : ndarray, shape (n,)
        Of each prediction, normalised as the field does.
    quantity : str
        What is predicted, with its unit.
    residual_name : str
        How the residual is defined.
    """
    drawing, (above, below) = new_panels((2.4, 1), height=4.2)
    span = (float(truth.min()), float(truth.max()))
    pad = 0.03 * (span[1] - span[0] or 1.0)
    above.set_xlim(span[0] - pad, span[1] + pad)
    above.set_ylim(span[0] - pad, span[1] + pad)
    largest = float(np.quantile(np.abs(residual), _SHOWN)) or 1.0
    below.set_ylim(-1.5 * largest, 1.5 * largest)
    draw_points(above, truth, predicted, MODEL)
    draw_points(below, truth, residual, MODEL)
    above.axline((span[0], span[0]), slope=1, color=INK, linewidth=0.8, zorder=1)
    below.axhline(0, color=INK, linewidth=0.8, zorder=1)
    above.set_ylabel(f"Predicted {quantity}")
    below.set_ylabel(residual_name)
    below.set_xlabel(f"True {quantity}")
    drawing.align_ylabels()
    beyond = int((np.abs(residual) > 1.5 * largest).sum())
    outside = int(((predicted < span[0] - pad) | (predicted > span[1] + pad)).sum())
    return finish(
        drawing,
        f"Scatter of predicted against true {quantity} for {truth.size} objects, with residuals below.",
        f"Predicted against true {quantity}, and the residual {residual_name} below. Perfect predictions lie on "
        "the line. Look for bands off it and for a tilt of the residuals. Outside the upper panel: "
        f"{counted(outside, 'object')}; outside the lower one: {counted(beyond, 'object')}.",
    )


@figure_style()
def draw_score_by_feature(
    bin_low: Floats,
    bin_high: Floats,
    value: Floats,
    low: Floats,
    high: Floats,
    count: Floats,
    *,
    score: str,
    feature: str,
    percent: bool = False,
) -> Figure:
    """Draw a score in bins of a feature, over the number of objects that it rests on.

    Parameters
    ----------
    bin_low, bin_high : ndarray, shape (k,)
        Edges of the bins, ascending; the last may end at infinity, and empty bins may be left out.
    value, low, high : ndarray, shape (k,)
        Score of each bin, with its interval.
    count : ndarray, shape (k,)
        Objects in each bin.
    score, feature : str
        Names, with units.
    percent : bool
        Show the score as a percentage.
    """
    drawing, (above, below) = new_panels((2.6, 1), height=3.3)
    edges = np.unique(np.concatenate([bin_low, bin_high]))
    left = np.searchsorted(edges, bin_low)
    centre = left + 0.5
    error = np.clip([value - low, high - value], 0, None)
    shown = (count >= _FEWEST) | (count.max() < _FEWEST)
    above.errorbar(
        centre[shown], value[shown], error[:, shown], fmt="o", color=MODEL, markersize=5, elinewidth=1.4
    )
    below.bar(centre, count, width=0.92, color=OTHER, alpha=0.55, linewidth=0)
    below.set_xlim(0, edges.size - 1)
    below.set_xticks(np.arange(edges.size), [f"{e:g}" if np.isfinite(e) else "∞" for e in edges])
    below.yaxis.set_major_locator(MaxNLocator(2, integer=True))
    if percent:
        set_percent(above.yaxis)
    above.set_ylabel(sentence(score))
    below.set_ylabel("Objects")
    below.set_xlabel(sentence(feature))
    drawing.align_ylabels()
    return finish(
        drawing,
        f"{score} in {value.size} bins of {feature}, with error bars, above the number of objects in each bin.",
        f"{sentence(score)} by {feature}. Bars are {_LEVEL} intervals: wide ones stand on few objects, counted "
        "below. Look for where it changes by more than the bars, not for single steps inside them."
        + ("" if shown.all() else f" Bins of fewer than {_FEWEST} objects are left out above."),
    )


@figure_style()
def draw_learning_curves(
    number: Floats, train: Floats, validation: Floats, chosen: int, *, loss: str, step: str = "epoch"
) -> Figure:
    """Draw the loss by epoch, or by round of boosting.

    Parameters
    ----------
    number : ndarray, shape (k,)
        Numbers of the steps.
    train, validation : ndarray, shape (k,)
        Loss after each.
    chosen : int
        Number of the step that was kept.
    loss : str
        Name of the loss.
    step : {"epoch", "round"}
        What a step is: a pass over all training rows, or one more tree.
    """
    kept, held_back = (
        (f"The weights of epoch {chosen} were kept, as the validation data chose.", "validation")
        if step == "epoch"
        else (
            f"Rows held back from training chose {chosen} rounds; all rows were then boosted as often.",
            "held back",
        )
    )
    drawing, axes = new_axes(2.7)
    axes.plot(number, train, color=OTHER, linestyle=(0, (4, 2)), label="training")
    dots = "o" if number.size <= _MOST_DOTS else ""
    axes.plot(number, validation, color=MODEL, marker=dots, markersize=3, label=held_back)
    at = int(np.argmin(np.abs(number - chosen)))
    axes.plot(
        number[at], validation[at], "o", color=FAILURE, markersize=9, fillstyle="none", markeredgewidth=1.6,
        label=f"kept: {step} {chosen}",
    )  # fmt: skip
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.set_xlabel(sentence(step))
    axes.set_ylabel(sentence(loss))
    axes.legend()
    return finish(
        drawing,
        f"{loss} on training and {held_back} data for {number.size} {step}s; {step} {chosen} was kept.",
        f"How the model learned. {kept} {_ending(number, train, validation, at, step)}",
    )


def _ending(number: Floats, train: Floats, validation: Floats, chosen: int, step: str) -> str:
    """Say what the curves do after the step that was kept."""
    if number.size < 2:
        return ""
    if chosen == number.size - 1:
        return f"The solid line still falls at the end: more {step}s may well do better."
    if train[-1] >= train[chosen]:
        return "After that neither line falls further."
    by_heart = ": training rows learnt by heart" if train[-1] < validation[-1] else ""
    return f"After that the dashed line falls further and the solid one does not{by_heart}."


def _three_digits(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:#.3g}".rstrip(".")


@figure_style()
def draw_comparison(
    names: Sequence[str],
    value: Floats,
    low: Floats,
    high: Floats,
    *,
    score: str,
    percent: bool = False,
    published: float | None = None,
) -> Figure:
    """Draw the model among its baselines, one dot each.

    Parameters
    ----------
    names : sequence of str
        The model's first.
    value, low, high : ndarray, shape (k,)
        Score of each, with its interval.
    score : str
        Name, with its unit and direction.
    percent : bool
        Show the score as a percentage.
    published : float, optional
        Marked by a line: give it only where the data are real.
    """
    drawing, axes = new_axes(0.9 + 0.3 * len(names), grid="x")
    row = np.arange(len(names))[::-1]
    colours = [MODEL, *[OTHER] * (len(names) - 1)]
    error = np.clip([value - low, high - value], 0, None)
    for i, colour in enumerate(colours):
        axes.errorbar(
            value[i], row[i], xerr=error[:, i : i + 1], fmt="o", color=colour, markersize=6, elinewidth=1.6
        )
        note(
            axes,
            value[i],
            row[i] + 0.2,
            f"{100 * value[i]:.1f}\u202f%" if percent else _three_digits(float(value[i])),
            INK,
            ha="center",
        )
    if published is not None:
        axes.axvline(published, color=INK, linewidth=1, linestyle=(0, (4, 2)))
        note(axes, published, -0.62, "published ", ha="right", va="center")
    axes.set_yticks(row, names)
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(-0.8, len(names) - 0.3)
    axes.spines["left"].set_visible(False)
    axes.margins(x=0.08)
    if percent:
        set_percent(axes.xaxis)
    axes.set_xlabel(sentence(score))
    return finish(
        drawing,
        f"{score}: " + ", ".join(f"{n} {v:.3g}" for n, v in zip(names, value, strict=True)) + ".",
        f"{sentence(score)}: the model and simpler methods on the same objects. Bars are {_LEVEL} intervals; a "
        "mark without one is wider than its interval. The model has to earn its cost against the best of the "
        "others, not against the constant alone.",
    )
