"""Turn-off and giant branch in the colour-magnitude diagram of a cluster's members."""

from dataclasses import dataclass

import numpy as np

from components.common.scores import Floats

_BIN = 0.5
_LEAST = 5
_GIANT_COLOUR = 0.25
_LEAST_GIANTS = 3


@dataclass(frozen=True)
class Landmarks:
    """Where a sequence turns.

    Attributes
    ----------
    turnoff_g, turnoff_bp_rp : float
        The bluest point of the main sequence.
    giants : int
        Members brighter than that and redder by a quarter of a magnitude.
    giant_g, giant_bp_rp : float
        Their medians; NaN where there are none.
    """

    turnoff_g: float
    turnoff_bp_rp: float
    giants: int
    giant_g: float
    giant_bp_rp: float


def find_landmarks(colour: Floats, magnitude: Floats) -> Landmarks | None:
    """Find turn-off and giants; None where there are too few stars to tell.

    The main sequence is followed upwards in bins of half a magnitude by the median colour of its bluer half, as
    unresolved pairs lie redwards of it; it ends where this ceases to become bluer.
    """
    known = np.isfinite(colour) & np.isfinite(magnitude)
    colour, magnitude = np.asarray(colour[known], np.float64), np.asarray(magnitude[known], np.float64)
    if colour.size < 4 * _LEAST:
        return None
    edges = np.arange(np.floor(magnitude.min() / _BIN) * _BIN, magnitude.max() + _BIN, _BIN)
    points = []
    for low in edges:
        inside = colour[(magnitude >= low) & (magnitude < low + _BIN)]
        if inside.size >= _LEAST:
            points.append((low + _BIN / 2, float(np.quantile(inside, 0.3)), inside.size))
    if len(points) < 3:
        return None
    # The horizontal branch of an old cluster is bluer than its main sequence: it holds few stars, at bright ones.
    crowded = [p for p in points if p[2] >= 0.03 * colour.size] or points
    turn = min(crowded, key=lambda p: p[1])
    giant = (magnitude < turn[0]) & (colour > turn[1] + _GIANT_COLOUR)
    giant &= giant.sum() >= _LEAST_GIANTS  # one or two may as well be field stars
    medians = (
        (float(np.median(magnitude[giant])), float(np.median(colour[giant]))) if giant.any() else (np.nan,) * 2
    )
    return Landmarks(turn[0], turn[1], int(giant.sum()), *medians)
