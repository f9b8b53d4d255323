"""How far to trust memberships: stated probability against what is so, and what each method did."""

import numpy as np

from components.common.clustering_scores import Reliability
from components.common.figures import INK, SERIES, Figure, figure_style, finish, new_axes, new_panels, set_percent


@figure_style()
def draw_reliability(found: Reliability) -> Figure:
    """Draw the share of true members against the stated probability, over the number of stars."""
    drawing, (above, below) = new_panels((2.6, 1), height=3.8)
    error = np.clip([found.observed - found.low, found.high - found.observed], 0, None)
    above.plot([0, 1], [0, 1], color=INK, linewidth=0.8, zorder=1)
    above.errorbar(found.stated, found.observed, error, fmt="o", color=SERIES[0], markersize=5)
    below.bar(found.stated, found.count, width=0.06, color=SERIES[5], alpha=0.6)
    below.set_yscale("log")
    below.set_ylim(bottom=0.7)
    below.set_xlim(0, 1.02)
    above.set_ylabel("Share of true members")
    below.set_ylabel("Stars")
    below.set_xlabel("Stated probability of membership")
    set_percent(above.yaxis)
    drawing.align_ylabels()
    stated, so = (f"{found.count @ share:,.0f}".replace(",", "\u202f") for share in (found.stated, found.observed))
    return finish(
        drawing,
        f"Reliability of membership probabilities in {found.stated.size} bins.",
        "Of the stars that are said to be members with some probability, so many are. Honest probabilities lie on "
        f"the line; here they are off by {found.error:.3f} on average over the stars, most of which are surely "
        f"members. Together the probabilities come to {stated} members, and {so} are. Bars are 68 % intervals; "
        "stars below 1 % are left out.",
    )


@figure_style()
def draw_choice(x: list[float], y: list[float], chosen: float, *, across: str, up: str, words: str) -> Figure:
    """Draw the curve by which a method chose a number, and its choice."""
    drawing, axes = new_axes(2.6)
    axes.plot(x, y, color=SERIES[0], marker="o" if len(x) < 30 else "", markersize=3)
    if across.startswith("Stars"):
        axes.axhline(chosen, color=SERIES[1], linewidth=1.2)
        axes.set_yscale("log")
    else:
        axes.axvline(chosen, color=SERIES[1], linewidth=1.2)
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    return finish(drawing, f"{up} against {across}; {chosen:g} was chosen.", words)
