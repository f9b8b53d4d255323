"""Diagrams by which any classification is judged; the arrays come in, a finished figure goes out."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from components.common.figures import INK, MUTED, SERIES, Figure, figure_style, finish, new_axes, note, set_percent
from components.common.scores import Floats
from components.evaluate.regression.diagrams import MODEL

_DASHES = ((0, (5, 2)), (0, (1.5, 1.5)), (0, (6, 2, 1.5, 2)), (0, (3, 1.5)))
_SMALLEST_RATE = 1e-3
_MOST_COUNTED = 3
_LEAST_SHARE = 0.005

Curve = Mapping[str, Sequence[float]]


@figure_style()
def draw_roc(curves: Mapping[str, Curve], positive: str) -> Figure:
    """Draw ROC curves over a logarithmic axis, on which few false positives can be seen.

    Parameters
    ----------
    curves : mapping of str to mapping
        `fpr` and `tpr` by method, the model first.
    positive : str
        Class that is looked for.
    """
    drawing, axes = new_axes(3.2, grid="both")
    for number, (name, curve) in enumerate(curves.items()):
        fpr = np.maximum(np.asarray(curve["fpr"], dtype=np.float64), _SMALLEST_RATE / 2)
        axes.step(fpr, curve["tpr"], where="post", label=name, **_style(number))
    chance = np.geomspace(_SMALLEST_RATE / 2, 1, 50)
    axes.plot(chance, chance, color=MUTED, linewidth=0.8)
    axes.set_xscale("log")
    axes.set_xlim(_SMALLEST_RATE / 2, 1)
    axes.set_ylim(0, 1.02)
    set_percent(axes.xaxis)
    set_percent(axes.yaxis)
    axes.legend(loc="best")
    axes.set_xlabel("Others taken for it (false positives)")
    axes.set_ylabel(f"{positive} found")
    return finish(
        drawing,
        f"ROC curves of {', '.join(curves)} for the class {positive}.",
        f"How much of the class {positive} is found, against how many others are taken for it, as the threshold "
        "falls. The axis is logarithmic, since a survey's use is decided at few false positives; the grey line is "
        "chance.",
    )


@figure_style()
def draw_precision_recall(curves: Mapping[str, Curve], positive: str, completeness: float, share: float) -> Figure:
    """Draw purity against completeness.

    Parameters
    ----------
    curves : mapping of str to mapping
        `recall` and `precision` by method, the model first.
    positive : str
        Class that is looked for.
    completeness : float
        Marked.
    share : float
        Of the objects that are of the class.
    """
    drawing, axes = new_axes(3.2, grid="both")
    lowest = 1.0
    for number, (name, curve) in enumerate(curves.items()):
        recall, precision = (np.asarray(curve[key], dtype=np.float64) for key in ("recall", "precision"))
        axes.plot(recall, precision, label=name, **_style(number))
        lowest = min(lowest, float(precision[recall >= 0.5].min(initial=1.0)))
    axes.axvline(completeness, color=INK, linewidth=0.9, linestyle=(0, (1.5, 2)))
    axes.set_xlim(0.5, 1.005)
    axes.set_ylim(max(0.0, lowest - 0.05), 1.01)
    set_percent(axes.xaxis)
    set_percent(axes.yaxis)
    axes.legend(loc="best")
    axes.set_xlabel("Completeness (recall)")
    axes.set_ylabel("Purity (precision)")
    return finish(
        drawing,
        f"Precision-recall curves of {', '.join(curves)} for the class {positive}.",
        f"What a complete sample of the class {positive} costs in purity. The dotted line is at a completeness of "
        f"{100 * completeness:.0f}\u202f%. Purity depends on how frequent the class is: here {share:.0%} of the "
        "objects are of it, elsewhere it may be far rarer.",
    )


@figure_style()
def draw_confusion(counts: npt.NDArray[np.int64], classes: Sequence[str]) -> Figure:
    """Draw the confusion matrix, with counts and with shares of each true class.

    Parameters
    ----------
    counts : ndarray of int, shape (classes, classes)
        By true class (row) and most probable class (column).
    classes : sequence of str
        Names.
    """
    many = len(classes) > _MOST_COUNTED
    drawing, axes = new_axes(min(0.8 + 0.75 * len(classes), 4.6), grid=None)
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    size = len(classes)
    for row in range(size):
        for at in range(size):
            place = (at - 0.5, size - row - 1.5)
            right = row == at
            axes.fill_between(
                [place[0], place[0] + 1], place[1], place[1] + 1,
                color=MODEL if right else SERIES[1], alpha=float(0.08 + 0.5 * share[row, at]), linewidth=0,
            )  # fmt: skip
            text = f"{counts[row, at]:,} ({100 * share[row, at]:.1f}\u202f%)".replace(",", "\u202f")
            if many:
                text = f"{100 * share[row, at]:.0f}" if share[row, at] >= _LEAST_SHARE else ""
            note(axes, at, size - row - 1, text, INK, ha="center", va="center", fontsize=8 if size > 2 else 9)
    axes.set_xlim(-0.5, size - 0.5)
    axes.set_ylim(-0.5, size - 0.5)
    axes.set_xticks(np.arange(size), list(classes))
    axes.set_yticks(np.arange(size), list(classes)[::-1])
    axes.tick_params(length=0)
    axes.set_xlabel("Most probable class")
    axes.set_ylabel("True class")
    return finish(
        drawing,
        "Confusion matrix: " + "; ".join(f"{n}: {row.tolist()}" for n, row in zip(classes, counts, strict=True)),
        "Which class is taken for which. Shares are of the true class, so that a row adds up to 100\u202f%."
        + (" Numbers are these shares in percent; those below half a percent are left out." if many else ""),
    )


@figure_style()
def draw_reliability(reliability: Mapping[str, Sequence[float]], positive: str) -> Figure:
    """Draw how often the class is there where it is given a probability.

    Parameters
    ----------
    reliability : mapping of str to sequence of float
        `predicted`, `observed` and `count` of bins.
    positive : str
        Class whose probability it is.
    """
    drawing, axes = new_axes(3.0, grid="both")
    predicted, observed, count = (np.array(reliability[name]) for name in ("predicted", "observed", "count"))
    low, high = wilson(observed, count)
    axes.plot([0, 1], [0, 1], color=INK, linewidth=0.8)
    axes.errorbar(
        predicted, observed, np.clip([observed - low, high - observed], 0, None),
        fmt="o", color=MODEL, markersize=4.5, elinewidth=1.2,
    )  # fmt: skip
    axes.set_xlim(-0.02, 1.02)
    axes.set_ylim(-0.02, 1.05)
    set_percent(axes.xaxis)
    set_percent(axes.yaxis)
    axes.set_xlabel(f"Predicted probability of {positive}")
    axes.set_ylabel(f"Are {positive}")
    return finish(
        drawing,
        f"Fraction of objects that are {positive} against the predicted probability, in {predicted.size} bins.",
        "Are the probabilities honest? On the diagonal, four of five objects with a probability of 80\u202f% are "
        f"of the class {positive}. Bars are 95\u202f% intervals; bins in the middle hold few objects where the "
        "model is seldom in doubt.",
    )


def wilson(share: Floats, count: Floats, deviations: float = 1.96) -> tuple[Floats, Floats]:
    """Wilson's interval of a proportion, which stays within 0 and 1."""
    square = deviations**2 / count
    centre = (share + square / 2) / (1 + square)
    half = deviations / (1 + square) * np.sqrt(share * (1 - share) / count + square / (4 * count))
    return centre - half, centre + half


def _style(number: int) -> dict[str, Any]:
    if number == 0:
        return {"color": MODEL, "linewidth": 2.0}
    colour = SERIES[2 + (number - 1) % 4]
    return {"color": colour, "linewidth": 1.2, "linestyle": _DASHES[(number - 1) % len(_DASHES)]}
