"""Diagrams by which any regression is judged; the arrays come in, a finished figure goes out."""

from collections.abc import Sequence

import numpy as np
from matplotlib.ticker import MaxNLocator, PercentFormatter
from scipy import stats

from components.common.figures import (
    INK,
    MUTED,
    SERIES,
    Figure,
    draw_points,
    figure_style,
    finish,
    new_axes,
    new_panels,
    note,
)
from components.common.scores import Floats

MODEL, OTHER, FAILURE = SERIES[0], SERIES[5], SERIES[1]
"""What the model says, what is compared with it, and what went wrong, in the same colours on every page."""

_SHOWN = 0.99


@figure_style()
def draw_predicted_and_true(
    truth: Floats, predicted: Floats, residual: Floats, *, quantity: str, residual_name: str
) -> Figure:
    """Predictions against the truth, and below them the residuals on a scale where they can be seen.

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
    above.axline((span[0], span[0]), slope=1, color=INK, linewidth=0.8)
    below.axhline(0, color=INK, linewidth=0.8)
    above.set_ylabel(f"Predicted {quantity}")
    below.set_ylabel(residual_name)
    below.set_xlabel(f"True {quantity}")
    drawing.align_ylabels()
    beyond = int((np.abs(residual) > 1.5 * largest).sum())
    outside = int(((predicted < span[0] - pad) | (predicted > span[1] + pad)).sum())
    return finish(
        drawing,
        f"Scatter of predicted against true {quantity} for {truth.size} objects, with residuals below.",
        f"Predicted against true {quantity}, and the residual {residual_name} below. Perfect predictions lie on the "
        f"line. Look for bands off it and for a tilt of the residuals. Off the upper panel: {outside} objects; off "
        f"the lower: {beyond}, of {truth.size:,}.",
    )


@figure_style()
def draw_pit(pit: Floats, bins: int = 20, level: float = 0.95) -> Figure:
    """Histogram of the probability integral transform, with the range that chance allows.

    Parameters
    ----------
    pit : ndarray, shape (n,)
        Predicted cumulative probability at the truth, 0 to 1.
    bins : int
        Number of bins.
    level : float
        Probability that a bin of a calibrated model lies in the band.
    """
    drawing, axes = new_axes(2.7)
    counts, edges = np.histogram(pit, bins=bins, range=(0, 1))
    expected = pit.size / bins
    low, high = stats.binom.interval(level, pit.size, 1 / bins)
    axes.axhspan(low / expected, high / expected, color=MUTED, alpha=0.22, linewidth=0)
    axes.stairs(counts / expected, edges, color=MODEL, fill=True, alpha=0.28)
    axes.stairs(counts / expected, edges, color=MODEL, linewidth=1.3, baseline=None)
    axes.axhline(1, color=INK, linewidth=0.8)
    axes.set_xlim(0, 1)
    axes.set_ylim(0, max(1.6, 1.08 * float(counts.max()) / expected))
    axes.set_xlabel("Predicted cumulative probability at the truth")
    axes.set_ylabel("Objects, relative to flat")
    return finish(
        drawing,
        f"Histogram of the probability integral transform of {pit.size} objects in {bins} bins.",
        "Where the truth falls in the predicted distributions. Honest ones give a flat histogram: "
        f"{level:.0%} of the bins inside the grey band. A hump says that the distributions are too wide, high ends "
        "that they are too narrow, a slope that they are biased.",
    )


@figure_style()
def draw_coverage(nominal: Floats, observed: Floats, low: Floats, high: Floats) -> Figure:
    """Reliability: the fraction of truths inside the central interval of each probability.

    Parameters
    ----------
    nominal : ndarray, shape (k,)
        Probability of the interval, 0 to 1.
    observed, low, high : ndarray, shape (k,)
        Fraction of truths inside, with its interval.
    """
    drawing, axes = new_axes(2.7, grid="both")
    axes.fill_between(nominal, low, high, color=MODEL, alpha=0.25, linewidth=0)
    axes.plot(nominal, observed, color=MODEL)
    axes.plot([0, 1], [0, 1], color=INK, linewidth=0.8)
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1.02)
    note(axes, 0.97, 0.06, "overconfident", ha="right")
    note(axes, 0.03, 0.94, "too cautious")
    axes.set_xlabel("Probability of the central interval")
    axes.set_ylabel("Truths inside it")
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    return finish(
        drawing,
        "Fraction of truths inside the predicted central intervals, against the probability of the interval.",
        "Are the intervals as wide as they should be? On the diagonal, an interval of 68 % holds 68 % of the truths. "
        "Below it the model claims to know better than it does. The band is the sampling error.",
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
    """A score in bins of a feature, over the number of objects that it rests on.

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
    above.errorbar(centre, value, error, fmt="o", color=MODEL, markersize=5, elinewidth=1.4)
    below.bar(centre, count, width=0.92, color=OTHER, alpha=0.55, linewidth=0)
    below.set_xlim(0, edges.size - 1)
    below.set_xticks(np.arange(edges.size), [f"{e:g}" if np.isfinite(e) else "∞" for e in edges])
    below.yaxis.set_major_locator(MaxNLocator(2, integer=True))
    if percent:
        above.yaxis.set_major_formatter(PercentFormatter(1))
    above.set_ylabel(score)
    below.set_ylabel("Objects")
    below.set_xlabel(feature)
    drawing.align_ylabels()
    return finish(
        drawing,
        f"{score} in {value.size} bins of {feature}, with error bars, above the number of objects in each bin.",
        f"{score} by {feature}. Bars are intervals: wide ones stand on few objects, counted below. Look for where it "
        "falls, not for single steps inside the bars.",
    )


