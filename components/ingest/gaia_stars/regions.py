"""Parts of the sky that stars are wanted of: a circle or a polygon, also across RA 0 and around a pole."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from components.common.errors import ParameterError
from components.physics.celestial import from_tangent_plane, mean_direction, separation, to_tangent_plane
from components.physics.known_clusters import find_cluster

FloatArray = npt.NDArray[np.float64]
_LARGEST_POLYGON_DEG = 60.0


@dataclass(frozen=True)
class Region:
    """A circle, or a polygon whose sides are great circles.

    Attributes
    ----------
    name : str
        What it was asked by, if by name.
    ra_deg, dec_deg : float
        Centre.
    radius_deg : float
        Of the circle; of a polygon the distance of its farthest corner.
    polygon : tuple of (float, float)
        Corners, RA and Dec in degrees; empty for a circle.
    """

    name: str
    ra_deg: float
    dec_deg: float
    radius_deg: float
    polygon: tuple[tuple[float, float], ...] = ()

    def contains(self, ra_deg: FloatArray, dec_deg: FloatArray) -> npt.NDArray[np.bool_]:
        """Tell which places are inside."""
        inside: npt.NDArray[np.bool_] = separation(ra_deg, dec_deg, self.ra_deg, self.dec_deg) <= self.radius_deg
        if self.polygon:  # great circles are straight lines on the tangent plane
            x, y = to_tangent_plane(ra_deg, dec_deg, self.ra_deg, self.dec_deg)
            inside &= _inside(x, y, *self._corners())
        return inside

    def draw(self, number: int, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
        """Draw places evenly distributed over the region: RA and Dec in degrees."""
        ra, dec = np.empty(0), np.empty(0)
        while len(ra) < number:
            share = 1 - rng.random(max(number, 16)) * (1 - np.cos(np.radians(self.radius_deg)))
            distance, angle = np.tan(np.arccos(share)), rng.uniform(0, 2 * np.pi, len(share))
            x, y = np.degrees(distance * np.cos(angle)), np.degrees(distance * np.sin(angle))
            drawn = from_tangent_plane(x, y, self.ra_deg, self.dec_deg)
            inside = self.contains(*drawn)
            ra, dec = np.append(ra, drawn[0][inside]), np.append(dec, drawn[1][inside])
        return ra[:number], dec[:number]

    def to_adql(self) -> str:
        """Return the condition of a query: with one argument a column of its own, as the archive likes it."""
        if self.polygon:
            corners = ", ".join(f"{ra!r}, {dec!r}" for ra, dec in self.polygon)
            shape = f"POLYGON('ICRS', {corners})"
        else:
            shape = f"CIRCLE('ICRS', {self.ra_deg!r}, {self.dec_deg!r}, {self.radius_deg!r})"
        return f"1 = CONTAINS(POINT('ICRS', g.ra, g.dec), {shape})"

    def to_settings(self) -> dict[str, Any]:
        """Return what the table of stars says about its region."""
        return {
            "name": self.name,
            "ra": self.ra_deg,
            "dec": self.dec_deg,
            "radius_deg": self.radius_deg,
            "polygon": [list(corner) for corner in self.polygon],
        }

    def _corners(self) -> tuple[FloatArray, FloatArray]:
        ra, dec = np.array(self.polygon).T
        return to_tangent_plane(ra, dec, self.ra_deg, self.dec_deg)


def region_of(name: str, ra_deg: float, dec_deg: float, radius_deg: float, polygon: str) -> Region | None:
    """Return the region that parameters describe; None where they describe none.

    Raises
    ------
    ParameterError
        When it is impossible, or described twice.
    """
    ways = [bool(name and not polygon), bool(polygon), bool(radius_deg and not name and not polygon)]
    if not any(ways):
        return None
    if name and polygon:
        raise ParameterError(f"The region is given as {name!r} and as a polygon.", "Give one of them.")
    if not (0 <= ra_deg < 360 and -90 <= dec_deg <= 90 and 0 <= radius_deg <= 30):
        raise ParameterError(
            f"There is no region at RA {ra_deg}, Dec {dec_deg} of radius {radius_deg} degrees.",
            "Give 0 <= ra < 360, -90 <= dec <= 90 and a radius of at most 30 degrees.",
        )
    if name:
        known = find_cluster(name)
        return Region(known.name, known.ra_deg, known.dec_deg, radius_deg or known.query_radius_deg)
    return _polygon(polygon) if polygon else Region("", ra_deg, dec_deg, radius_deg)


def region_around(ra_deg: FloatArray, dec_deg: FloatArray) -> Region:
    """Return the circle around stars, with their mean direction as its centre."""
    ra, dec = mean_direction(ra_deg, dec_deg)
    return Region("", ra, dec, float(separation(ra_deg, dec_deg, ra, dec).max()))


def _polygon(text: str) -> Region:
    try:
        corners = tuple((float(ra), float(dec)) for ra, dec in (pair.split() for pair in text.split(",")))
    except ValueError as error:
        raise ParameterError(
            f"The polygon {text!r} cannot be read: {error}.", 'Write it as "ra dec, ra dec, ra dec" in degrees.'
        ) from error
    if len(corners) < 3 or not all(0 <= ra < 360 and -90 <= dec <= 90 for ra, dec in corners):
        raise ParameterError(
            f"The polygon {text!r} has too few corners, or some that are not on the sky.",
            "Give at least three, with 0 <= ra < 360 and -90 <= dec <= 90.",
        )
    around = region_around(*np.array(corners).T)
    if around.radius_deg > _LARGEST_POLYGON_DEG:
        raise ParameterError(
            f"The polygon reaches {around.radius_deg:.0f} degrees from its middle.",
            f"Keep it within {_LARGEST_POLYGON_DEG:.0f} degrees.",
        )
    return Region("", around.ra_deg, around.dec_deg, around.radius_deg, corners)


def _inside(x: FloatArray, y: FloatArray, x_corner: FloatArray, y_corner: FloatArray) -> npt.NDArray[np.bool_]:
    """Count the sides to the right of points: an odd number means inside."""
    inside = np.zeros(x.shape, dtype=bool)
    for i in range(len(x_corner)):
        x1, y1, x2, y2 = x_corner[i - 1], y_corner[i - 1], x_corner[i], y_corner[i]
        with np.errstate(divide="ignore", invalid="ignore"):
            inside ^= ((y1 > y) != (y2 > y)) & (x < (x2 - x1) * (y - y1) / (y2 - y1) + x1)
    return inside
