"""Diagrams of which fields matter, and of where in a map the network looks."""

import numpy as np
from matplotlib.figure import Figure as Drawing

from components.common.figures import INK, SERIES, WIDTH, Figure, figure_style, finish, new_axes
from components.evaluate.posterior.importance import METHODS, SHAPLEY, Importance
from components.evaluate.posterior.measuring import PLACES
from components.evaluate.posterior.outcome import Look


@figure_style()
def draw_importance(importance: Importance) -> Figure:
    """Draw what each field is worth by four methods."""
    fields = importance.fields
    drawing, axes = new_axes(0.9 + 0.55 * len(fields), grid="x")
    row = np.arange(len(fields))[::-1]
    for number, (method, label) in enumerate(METHODS.items()):
        value, low, high = importance.values[method].T
        error = np.clip([value - low, high - value], 0, None)
        at = row + 0.27 - 0.18 * number
        axes.errorbar(
            value, at, xerr=error, fmt="o", color=SERIES[number], markersize=4, elinewidth=1.2, label=label
        )
    axes.axvline(0, color=INK, linewidth=0.8)
    axes.set_yticks(row, fields)
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(-0.6, len(fields) - 0.3)
    axes.set_xlabel("Share of the variance of Ω_m and σ_8 explained")
    axes.legend(loc="upper center", bbox_to_anchor=(0.45, -0.22), ncols=2)
    best = fields[int(np.argmax(importance.values[SHAPLEY][:, 0]))]
    return finish(
        drawing,
        f"What each of the fields {', '.join(fields)} is worth by four methods, with intervals.",
        f"What a field is worth depends on what is asked: alone, as the last to join, to this network as it is, "
        f"or on average over all company. By the last, Shapley's, {best} is worth most. "
        "A field of another universe belies the rest, and may cost more than knowing nothing: a loss above 1. "
        "Bars are intervals.",
    )


@figure_style()
def draw_look(look: Look, field: str) -> Figure:
    """Draw a map and where the network looks in it."""
    drawing = Drawing(figsize=(WIDTH, 0.56 * WIDTH), layout="constrained")
    left, right = drawing.subplots(1, 2)
    limit = float(np.quantile(look.saliency, 0.99))
    left.imshow(look.density, cmap="Greys", origin="lower", interpolation="nearest")
    right.imshow(look.saliency, cmap="Purples", origin="lower", interpolation="nearest", vmin=0, vmax=limit)
    left.set_title(f"log {field}")
    right.set_title("what Ω_m depends on")
    for axes in (left, right):
        axes.set_xticks([])
        axes.set_yticks([])
    most = max(look.shares, key=lambda name: look.shares[name][1] / max(look.shares[name][0], 1e-9))
    area, omega_m, _ = look.shares[most]
    return finish(
        drawing,
        f"Map {look.name} and the gradient of the predicted omega_m by its pixels.",
        f"Map {look.name}, and how much the predicted Ω_m changes with each pixel, all fields together. Pixel for "
        f"pixel {most} ({PLACES[most]}) matter most: {area:.0%} of the area, {omega_m:.0%} of it.".replace(
            "%", "\u202f%"
        ),
    )
