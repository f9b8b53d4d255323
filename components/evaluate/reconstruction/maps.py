"""Maps side by side: what is given, what was, and what is made of it."""

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Drawing

from components.common.figures import WIDTH, Figure, figure_style, finish
from components.evaluate.reconstruction.measuring import Example

Field = npt.NDArray[np.floating]

_HEIGHT = 3.5
_REACH = 2.5


@figure_style()
def draw_example(example: Example, box_size: float, depth: float) -> Figure:
    """Draw the maps of one slab.

    Parameters
    ----------
    example : Example
        The slab.
    box_size, depth : float
        Side and depth of a map in Mpc/h.
    """
    drawing = Drawing(figsize=(WIDTH, _HEIGHT), layout="constrained")
    panels = drawing.subplots(2, 3)
    reach = _REACH * float(example.truth.std())
    shown = (
        (panels[0, 0], "initial, true", example.truth),
        (panels[0, 1], "mean", example.mean),
        (panels[1, 0], "one sample", example.samples[0]),
        (panels[1, 1], "another", example.samples[1]),
    )
    for axes, title, field in shown:
        _paint(axes, title, field, box_size, -reach, reach, "RdBu_r")
    dense = np.log10(np.maximum(1 + example.final, 0.03))
    _paint(panels[0, 2], "final", dense, box_size, -1, 1.2, "Greys")
    _paint_spread(panels[1, 2], example.spread, box_size)
    agreement = float(np.corrcoef(example.truth.ravel(), example.mean.ravel())[0, 1])
    return finish(
        drawing,
        f"Maps of a slab of {example.name}: true initial density, its reconstruction, the final density, two "
        "samples and their spread.",
        f"{example.name}, {box_size:g} Mpc/h wide and {depth:.2g} deep. Initial maps, scaled to today, from blue "
        f"at {-reach:.2g} to red at {reach:.2g}, which is dense; the final one, of logarithmic density, dense in "
        f"black. Pixel by pixel the mean correlates with the truth by {agreement:.2f}: it has the broad shapes, "
        "and samples add what cannot be known. Their spread, in coarse pixels, goes from "
        f"{float(example.spread.min()):.2g} in white to {float(example.spread.max()):.2g}.",
    )


@figure_style()
def draw_prediction(name: str, final: Field, mean: Field, sample: Field, spread: Field, box_size: float) -> Figure:
    """Draw the maps of one slab of which the truth is not known."""
    drawing = Drawing(figsize=(WIDTH, 1.3 * _HEIGHT), layout="constrained")
    panels = drawing.subplots(2, 2)
    reach = _REACH * float(sample.std())
    dense = np.log10(np.maximum(1 + final, 0.03))
    _paint(panels[0, 0], "final density", dense, box_size, -1, 1.2, "Greys")
    _paint(panels[0, 1], "initial, mean", mean, box_size, -reach, reach, "RdBu_r")
    _paint(panels[1, 0], "initial, one sample", sample, box_size, -reach, reach, "RdBu_r")
    _paint_spread(panels[1, 1], spread, box_size)
    return finish(
        drawing,
        f"Final density of a slab of {name}, and its reconstructed initial density.",
        f"{name}: the final density, what it began as on average, one of the beginnings that are possible, and "
        "how much these differ.",
    )


def _paint_spread(axes: Axes, spread: Field, box_size: float) -> None:
    """Paint the spread of the samples on a scale of its own: white is the least, dark the most."""
    _paint(axes, "spread", spread, box_size, float(spread.min()), float(spread.max()), "Purples")


def _paint(axes: Axes, title: str, field: Field, box_size: float, low: float, high: float, colours: str) -> None:
    axes.imshow(
        field, cmap=colours, vmin=low, vmax=high, origin="lower", extent=(0, box_size, 0, box_size),
        interpolation="nearest",
    )  # fmt: skip
    axes.set_title(title)
    axes.set_xticks([])
    axes.set_yticks([])
