"""Directions on the sky: frames, the tangent plane and HEALPix, vectorised and safe at poles and at RA 0."""

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

GAIA_LEVEL = 12
"""HEALPix level of the pixel that the upper bits of a Gaia source_id hold."""
GAIA_SHIFT = 35
"""Bits below them: ``source_id >> 35`` is the pixel of level 12, nested, in ICRS."""

_OBLIQUITY = np.radians(84381.41100 / 3600)
# Rows are the axes of galactic coordinates in ICRS (The Hipparcos and Tycho Catalogues, ESA SP-1200, 1.5.11).
_GALACTIC = np.array(
    [
        [-0.0548755604162154, -0.8734370902348850, -0.4838350155487132],
        [+0.4941094278755837, -0.4448296299600112, +0.7469822444972189],
        [-0.8676661490190047, -0.1980763734312015, +0.4559837761750669],
    ]
)


def unit_vectors(longitude_deg: npt.ArrayLike, latitude_deg: npt.ArrayLike) -> FloatArray:
    """Return unit vectors towards directions, shape (..., 3)."""
    lon, lat = np.radians(longitude_deg), np.radians(latitude_deg)
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=-1)


def directions(vectors: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Longitude in [0, 360) and latitude, in degrees, of vectors of shape (..., 3) and any length."""
    x, y, z = np.moveaxis(vectors, -1, 0)
    longitude = np.degrees(np.arctan2(y, x)) % 360
    return np.where(longitude >= 360, 0.0, longitude), np.degrees(np.arctan2(z, np.hypot(x, y)))


def tangent_axes(longitude_deg: npt.ArrayLike, latitude_deg: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Return unit vectors towards east and north at directions, each of shape (..., 3)."""
    lon, lat = np.radians(longitude_deg), np.radians(latitude_deg)
    east = np.stack([-np.sin(lon), np.cos(lon), np.zeros_like(lon)], axis=-1)
    north = np.stack([-np.sin(lat) * np.cos(lon), -np.sin(lat) * np.sin(lon), np.cos(lat)], axis=-1)
    return east, north


def icrs_to_galactic(ra_deg: npt.ArrayLike, dec_deg: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Galactic longitude and latitude in degrees."""
    return directions(unit_vectors(ra_deg, dec_deg) @ _GALACTIC.T)


def galactic_to_icrs_vectors(vectors: FloatArray) -> FloatArray:
    """Rotate vectors of shape (..., 3) from galactic axes to those of ICRS."""
    return np.asarray(vectors @ _GALACTIC)


def ecliptic_latitude(ra_deg: npt.ArrayLike, dec_deg: npt.ArrayLike) -> FloatArray:
    """Ecliptic latitude in degrees."""
    ra, dec = np.radians(ra_deg), np.radians(dec_deg)
    sine = np.sin(dec) * np.cos(_OBLIQUITY) - np.cos(dec) * np.sin(_OBLIQUITY) * np.sin(ra)
    return np.asarray(np.degrees(np.arcsin(np.clip(sine, -1, 1))))


def separation(
    ra_deg: npt.ArrayLike, dec_deg: npt.ArrayLike, ra_centre_deg: float, dec_centre_deg: float
) -> FloatArray:
    """Angle in degrees to a direction; exact for small angles too."""
    difference = unit_vectors(ra_deg, dec_deg) - unit_vectors(ra_centre_deg, dec_centre_deg)
    chord = np.sqrt(np.sum(difference**2, axis=-1))
    return np.asarray(np.degrees(2 * np.arcsin(np.clip(chord / 2, 0, 1))))


def to_tangent_plane(
    ra_deg: npt.ArrayLike, dec_deg: npt.ArrayLike, ra_centre_deg: float, dec_centre_deg: float
) -> tuple[FloatArray, FloatArray]:
    """Project directions on the plane that touches the sphere at a centre (gnomonic).

    Returns
    -------
    x, y : ndarray
        Degrees towards east and north; NaN for what is 90 degrees or more away from the centre.
    """
    vectors = unit_vectors(ra_deg, dec_deg)
    east, north = tangent_axes(ra_centre_deg, dec_centre_deg)
    depth = vectors @ unit_vectors(ra_centre_deg, dec_centre_deg)
    depth = np.where(depth > 1e-9, depth, np.nan)
    return np.degrees(vectors @ east / depth), np.degrees(vectors @ north / depth)


def from_tangent_plane(
    x_deg: npt.ArrayLike, y_deg: npt.ArrayLike, ra_centre_deg: float, dec_centre_deg: float
) -> tuple[FloatArray, FloatArray]:
    """Return the directions, RA and Dec in degrees, that `to_tangent_plane` puts at `x`, `y`."""
    east, north = tangent_axes(ra_centre_deg, dec_centre_deg)
    x, y = (np.radians(np.asarray(a, dtype=np.float64))[..., None] for a in (x_deg, y_deg))
    return directions(unit_vectors(ra_centre_deg, dec_centre_deg) + x * east + y * north)


def mean_direction(ra_deg: npt.ArrayLike, dec_deg: npt.ArrayLike) -> tuple[float, float]:
    """Direction of the mean of unit vectors: RA and Dec in degrees, right across RA 0 and at a pole."""
    ra, dec = directions(unit_vectors(ra_deg, dec_deg).mean(axis=0))
    return float(ra), float(dec)


def healpix_pixels(ra_deg: npt.ArrayLike, dec_deg: npt.ArrayLike, level: int = GAIA_LEVEL) -> IntArray:
    """Nested HEALPix pixels of directions (Gorski et al. 2005, ApJ 622, 759, section 4)."""
    side = 1 << level
    ra, dec = np.broadcast_arrays(np.asarray(ra_deg, dtype=np.float64), np.asarray(dec_deg, dtype=np.float64))
    z = np.sin(np.radians(dec))
    quarter = (ra % 360) / 90  # [0, 4)
    # In the belt along the equator a pixel is where two families of lines cross.
    up = side * (0.5 + quarter - 0.75 * z)
    down = side * (0.5 + quarter + 0.75 * z)
    i_up, i_down = np.floor(up).astype(np.int64), np.floor(down).astype(np.int64)
    f_up, f_down = i_up >> level, i_down >> level
    face = np.where(f_up == f_down, (f_up & 3) | 4, np.where(f_up < f_down, f_up & 3, (f_down & 3) + 8))
    x, y = i_down & (side - 1), side - 1 - (i_up & (side - 1))
    # Near the poles the lines converge; cos(dec) keeps its digits where 1 - |z| has none left.
    cap = np.abs(z) > 2 / 3
    sector = np.minimum(quarter.astype(np.int64), 3)
    along = quarter - sector
    scale = side * np.cos(np.radians(dec)) * np.sqrt(3 / (1 + np.abs(z)))
    a = np.minimum((along * scale).astype(np.int64), side - 1)
    b = np.minimum(((1 - along) * scale).astype(np.int64), side - 1)
    north = z >= 0
    face = np.where(cap, np.where(north, sector, sector + 8), face)
    x = np.where(cap, np.where(north, side - 1 - b, a), x)
    y = np.where(cap, np.where(north, side - 1 - a, b), y)
    return np.asarray((face << (2 * level)) + _spread(x) + (_spread(y) << 1))


def _spread(values: IntArray) -> IntArray:
    """Put a zero between the bits of numbers below 2^16."""
    result = values.copy()
    for shift, mask in ((8, 0x00FF00FF), (4, 0x0F0F0F0F), (2, 0x33333333), (1, 0x55555555)):
        result = (result | (result << shift)) & mask
    return result
