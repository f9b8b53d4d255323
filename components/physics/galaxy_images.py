"""Pictures of galaxies: bulges, discs and stars, blurred by the atmosphere, many pictures in one compiled pass."""

from dataclasses import dataclass

import numba
import numpy as np
import numpy.typing as npt

from components.common.compilation import compiled
from components.physics.galaxy_profiles import Mixture, de_vaucouleurs, exponential, moffat

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

STAR, DISC, BULGE = 0, 1, 2
"""Kinds of light: a point, an exponential profile, a de Vaucouleurs profile."""

MOFFAT_BETA = 3.0
"""Slope of the wings: about that of SDSS's point-spread function, which is no Moffat function, but near one."""

_REACH = 40.0
"""Squared Mahalanobis distance at which a Gaussian ends: 2e-9 of its peak."""


@dataclass(frozen=True)
class Light:
    """Pieces of light in many pictures, each with an elliptical profile.

    Attributes
    ----------
    first : ndarray of int, shape (pictures + 1,)
        Pieces of picture p are those from first[p] to first[p + 1].
    kind : ndarray of int, shape (pieces,)
        `STAR`, `DISC` or `BULGE`.
    x, y : ndarray, shape (pieces,)
        Centre in pixels; the middle of the first pixel is 0.
    radius : ndarray, shape (pieces,)
        Half-light radius along the major axis, in pixels.
    axis_ratio : ndarray, shape (pieces,)
        Minor over major axis.
    angle : ndarray, shape (pieces,)
        From the x axis to the major axis, in radians.
    flux : ndarray, shape (pieces, bands)
        Total flux in each band.
    """

    first: IntArray
    kind: IntArray
    x: FloatArray
    y: FloatArray
    radius: FloatArray
    axis_ratio: FloatArray
    angle: FloatArray
    flux: FloatArray


def render(light: Light, seeing: FloatArray, size: int) -> npt.NDArray[np.float32]:
    """Draw pictures without noise.

    The blur is taken as that of the pixels too, as point-spread functions measured on pixels are: a pixel is the
    value at its middle.

    Parameters
    ----------
    light : Light
        What is in the pictures.
    seeing : ndarray, shape (pictures, bands)
        Full width at half maximum of the blur, in pixels; from 1.5 on the sampling is fine enough.
    size : int
        Pixels along each side.

    Returns
    -------
    ndarray of float32, shape (pictures, bands, size, size)
        Flux in each pixel, row by row in y.
    """
    pictures, bands = seeing.shape
    result = np.zeros((pictures, bands, size, size), dtype=np.float32)
    profiles = [Mixture(np.ones(1), np.zeros(1)), exponential(), de_vaucouleurs()]
    starts = np.cumsum([0, *(len(profile.share) for profile in profiles)])
    share, variance = (
        np.concatenate([getattr(profile, name) for profile in profiles]) for name in ("share", "variance")
    )
    blur = moffat(MOFFAT_BETA)
    cos, sin = np.cos(light.angle), np.sin(light.angle)
    major, minor = light.radius**2, (light.radius * light.axis_ratio) ** 2
    shape = np.stack(
        [major * cos**2 + minor * sin**2, (major - minor) * cos * sin, major * sin**2 + minor * cos**2], axis=1
    )
    _draw(
        result, light.first, light.kind, light.x, light.y, shape, light.flux,
        starts, share, variance, seeing**2, blur.share, blur.variance,
    )  # fmt: skip
    return result


@compiled(parallel=True, error_model="numpy", fastmath=True)
def _draw(  # type: ignore[no-untyped-def]
    result, first, kind, x, y, shape, flux, starts, share, variance, seeing, blur_share, blur_variance
):
    """Add up Gaussians; along a row each is a product of ratios that themselves have a constant ratio."""
    pictures, bands, size, _ = result.shape
    for picture in numba.prange(pictures):
        image = np.zeros((size, size))
        for band in range(bands):
            image[:] = 0.0
            for piece in range(first[picture], first[picture + 1]):
                for g in range(starts[kind[piece]], starts[kind[piece] + 1]):
                    for b in range(len(blur_share)):
                        wide = seeing[picture, band] * blur_variance[b]
                        xx = shape[piece, 0] * variance[g] + wide
                        xy = shape[piece, 1] * variance[g]
                        yy = shape[piece, 2] * variance[g] + wide
                        _add(image, flux[piece, band] * share[g] * blur_share[b], x[piece], y[piece], xx, xy, yy)
            for i in range(size):
                for j in range(size):
                    result[picture, band, i, j] = image[i, j]


@compiled(error_model="numpy", fastmath=True)
def _add(image, flux, x, y, xx, xy, yy):  # type: ignore[no-untyped-def]
    """Add a Gaussian of covariance (xx, xy, yy) to a picture, inside the ellipse where it is worth it."""
    size = image.shape[0]
    determinant = xx * yy - xy * xy
    peak = flux / (2.0 * np.pi * np.sqrt(determinant))
    a, b, c = yy / determinant, -xy / determinant, xx / determinant
    reach = np.sqrt(_REACH * yy)
    low, high = max(0, int(np.ceil(y - reach))), min(size - 1, int(np.floor(y + reach)))
    step = np.exp(-a)
    for i in range(low, high + 1):
        dy = i - y
        middle = x - b / a * dy
        width = np.sqrt(max(0.0, (_REACH - dy * dy / yy) / a))
        left, right = max(0, int(np.ceil(middle - width))), min(size - 1, int(np.floor(middle + width)))
        if left > right:
            continue
        dx = left - x
        value = peak * np.exp(-0.5 * (a * dx * dx + 2.0 * b * dx * dy + c * dy * dy))
        ratio = np.exp(-a * (dx + 0.5) - b * dy)
        for j in range(left, right + 1):
            image[i, j] += value
            value *= ratio
            ratio *= step
