"""Light profiles of galaxies and of the atmosphere's blur, each as a sum of Gaussians.

A sum of Gaussians convolved with a sum of Gaussians is one again (Hogg & Lang 2013, PASP 125, 719), so that a
blurred, inclined galaxy is written down pixel by pixel without a Fourier transform. The sums are fitted here, to
the profiles themselves.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq, least_squares
from scipy.special import gammaincinv

FloatArray = npt.NDArray[np.float64]

EXPONENTIAL_REACH, DE_VAUCOULEURS_REACH = 4.0, 8.0
"""Half-light radii beyond which SDSS's photometric pipeline lets the two profiles end."""

_POINTS = 400
_SMALLEST_RADIUS = 2e-3


@dataclass(frozen=True)
class Mixture:
    """A round light profile of unit flux as a sum of Gaussians.

    Attributes
    ----------
    share : ndarray, shape (gaussians,)
        Of the flux; the sum is 1.
    variance : ndarray, shape (gaussians,)
        Along each axis, in squares of the profile's unit of length: the half-light radius of a galaxy, the full
        width at half maximum of a blur.
    """

    share: FloatArray
    variance: FloatArray

    def surface_brightness(self, radius: FloatArray) -> FloatArray:
        """Flux per area at radii."""
        squares = radius[:, None] ** 2 / self.variance
        return np.asarray((np.exp(-0.5 * squares) * self.share / (2 * np.pi * self.variance)).sum(axis=1))

    def flux_within(self, radius: FloatArray) -> FloatArray:
        """Flux within radii."""
        return np.asarray(1 - np.exp(-0.5 * radius[:, None] ** 2 / self.variance) @ self.share)


@cache
def exponential() -> Mixture:
    """Fit the profile of a disc, in units of its half-light radius."""
    return _with_half_light_at_one(_fit(sersic(1.0), _SMALLEST_RADIUS * 5, EXPONENTIAL_REACH, 6))


@cache
def de_vaucouleurs() -> Mixture:
    """Fit the profile of a bulge, in units of its half-light radius."""
    return _with_half_light_at_one(_fit(sersic(4.0), _SMALLEST_RADIUS, DE_VAUCOULEURS_REACH, 9))


@cache
def moffat(beta: float) -> Mixture:
    """Fit a Moffat function, in units of its full width at half maximum."""
    core = 0.5 / np.sqrt(2 ** (1 / beta) - 1)
    return _fit(lambda radius: (1 + (radius / core) ** 2) ** -beta, 0.02, 4.0, 4)


def sersic(index: float) -> Callable[[FloatArray], FloatArray]:
    """Return Sersic's profile, 1 at the half-light radius, which is its unit of length."""
    steepness = float(gammaincinv(2 * index, 0.5))
    return lambda radius: np.exp(-steepness * (radius ** (1 / index) - 1))


def _with_half_light_at_one(mixture: Mixture) -> Mixture:
    """Stretch a profile that ends, and so has half its light farther in than the endless one."""
    radius = brentq(lambda r: float(mixture.flux_within(np.array([r]))[0]) - 0.5, 0.1, 2.0)
    return Mixture(mixture.share, mixture.variance / radius**2)


def _fit(profile: Callable[[FloatArray], FloatArray], start: float, end: float, gaussians: int) -> Mixture:
    """Fit with weights of the light at each radius: where there is none, a relative error does no harm."""
    radius = np.geomspace(start, 1.4 * end, _POINTS)
    endless = profile(radius)
    light = endless * radius**2
    weight = np.sqrt(light / light.max()) / endless
    wanted = np.where(radius < end, endless, 0.0)

    def misfit(logarithms: FloatArray) -> FloatArray:
        amplitude, variance = np.exp(logarithms[:gaussians]), np.exp(logarithms[gaussians:])
        return np.asarray(weight * (np.exp(-0.5 * radius[:, None] ** 2 / variance) @ amplitude - wanted))

    width = np.geomspace(3 * start, end / 2.5, gaussians)
    first = np.concatenate([np.log(profile(width)), 2 * np.log(width)])
    fitted = least_squares(misfit, first, method="lm", max_nfev=4000).x
    variance = np.exp(fitted[gaussians:])
    flux = np.exp(fitted[:gaussians]) * 2 * np.pi * variance
    order = np.argsort(variance)
    return Mixture(flux[order] / flux.sum(), variance[order])
