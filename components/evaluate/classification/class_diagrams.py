"""Diagrams of several classes, each against the rest; two have those of `diagrams`."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from components.common.figures import INK, MUTED, SERIES, Figure, figure_style, finish, new_axes, set_percent
from components.evaluate.classification.metrics import Against

_SMALLEST_RATE = 1e-3
_DASHES: tuple[Any, ...] = ("solid", (0, (4, 1.5)), (0, (1.5, 1.5)))
_MOST_LABELLED = 5


@figure_style()
def draw_roc_of_each(each: Mapping[str, Against]) -> Figure:
    """Draw a ROC curve for each class, by name, against the rest."""
    drawing, axes = new_axes(3.3, grid="both")
    for number, (name, found) in enumerate(each.items()):
        fpr = np.maximum(np.asarray(found.roc["fpr"], dtype=np.float64), _SMALLEST_RATE / 2)
        axes.step(fpr, found.roc["tpr"], where="post", label=f"{name}  {found.area:.3f}", **line_style(number))
    chance = np.geomspace(_SMALLEST_RATE / 2, 1, 50)
    axes.plot(chance, chance, color=MUTED, linewidth=0.8)
    axes.set_xscale("log")
    axes.set_xlim(_SMALLEST_RATE / 2, 1)
    axes.set_ylim(0, 1.02)
    set_percent(axes.xaxis)
    set_percent(axes.yaxis)
    _legend(axes, len(each), "area", "lower right")
    axes.set_xlabel("Others taken for it (false positives)")
    axes.set_ylabel("Found of the class")
    return finish(
        drawing,
        "ROC curves of each class against the rest: " + _areas(each, "area"),
        "How much of each class is found, against how many others are taken for it, as the threshold on its "
        "probability falls. The number is the area below the curve; the grey line is chance. The axis is "
        "logarithmic, since few false positives decide what a sample is good for.",
    )


@figure_style()
def draw_precision_recall_of_each(each: Mapping[str, Against]) -> Figure:
    """Draw purity against completeness for each class, by name."""
    drawing, axes = new_axes(3.3, grid="both")
    for number, (name, found) in enumerate(each.items()):
        curve = found.precision_recall
        label = f"{name}  {found.average_precision:.3f}"
        axes.plot(curve["recall"], curve["precision"], label=label, **line_style(number))
    axes.set_xlim(0, 1.005)
    axes.set_ylim(0, 1.02)
    set_percent(axes.xaxis)
    set_percent(axes.yaxis)
    _legend(axes, len(each), "area", "lower left")
    axes.set_xlabel("Completeness (recall)")
    axes.set_ylabel("Purity (precision)")
    return finish(
        drawing,
        "Precision-recall curves of each class against the rest: " + _areas(each, "average_precision"),
        "What a complete sample of each class costs in purity. The number is the area below the curve. A rare "
        "class lies lower than a frequent one that is as hard to tell: purity depends on how frequent it is.",
    )


@figure_style()
def draw_reliability_of_each(each: Mapping[str, Against]) -> Figure:
    """Draw for each class, by name, how often it is there where it is given a probability."""
    drawing, axes = new_axes(3.2, grid="both")
    axes.plot([0, 1], [0, 1], color=INK, linewidth=0.8)
    for number, (name, found) in enumerate(each.items()):
        predicted, observed, count = (
            np.array(found.reliability[key]) for key in ("predicted", "observed", "count")
        )
        enough = count >= 10
        style = {**line_style(number), "linewidth": 1.2}
        axes.plot(predicted[enough], observed[enough], marker="o", markersize=3.5, label=name, **style)
    axes.set_xlim(-0.02, 1.02)
    axes.set_ylim(-0.02, 1.05)
    set_percent(axes.xaxis)
    set_percent(axes.yaxis)
    _legend(axes, len(each), "", "upper left")
    axes.set_xlabel("Predicted probability of the class")
    axes.set_ylabel("Are of the class")
    return finish(
        drawing,
        f"Fraction of objects that are of a class against its predicted probability, for {', '.join(each)}.",
        "Are the probabilities honest? On the diagonal, four of five objects with a probability of 80\u202f% are "
        "of the class. Bins with fewer than ten objects are left out.",
    )


def line_style(number: int) -> dict[str, Any]:
    """Return colour and dashes of the class with this number."""
    dashes = _DASHES[(number // len(SERIES)) % len(_DASHES)]
    return {"color": SERIES[number % len(SERIES)], "linestyle": dashes, "linewidth": 1.6}


def _legend(axes: Any, classes: int, title: str, place: str) -> None:
    if classes <= _MOST_LABELLED:
        axes.legend(loc=place, title=title or None, title_fontsize=8)
        return
    # Many classes have curves everywhere: their names stand above the panel.
    columns = 4 if title else 6
    axes.legend(
        loc="lower center",
        bbox_to_anchor=(0.5, 1.0),
        ncols=columns,
        fontsize=6.5,
        columnspacing=0.8,
        handlelength=1.2,
    )


def _areas(each: Mapping[str, Against], key: str) -> str:
    return ", ".join(f"{name} {getattr(found, key):.3f}" for name, found in each.items()) + "."