@figure_style()
def draw_learning_curves(epoch: Floats, train: Floats, validation: Floats, chosen: int, *, loss: str) -> Figure:
    """Loss by epoch.

    Parameters
    ----------
    epoch : ndarray, shape (k,)
        Numbers of the epochs.
    train, validation : ndarray, shape (k,)
        Loss of each.
    chosen : int
        Number of the epoch whose weights were kept.
    loss : str
        Name of the loss.
    """
    drawing, axes = new_axes(2.7)
    axes.plot(epoch, train, color=OTHER, linestyle=(0, (4, 2)), label="training")
    axes.plot(epoch, validation, color=MODEL, marker="o", markersize=3, label="validation")
    at = int(np.argmin(np.abs(epoch - chosen)))
    axes.plot(
        epoch[at], validation[at], "o", color=FAILURE, markersize=9, fillstyle="none", markeredgewidth=1.6,
        label=f"kept: epoch {chosen}",
    )  # fmt: skip
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.set_xlabel("Epoch")
    axes.set_ylabel(loss)
    axes.legend()
    return finish(
        drawing,
        f"{loss} on training and validation data for {epoch.size} epochs; epoch {chosen} was kept.",
        f"How the model learned. The weights of epoch {chosen} were kept, as the validation data chose. Where "
        "validation turns up while training still falls, the model has begun to learn the training set by heart.",
    )


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
    """The model among its baselines, one dot each.

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
        note(axes, value[i], row[i] + 0.2, f"{value[i]:.1%}" if percent else f"{value[i]:.4g}", INK, ha="center")
    if published is not None:
        axes.axvline(published, color=INK, linewidth=1, linestyle=(0, (4, 2)))
        note(axes, published, -0.62, "published ", ha="right", va="center")
    axes.set_yticks(row, names)
    axes.set_ylim(-0.8, len(names) - 0.3)
    axes.spines["left"].set_visible(False)
    axes.margins(x=0.08)
    if percent:
        axes.xaxis.set_major_formatter(PercentFormatter(1))
    axes.set_xlabel(score)
    return finish(
        drawing,
        f"{score}: " + ", ".join(f"{n} {v:.3g}" for n, v in zip(names, value, strict=True)) + ".",
        f"{score}, of the model and of simpler methods on the same objects. Bars are intervals. The model has to earn "
        "its cost against the best of the others, not against the constant alone.",
    )


@figure_style()
def draw_risk_coverage(kept: Floats, risk: Floats, *, risk_name: str) -> Figure:
    """How the risk falls as the least certain objects are left out.

    Parameters
    ----------
    kept : ndarray, shape (k,)
        Fraction of the objects kept, the most certain first.
    risk : ndarray, shape (k,)
        Risk among these, a fraction.
    risk_name : str
        What the risk counts.
    """
    drawing, axes = new_axes(2.7)
    axes.axhline(risk[-1], color=MUTED, linewidth=0.9, linestyle=(0, (4, 2)))
    axes.plot(kept, risk, color=MODEL)
    axes.plot(kept[-1], risk[-1], "o", color=MODEL, clip_on=False)
    axes.set_xlim(0, 1)
    axes.set_ylim(0, max(1.25 * float(np.max(risk)), 1e-3))
    note(axes, 0.02, risk[-1], "were sigma of no use", va="bottom")
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.set_xlabel("Objects kept, the most certain first")
    axes.set_ylabel(risk_name)
    return finish(
        drawing,
        f"{risk_name} among the most certain objects, against the fraction kept; {risk[-1]:.2%} when all are.",
        f"Does the predicted uncertainty know which objects to distrust? {risk_name} when only the most certain "
        "objects are kept. The faster the curve falls to the left, the more a cut on the uncertainty buys.",
    )
