"""Turn-off and giant branch in the colour-magnitude diagram of a cluster's members."""

from dataclasses import dataclass
from typing import Literal, cast

import numpy as np

from components.common.scores import Floats

_BIN = 0.5
_LEAST = 5
_TURNED = 0.1
_GIANT_COLOUR, _GIANT_COLOUR_BELOW = 0.25, 0.6
_BELOW = 1.0
_LEAST_GIANTS = 3

End = Literal["turns", "top", "bottom"]


@dataclass(frozen=True)
class Landmarks:
    """Where a sequence turns.

    Attributes
    ----------
    bluest_g, bluest_bp_rp : float
        The bluest point of the main sequence.
    end : {"turns", "top", "bottom"}
        Whether brighter stars are redder, so that this is the turn-off; or the sequence goes on to the brightest
        stars; or it is bluest at the faintest, so that the main sequence, if there is one, lies below them.
    giants : int
        Members brighter than that and redder by a quarter of a magnitude, or hardly fainter and much redder.
    giant_g, giant_bp_rp : float
        Their medians; NaN where there are none.
    """

    bluest_g: float
    bluest_bp_rp: float
    end: End
    giants: int
    giant_g: float
    giant_bp_rp: float


def find_landmarks(colour: Floats, magnitude: Floats) -> Landmarks | None:
    """Find turn-off and giants; None where there are too few stars to tell.

    The main sequence is followed upwards by the median colour of its bluer half, as unresolved pairs lie redwards
    of it; it ends where it has become redder again by a tenth of a magnitude. What comes after that, such as the
    horizontal branch of an old cluster, may be bluer, and is no main sequence.
    """
    known = np.isfinite(colour) & np.isfinite(magnitude)
    colour, magnitude = np.asarray(colour[known], np.float64), np.asarray(magnitude[known], np.float64)
    points = _ridge(colour, magnitude) if colour.size >= 4 * _LEAST else []
    if len(points) < 3:
        return None
    best, end = 0, "top"
    for place, (_, blue) in enumerate(points):
        if blue < points[best][1]:
            best = place
        elif blue > points[best][1] + _TURNED:
            end = "turns"
            break
    bluest_g, bluest = points[best]
    giant = ((magnitude < bluest_g) & (colour > bluest + _GIANT_COLOUR)) | (
        (magnitude < bluest_g + _BELOW) & (colour > bluest + _GIANT_COLOUR_BELOW)
    )
    giant &= giant.sum() >= _LEAST_GIANTS  # one or two may as well be field stars
    medians = (
        (float(np.median(magnitude[giant])), float(np.median(colour[giant]))) if giant.any() else (np.nan,) * 2
    )
    return Landmarks(bluest_g, bluest, cast(End, "bottom" if best == 0 else end), int(giant.sum()), *medians)


def _ridge(colour: Floats, magnitude: Floats) -> list[tuple[float, float]]:
    """Magnitude and blue edge from faint to bright, of at least half a magnitude and a few stars each."""
    order = np.argsort(-magnitude)
    colour, magnitude = colour[order], magnitude[order]
    points, start = [], 0
    while start < magnitude.size:
        stop = max(int(np.searchsorted(-magnitude, _BIN - magnitude[start])), start + _LEAST)
        if stop > magnitude.size:
            break
        own = slice(start, stop)
        points.append((float(np.median(magnitude[own])), float(np.quantile(colour[own], 0.3))))
        start = stop
    return points
