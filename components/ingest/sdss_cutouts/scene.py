"""What is in a simulated picture: a galaxy seen from some side, and what happens to be near it on the sky."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from components.ingest.sdss_cutouts.real_galaxies import RealGalaxies
from components.physics.galaxy_images import BULGE, DISC, STAR, Light
from components.physics.galaxy_structure import Structure, apparent_axis_ratio, arcsec_per_kpc, disc_axis_ratio
from components.physics.sdss_imaging import BANDS, SCALE_ARCSEC, ZERO_POINT, band_indices

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_R = BANDS.index("r")
_BULGE_REDNESS = np.array([-0.7, -0.3, 0.0, 0.12, 0.2])
"""Logit of the bulge's share in each band, less that in r: bulges are redder than discs."""

_NEIGHBOURS_PER_SQUARE_ARCMIN = 5.0
_NEIGHBOUR_MAGNITUDES = (17.0, 22.2)
_NEIGHBOUR_SLOPE = 0.35  # of log10 of the counts, in each magnitude
_NEIGHBOUR_DISTANCE_ARCSEC = 4.0
_STAR_SHARE = 0.4


@dataclass(frozen=True)
class View:
    """Galaxies as they are seen.

    Attributes
    ----------
    galaxy : ndarray of int, shape (rows,)
        Place in the catalogue of real galaxies.
    cos_inclination, angle : ndarray, shape (rows,)
        Cosine of the inclination, and where the major axis points, in radians.
    radius_arcsec : ndarray, shape (rows,)
        Half-light radius of the whole, seen face-on.
    bulge_fraction : ndarray, shape (rows, 5)
        Share of the bulge in each band.
    bulge_arcsec, disc_arcsec : ndarray, shape (rows,)
        Half-light radii of the parts.
    bulge_axis_ratio, disc_axis_ratio, axis_ratio : ndarray, shape (rows,)
        As seen; the last is weighted by light in r.
    """

    galaxy: IntArray
    cos_inclination: FloatArray
    angle: FloatArray
    radius_arcsec: FloatArray
    bulge_fraction: FloatArray
    bulge_arcsec: FloatArray
    disc_arcsec: FloatArray
    bulge_axis_ratio: FloatArray
    disc_axis_ratio: FloatArray
    axis_ratio: FloatArray


def draw_views(galaxies: RealGalaxies, structure: Structure, chosen: IntArray, rng: np.random.Generator) -> View:
    """Turn galaxies at random: the structure stays, because it is that of the galaxy."""
    cos_inclination = rng.random(len(chosen))
    fraction = structure.bulge_fraction[chosen]
    logit = np.log(fraction / (1 - fraction))
    radius = structure.radius_kpc[chosen] * arcsec_per_kpc(galaxies.redshift[chosen])
    bulge = apparent_axis_ratio(structure.bulge_thickness[chosen], cos_inclination)
    disc = disc_axis_ratio(cos_inclination)
    return View(
        galaxy=chosen,
        cos_inclination=cos_inclination,
        angle=rng.uniform(0, np.pi, len(chosen)),
        radius_arcsec=radius,
        bulge_fraction=1 / (1 + np.exp(-(logit[:, None] + _BULGE_REDNESS))),
        bulge_arcsec=radius * structure.bulge_radius[chosen],
        disc_arcsec=radius * structure.disc_radius[chosen],
        bulge_axis_ratio=bulge,
        disc_axis_ratio=disc,
        axis_ratio=fraction * bulge + (1 - fraction) * disc,
    )


def compose(
    galaxies: RealGalaxies, views: View, bands: tuple[str, ...], size: int, rng: np.random.Generator
) -> Light:
    """Put each galaxy into the middle of its picture, up to half a pixel off, and others around it."""
    rows = len(views.galaxy)
    middle = (size - 1) / 2
    x, y = middle + rng.uniform(-0.5, 0.5, (2, rows))
    flux = galaxies.flux[views.galaxy]
    ours = np.arange(rows)
    bulge, disc = (
        _Pieces(ours, np.full(rows, kind), x, y, radius / SCALE_ARCSEC, ratio, views.angle, light)
        for kind, radius, ratio, light in (
            (BULGE, views.bulge_arcsec, views.bulge_axis_ratio, flux * views.bulge_fraction),
            (DISC, views.disc_arcsec, views.disc_axis_ratio, flux * (1 - views.bulge_fraction)),
        )
    )
    parts = (bulge, disc, _neighbours(galaxies, rows, size, rng))
    picture, *values = (np.concatenate([getattr(part, name) for part in parts]) for name in _NAMES)
    order = np.argsort(picture, kind="stable")
    kind, x, y, radius, axis_ratio, angle, light = (value[order] for value in values)
    first = np.searchsorted(picture[order], np.arange(rows + 1))
    return Light(first, kind, x, y, radius, axis_ratio, angle, light[:, band_indices(bands)])


@dataclass(frozen=True)
class _Pieces:
    """As `Light`, with the picture of each piece."""

    picture: IntArray
    kind: IntArray
    x: FloatArray
    y: FloatArray
    radius: FloatArray
    axis_ratio: FloatArray
    angle: FloatArray
    flux: FloatArray


_NAMES = tuple(_Pieces.__dataclass_fields__)


def _neighbours(galaxies: RealGalaxies, rows: int, size: int, rng: np.random.Generator) -> _Pieces:
    """Draw stars and small galaxies of the colours of real ones, none on top of the galaxy in the middle."""
    square_arcmin = (size * SCALE_ARCSEC / 60) ** 2
    picture = np.repeat(np.arange(rows), rng.poisson(_NEIGHBOURS_PER_SQUARE_ARCMIN * square_arcmin, rows))
    x, y = rng.uniform(-0.5, size - 0.5, (2, len(picture)))
    away = np.hypot(x - (size - 1) / 2, y - (size - 1) / 2) * SCALE_ARCSEC > _NEIGHBOUR_DISTANCE_ARCSEC
    picture, x, y = picture[away], x[away], y[away]
    count = len(picture)
    low, high = (10 ** (_NEIGHBOUR_SLOPE * m) for m in _NEIGHBOUR_MAGNITUDES)
    magnitude = np.log10(rng.uniform(low, high, count)) / _NEIGHBOUR_SLOPE
    colours = galaxies.flux[rng.integers(0, len(galaxies.row), count)]
    flux = colours / colours[:, [_R]] * 10 ** (-0.4 * (magnitude - ZERO_POINT))[:, None]
    is_star = rng.random(count) < _STAR_SHARE
    radius = np.where(is_star, 0.0, rng.lognormal(np.log(1.0), 0.4, count) / SCALE_ARCSEC)
    kind = np.where(is_star, STAR, DISC)
    return _Pieces(picture, kind, x, y, radius, rng.uniform(0.3, 1.0, count), rng.uniform(0, np.pi, count), flux)
