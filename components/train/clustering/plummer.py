"""Where on the sky the stars of a cluster lie: a Plummer profile, cut off where the region ends."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.spatial import ConvexHull, QhullError

from components.train.clustering.stars import Floats

_POINTS = 4096
_RADII = 40
_SMALLEST = 1 / 200  # of the footprint's radius


@dataclass(frozen=True)
class Footprint:
    """The part of the sky that was looked at around a candidate.

    Attributes
    ----------
    x, y : ndarray, shape (m,)
        Points spread evenly over it, in degrees from the candidate.
    area : float
        Square degrees.
    radius : float
        Of the circle that holds it, in degrees.
    """

    x: Floats
    y: Floats
    area: float
    radius: float

    @classmethod
    def of(cls, x: Floats, y: Floats, radius: float) -> "Footprint":
        """Return the part of the convex hull of stars that lies within a radius of the origin."""
        index = np.arange(_POINTS)  # a sunflower: evenly spread, and the same each time
        r, angle = radius * np.sqrt((index + 0.5) / _POINTS), index * np.pi * (3 - np.sqrt(5))
        u, v = r * np.cos(angle), r * np.sin(angle)
        inside = _in_hull(x, y, u, v)
        if inside.sum() < 32:  # so narrow that hardly a point is in it: a strip is no region
            inside[:] = True
        return cls(u[inside], v[inside], float(np.pi * radius**2 * inside.mean()), radius)


def _in_hull(x: Floats, y: Floats, u: Floats, v: Floats) -> npt.NDArray[np.bool_]:
    try:
        hull = ConvexHull(np.column_stack([x, y]))
    except (QhullError, ValueError):  # fewer than three stars, or all on a line
        return np.ones(u.size, dtype=bool)
    inside = np.ones(u.size, dtype=bool)
    for a, b, c in hull.equations:
        inside &= a * u + b * v + c <= 1e-9
    return inside


@dataclass(frozen=True)
class Plummer:
    """Surface density proportional to (1 + (r / a)^2)^-2 within a footprint.

    Attributes
    ----------
    x, y : float
        Centre in degrees.
    radius, radius_error : float
        The radius a, which holds half of the stars of the whole profile, and its standard error; degrees.
    normalisation : float
        Integral over the footprint of the profile, which is 1 at its centre.
    """

    x: float
    y: float
    radius: float
    radius_error: float
    normalisation: float

    @classmethod
    def fit(cls, x: Floats, y: Floats, weight: Floats, footprint: Footprint) -> "Plummer":
        """Fit to stars with weights."""
        cx, cy = (_weighted_median(values, weight) for values in (x, y))
        half = _weighted_median(np.hypot(x - cx, y - cy), weight)
        start = cls(cx, cy, max(half, footprint.radius * _SMALLEST), 0.0, 1.0)
        return start.refined(x, y, weight, footprint)

    def refined(self, x: Floats, y: Floats, weight: Floats, footprint: Footprint) -> "Plummer":
        """Fit again, from here: the centre by one step, the radius by the likelihood."""
        pull = weight / (1 + ((x - self.x) ** 2 + (y - self.y) ** 2) / self.radius**2)
        cx, cy = float(pull @ x / pull.sum()), float(pull @ y / pull.sum())
        square = (x - cx) ** 2 + (y - cy) ** 2
        radii = footprint.radius * np.geomspace(_SMALLEST, 1.0, _RADII)
        normalisation = np.array([_integral(footprint, cx, cy, a) for a in radii])
        # The stars' part on a histogram of radii: exact enough for a radius, and free of the number of stars.
        edges = np.concatenate([[0.0], np.geomspace(footprint.radius * 1e-3, footprint.radius * 2, 200)])
        counts, _ = np.histogram(np.sqrt(square), edges, weights=weight)
        middle = (edges[1:] + edges[:-1]) / 2
        log = np.array([-2 * counts @ np.log1p((middle / a) ** 2) for a in radii]) - counts.sum() * np.log(
            normalisation
        )
        # A radius much larger than the footprint cannot be told from a uniform field: the prior keeps it inside.
        log -= 0.5 * np.square(np.log(radii / footprint.radius) / np.log(1 / _SMALLEST) * 2)
        best = int(np.argmax(log))
        posterior = np.exp(log - log[best])
        posterior /= posterior.sum()
        mean = float(posterior @ np.log(radii))
        scatter = float(
            np.sqrt(max(posterior @ (np.log(radii) - mean) ** 2, (np.log(radii[1] / radii[0]) ** 2) / 12))
        )
        radius = float(np.exp(mean))
        return Plummer(cx, cy, radius, radius * scatter, _integral(footprint, cx, cy, radius))

    def density(self, x: Floats, y: Floats) -> Floats:
        """Per square degree; its integral over the footprint is 1."""
        return np.asarray(self.profile(x, y) / self.normalisation)

    def profile(self, x: Floats, y: Floats) -> Floats:
        """Density in units of the central one."""
        return np.asarray((1 + ((x - self.x) ** 2 + (y - self.y) ** 2) / self.radius**2) ** -2.0)


def _integral(footprint: Footprint, x: float, y: float, radius: float) -> float:
    """Integrate over the footprint; where the profile is finer than its points, over the plane instead."""
    if radius < 4 * footprint.radius / np.sqrt(_POINTS):
        return float(np.pi * radius**2)
    profile = (1 + ((footprint.x - x) ** 2 + (footprint.y - y) ** 2) / radius**2) ** -2.0
    return float(profile.mean() * footprint.area)


def _weighted_median(values: Floats, weight: Floats) -> float:
    order = np.argsort(values)
    cumulative = np.cumsum(weight[order])
    return float(values[order][np.searchsorted(cumulative, cumulative[-1] / 2)])
