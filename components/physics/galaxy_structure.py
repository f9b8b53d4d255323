"""Sizes and shapes of galaxies: how large a galaxy of some mass is, and how much of its light is in the bulge."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from components.physics.constants import SPEED_OF_LIGHT_KM_S
from components.physics.galaxy_profiles import de_vaucouleurs, exponential

FloatArray = npt.NDArray[np.float64]

HUBBLE_KM_S_MPC, OMEGA_M = 70.0, 0.3
"""Of the flat universe in which angles become lengths."""

_SUN_R = 4.65  # absolute magnitude of the Sun, AB
_KPC_PER_ARCSEC_MPC = np.pi / 648000 * 1000
_MASS_RANGE = (1e7, 3e12)

_RED = 2.22
_RED_WIDTH = 0.15
"""Where galaxies part in u - r (Strateva et al. 2001, AJ 122, 1861), and how sharply early types follow it."""

_TRANSITION_MASS = 3.98e10
_DISC_THICKNESS = 0.2


@dataclass(frozen=True)
class Structure:
    """What of a galaxy's shape does not depend on where it is seen from.

    Attributes
    ----------
    is_early : ndarray of bool, shape (galaxies,)
        Elliptical or lenticular.
    stellar_mass : ndarray, shape (galaxies,)
        In solar masses.
    radius_kpc : ndarray, shape (galaxies,)
        Half-light radius, seen face-on.
    bulge_fraction : ndarray, shape (galaxies,)
        Share of the bulge in the r band.
    bulge_radius, disc_radius : ndarray, shape (galaxies,)
        Half-light radii of the parts, as fractions of `radius_kpc`.
    bulge_thickness : ndarray, shape (galaxies,)
        Minor over major axis of the bulge, seen edge-on.
    """

    is_early: npt.NDArray[np.bool_]
    stellar_mass: FloatArray
    radius_kpc: FloatArray
    bulge_fraction: FloatArray
    bulge_radius: FloatArray
    disc_radius: FloatArray
    bulge_thickness: FloatArray


def draw_structure(
    magnitude_r: FloatArray, g_r: FloatArray, u_r: FloatArray, rng: np.random.Generator
) -> Structure:
    """Draw the structure of galaxies of known light.

    Mass follows from light and colour (Bell et al. 2003, ApJS 149, 289, Kroupa's stars), size from mass (Shen et
    al. 2003, MNRAS 343, 978, with its scatter; for early types with the coefficient of its erratum, MNRAS 379,
    400). The shares of the bulge, and that the type follows the colour alone, are simplifications.

    Parameters
    ----------
    magnitude_r : ndarray, shape (galaxies,)
        Absolute, in the rest frame's r band.
    g_r, u_r : ndarray, shape (galaxies,)
        Colours in the rest frame.
    rng : numpy.random.Generator
        Source of randomness.
    """
    count = len(magnitude_r)
    is_early = rng.random(count) < 1 / (1 + np.exp(-(u_r - _RED) / _RED_WIDTH))
    mass = stellar_mass(magnitude_r, g_r)
    radius = typical_radius_kpc(mass, is_early) * np.exp(radius_scatter(mass) * rng.standard_normal(count))
    fraction = np.where(is_early, rng.beta(6.0, 2.5, count), rng.beta(1.3, 6.0, count))
    ratio = np.where(is_early, 0.8, 0.3) * np.exp(0.2 * rng.standard_normal(count))
    disc = 1 / half_light_radius(fraction, ratio)
    return Structure(is_early, mass, radius, fraction, ratio * disc, disc, rng.uniform(0.55, 0.95, count))


def stellar_mass(magnitude_r: FloatArray, g_r: FloatArray) -> FloatArray:
    """Stellar mass in solar masses from the absolute magnitude and colour in the rest frame."""
    ratio = -0.306 + 1.097 * np.clip(g_r, 0.0, 1.0) - 0.15
    return np.asarray(np.clip(10 ** (ratio - 0.4 * (magnitude_r - _SUN_R)), *_MASS_RANGE))


def typical_radius_kpc(mass: FloatArray, is_early: npt.NDArray[np.bool_]) -> FloatArray:
    """Median half-light radius at a mass."""
    late = 0.1 * mass**0.14 * (1 + mass / _TRANSITION_MASS) ** (0.39 - 0.14)
    return np.asarray(np.where(is_early, 2.88e-6 * mass**0.56, late))


def radius_scatter(mass: FloatArray) -> FloatArray:
    """Return the standard deviation of the natural logarithm of the radius at a mass."""
    return np.asarray(0.34 + (0.47 - 0.34) / (1 + (mass / _TRANSITION_MASS) ** 2))


def half_light_radius(bulge_fraction: FloatArray, ratio: FloatArray) -> FloatArray:
    """Half-light radius of disc and bulge together, seen face-on, in units of the disc's.

    Parameters
    ----------
    bulge_fraction : ndarray, shape (galaxies,)
        Share of the bulge.
    ratio : ndarray, shape (galaxies,)
        Half-light radius of the bulge over that of the disc.
    """
    disc, bulge = exponential(), de_vaucouleurs()
    low, high = np.minimum(ratio, 1.0), np.maximum(ratio, 1.0)
    for _ in range(40):
        middle = 0.5 * (low + high)
        within = bulge_fraction * bulge.flux_within(middle / ratio)
        within += (1 - bulge_fraction) * disc.flux_within(middle)
        low, high = np.where(within < 0.5, middle, low), np.where(within < 0.5, high, middle)
    return np.asarray(0.5 * (low + high))


def apparent_axis_ratio(thickness: npt.ArrayLike, cos_inclination: FloatArray) -> FloatArray:
    """Axis ratio of the picture of an oblate body; its inclination is 0 where it is seen face-on."""
    edge = np.asarray(thickness, dtype=np.float64) ** 2
    return np.asarray(np.sqrt(cos_inclination**2 * (1 - edge) + edge))


def disc_axis_ratio(cos_inclination: FloatArray) -> FloatArray:
    """Axis ratio of the picture of a disc."""
    return apparent_axis_ratio(_DISC_THICKNESS, cos_inclination)


def distance_modulus(redshift: FloatArray) -> FloatArray:
    """Apparent less absolute magnitude."""
    return np.asarray(5 * np.log10(_comoving_mpc(redshift) * (1 + redshift)) + 25)


def arcsec_per_kpc(redshift: FloatArray) -> FloatArray:
    """Angle under which a length is seen."""
    return np.asarray((1 + redshift) / (_comoving_mpc(redshift) * _KPC_PER_ARCSEC_MPC))


def _comoving_mpc(redshift: FloatArray) -> FloatArray:
    nodes = np.linspace(0.0, max(float(np.max(redshift, initial=0.0)), 0.1), 2001)
    slowness = 1 / np.sqrt(OMEGA_M * (1 + nodes) ** 3 + 1 - OMEGA_M)
    steps = 0.5 * (slowness[1:] + slowness[:-1]) * np.diff(nodes)
    path = np.concatenate([[0.0], np.cumsum(steps)])
    return np.asarray(SPEED_OF_LIGHT_KM_S / HUBBLE_KM_S_MPC * np.interp(redshift, nodes, path))
