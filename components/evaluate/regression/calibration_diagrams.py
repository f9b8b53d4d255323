"""Diagrams that ask whether predicted uncertainties are honest, for any regression."""

import numpy as np
from scipy import stats

from components.common.figures import INK, MUTED, Figure, figure_style, finish, new_axes, note, set_percent
from components.common.scores import Floats
from components.evaluate.regression.diagrams import MODEL, sentence


@figure_style()
def draw_pit(pit: Floats, bins: int = 20, level: float = 0.95) -> Figure:
    """Draw the histogram of the probability integral transform, with the range that chance allows.

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
    axes.stairs(counts / expected, edges, color=MODEL, fill=True, alpha=0.18)
    axes.stairs(counts / expected, edges, color=MODEL, linewidth=1.3, baseline=None)
    axes.axhline(1, color=INK, linewidth=0.8)
    axes.set_xlim(0, 1)
    axes.set_ylim(0, max(1.6, 1.08 * float(counts.max()) / expected))
    axes.set_xlabel("Predicted cumulative probability at the truth")
    axes.set_ylabel("Objects, relative to flat")
    return finish(
        drawing,
        f"Histogram of the probability integral transform of {pit.size} objects in {bins} bins.",
        "Where the truth falls in the predicted distributions. Honest ones give a flat histogram, with "
        f"{100 * level:g}\u202f% of the bins inside the grey band. A hump says that the distributions are too "
        "wide, high ends that they are too narrow, a slope that they are biased.",
    )


@figure_style()
def draw_coverage(nominal: Floats, observed: Floats, low: Floats, high: Floats) -> Figure:
    """Draw the reliability: the fraction of truths inside the central interval of each probability.

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
    set_percent(axes.xaxis)
    set_percent(axes.yaxis)
    return finish(
        drawing,
        "Fraction of truths inside the predicted central intervals, against the probability of the interval.",
        "Are the intervals as wide as they should be? On the diagonal, an interval of 68\u202f% holds "
        "68\u202f% of the truths. Below it the model claims to know better than it does. The band is the sampling "
        "error.",
    )


@figure_style()
def draw_risk_coverage(kept: Floats, risk: Floats, *, risk_name: str) -> Figure:
    """Draw how the risk falls as the least certain objects are left out.

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
    set_percent(axes.xaxis)
    set_percent(axes.yaxis)
    axes.set_xlabel("Objects kept, the most certain first")
    axes.set_ylabel(sentence(risk_name))
    return finish(
        drawing,
        f"{risk_name} among the most certain objects, against the fraction kept; {risk[-1]:.2%} when all are.",
        f"Does the predicted uncertainty know which objects to distrust? {sentence(risk_name)} among the most "
        "certain ones alone. The faster the curve falls to the left, the more a cut on the uncertainty buys.",
    )
