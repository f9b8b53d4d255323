"""A population of galaxies whose photometry follows from three hidden properties, so that it can be inverted.

Hidden are the type (from ellipticals to discs without a bulge), the shape (inclination of discs, flattening of
ellipticals) and the bar. They live on a grid: the grid is the model, and no approximation of one. Given a node of
the grid, luminosity, and redshift, all measurements are independent: each is a known function of a normal variable
whose mean and spread the node sets. The probability of every node given the measurements, and with it of every
class that volunteers may vote for, is then a sum over the grid, exact to rounding.

Numbers are schematic: a red sequence and a blue cloud in colour, sizes like those of Shen et al. (2003), and
profiles that blend a de Vaucouleurs bulge (R90/R50 = 3.3 in Petrosian apertures) with an exponential disc (2.3).
Whatever a model finds important in such a population was written into it here.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy.special import expit, logit

from components.physics.galaxy_distances import (
    comoving_mpc,
    distance_modulus,
    kpc_per_arcsec,
    redshift_of_comoving,
)

FloatArray = npt.NDArray[np.float64]

TYPES, SHAPES = 16, 16
NODES = TYPES * SHAPES * 2

PSF_ARCSEC = 0.65
"""Half-light radius of the point spread function."""

FAINTEST_R = 17.0
MISSING = {"adaptive": 0.01, "velocity_dispersion": 0.08, "d4000": 0.04, "h_alpha_ew": 0.04}
"""Chances that a measurement failed, whatever the galaxy."""

_FARTHEST_REDSHIFT = 0.25
_REFERENCE_MAG = -21.0
_PIXEL_ARCSEC = 0.396127
_SIZE_SLOPE = -0.2
_COLOUR_SLOPE = -0.02
_COLOUR_STEPS = {"u_g": (1.5, 0.6), "g_r": (0.0, 1.5), "r_i": (0.5, 0.3), "i_z": (0.4, 0.2)}
"""By colour: what a change of g - r by one changes it by, and what a unit of redshift does."""


@dataclass(frozen=True)
class Nodes:
    """The grid of hidden properties; arrays of one element for each node.

    Attributes
    ----------
    prior : ndarray
        Share of galaxies.
    type, shape, barred : ndarray
        From 0 to 1; 1 is face-on or round; 0 or 1.
    bulge : ndarray
        Light of the bulge over all.
    disc : ndarray
        How much there is to see but a smooth light, from 0 to 1.
    axis_ratio : ndarray
        As seen without a blur.
    means, spreads : dict of str to ndarray
        Of the normal variables that measurements come from.
    """

    prior: FloatArray
    type: FloatArray
    shape: FloatArray
    barred: FloatArray
    bulge: FloatArray
    disc: FloatArray
    axis_ratio: FloatArray
    means: dict[str, FloatArray]
    spreads: dict[str, FloatArray]


@lru_cache(maxsize=1)
def nodes() -> Nodes:
    """Return the grid."""
    centres = (np.arange(TYPES) + 0.5) / TYPES
    grids = np.meshgrid(centres, (np.arange(SHAPES) + 0.5) / SHAPES, [0.0, 1.0], indexing="ij")
    kind, shape, barred = (grid.reshape(-1) for grid in grids)
    early = expit((0.3 - kind) / 0.06)
    share = 0.85 * np.exp(-0.5 * ((kind - 0.12) / 0.13) ** 2) + np.exp(-0.5 * ((kind - 0.66) / 0.2) ** 2)
    with_bar = 0.36 * (1 - early) * (1 - 0.3 * kind)
    prior = share * np.where(barred > 0, with_bar, 1 - with_bar)
    bulge = (1 - kind) ** 1.7
    thickness = 0.13 + 0.3 * bulge
    as_disc = np.sqrt(shape**2 + (1 - shape**2) * thickness**2)
    as_elliptical = 0.5 + 0.48 * shape**0.7
    axis_ratio = early * as_elliptical + (1 - early) * as_disc
    means, spreads = _measured(kind, shape, barred, bulge, early, axis_ratio)
    return Nodes(
        prior / prior.sum(), kind, shape, barred, bulge, expit((kind - 0.33) / 0.07), axis_ratio, means, spreads
    )


def _measured(
    kind: FloatArray, shape: FloatArray, barred: FloatArray, bulge: FloatArray, early: FloatArray, q: FloatArray
) -> tuple[dict[str, FloatArray], dict[str, FloatArray]]:
    blue = expit((kind - 0.45) / 0.09)
    dust = 0.12 * (1 - early) * (1 - shape)
    one = np.ones_like(kind)
    g_r = 0.75 - 0.30 * blue + dust + 0.06 * barred
    table = {
        "absolute_mag": (-21.6 + 0.5 * kind, 0.65 + 0.1 * blue),
        "size": (0.56 + 0.18 * kind, 0.13 * one),
        "g_r": (g_r, 0.05 + 0.07 * blue),
        "u_g": (1.75 - 0.40 * blue - 1.5 * (0.75 - 0.30 * blue), 0.15 * one),
        "r_i": (0.39 - 0.14 * blue - 0.5 * (0.75 - 0.30 * blue), 0.03 * one),
        "i_z": (0.30 - 0.16 * blue - 0.4 * (0.75 - 0.30 * blue), 0.045 * one),
        "concentration": (2.3 + bulge**0.8, 0.22 * one),
        "frac_dev": (5.0 * (bulge - 0.4), 1.9 * one),
        "axis_exp": (logit(q), 0.25 * one),
        "axis_dev": (logit(q), 0.35 * one),
        "axis_adaptive": (logit(q), 0.40 * one),
        "likelihood": (1.6 * (0.45 - bulge), one),
        "dev_rad": (0.15 + 0.30 * kind, 0.20 * one),
        "exp_rad": (-0.30 + 0.10 * kind, 0.10 * one),
        "adaptive_size": (0.55 - 0.25 * bulge, 0.15 * one),
        "fourth_moment": (2.10 + 0.35 * bulge + 0.13 * barred, 0.10 * one),
        "dispersion": (1.95 + 0.35 * bulge, 0.13 * one),
        "d4000": (1.78 - 0.42 * blue, 0.13 * one),
        "h_alpha": (0.40 + 0.90 * blue - 0.3 * dust, 0.35 * one),
        "mass": (10.65 - 0.35 * blue, 0.12 * one),
        "density": (0.45 - 0.70 * kind, 0.50 * one),
    }
    return {name: pair[0] for name, pair in table.items()}, {name: pair[1] for name, pair in table.items()}


VARIABLES = tuple(nodes().means)


@dataclass(frozen=True)
class Galaxies:
    """Galaxies that were drawn.

    Attributes
    ----------
    node : ndarray of int
        Index into the grid.
    normals : ndarray, shape (n, variables)
        The normal variables behind the measurements, NaN where a measurement failed.
    measured : dict of str to ndarray
        Measurements, by the names of the table.
    radius_arcsec : ndarray
        Half-light radius as seen, blurred: what volunteers look at.
    """

    node: npt.NDArray[np.int64]
    normals: FloatArray
    measured: dict[str, FloatArray]
    radius_arcsec: FloatArray


def draw(number: int, rng: np.random.Generator) -> Galaxies:
    """Draw galaxies brighter than the limit, each as far away as chance has it in the volume where it is seen."""
    grid = nodes()
    node = rng.choice(NODES, number, p=grid.prior)
    means = np.column_stack([grid.means[name][node] for name in VARIABLES])
    spreads = np.column_stack([grid.spreads[name][node] for name in VARIABLES])
    normals = means + spreads * rng.standard_normal(means.shape)
    y = dict(zip(VARIABLES, normals.T, strict=True))
    redshift = _place(y["absolute_mag"], rng)
    angle = rng.uniform(0, np.pi, number)
    measured, radius = _measure(y, redshift, angle)
    _fail(measured, normals, rng)
    return Galaxies(node, normals, measured, radius)


def node_probabilities(normals: FloatArray) -> FloatArray:
    """Return the probability of every node given all measurements, shape (n, NODES); exact to rounding.

    Redshift, position angle and failures say nothing beyond luminosity, because they do not depend on the node.
    """
    grid = nodes()
    mean = np.stack([grid.means[name] for name in VARIABLES])
    weight = np.stack([grid.spreads[name] ** -2 for name in VARIABLES])
    known = np.isfinite(normals)
    y = np.where(known, normals, 0.0)
    log = -0.5 * (y**2 @ weight) + y @ (weight * mean)
    log += known.astype(np.float64) @ (0.5 * np.log(weight) - 0.5 * weight * mean**2)
    log += np.log(grid.prior)
    log -= log.max(axis=1, keepdims=True)
    np.exp(log, out=log)
    log /= log.sum(axis=1, keepdims=True)
    return log


def blurred_axis_ratio(axis_ratio: FloatArray, radius_arcsec: FloatArray, psf_arcsec: float) -> FloatArray:
    """Axis ratio of an ellipse after a round blur; radii are those before it."""
    return np.asarray(
        np.sqrt((axis_ratio**2 * radius_arcsec**2 + psf_arcsec**2) / (radius_arcsec**2 + psf_arcsec**2))
    )


def _place(absolute_mag: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Draw redshifts: even in comoving volume, out to where the galaxy is as faint as the limit."""
    grid = np.linspace(1e-4, _FARTHEST_REDSHIFT, 4000)
    limit = np.interp(FAINTEST_R - absolute_mag, distance_modulus(grid), grid)
    return redshift_of_comoving(comoving_mpc(limit) * np.cbrt(rng.uniform(0.02, 1.0, absolute_mag.size)))


def _measure(
    y: dict[str, FloatArray], redshift: FloatArray, angle: FloatArray
) -> tuple[dict[str, FloatArray], FloatArray]:
    magnitude = y["absolute_mag"] + distance_modulus(redshift)
    bright = y["absolute_mag"] - _REFERENCE_MAG
    theta = 10 ** (y["size"] + _SIZE_SLOPE * bright) / kpc_per_arcsec(redshift)
    radius = np.hypot(theta, PSF_ARCSEC)
    r90 = np.hypot(theta * np.maximum(y["concentration"], 1.2), 2 * PSF_ARCSEC)
    out = {"redshift": redshift, "petro_mag_r": magnitude, "absolute_mag_r": y["absolute_mag"]}
    rest = y["g_r"]
    for name, (step, per_redshift) in _COLOUR_STEPS.items():
        own = y[name] + step * rest + (_COLOUR_SLOPE * bright if name == "g_r" else 0.0)
        out[name] = own + per_redshift * redshift
    out |= {"petro_r50_r": radius, "petro_r90_r": r90, "petro_r50_kpc": radius * kpc_per_arcsec(redshift)}
    out["concentration_r"] = r90 / radius
    out["surface_brightness_r"] = magnitude + 2.5 * np.log10(2 * np.pi * radius**2)
    out["frac_dev_r"] = expit(y["frac_dev"])
    out["axis_ratio_dev"] = blurred_axis_ratio(expit(y["axis_dev"]), theta, 0.3)
    out["axis_ratio_exp"] = blurred_axis_ratio(expit(y["axis_exp"]), theta, 0.3)
    out["dev_rad_r"] = theta * np.exp(y["dev_rad"])
    out["exp_rad_r"] = theta * np.exp(y["exp_rad"])
    out["lnl_exp_minus_dev"] = y["likelihood"] * 100 * 10 ** (-0.4 * (magnitude - FAINTEST_R))
    out["m_rr_cc"] = (radius / _PIXEL_ARCSEC) ** 2 * np.exp(y["adaptive_size"])
    squared = blurred_axis_ratio(expit(y["axis_adaptive"]), theta, PSF_ARCSEC) ** 2
    ellipticity = (1 - squared) / (1 + squared)
    out |= {"m_e1": ellipticity * np.cos(2 * angle), "m_e2": ellipticity * np.sin(2 * angle)}
    out["m_cr4"] = y["fourth_moment"]
    out["velocity_dispersion"] = 10 ** (y["dispersion"] - 0.06 * bright)
    out["d4000"] = y["d4000"]
    out["h_alpha_ew"] = 10 ** y["h_alpha"] - 2
    out["log_stellar_mass"] = y["mass"] - 0.4 * bright
    out["local_density"] = y["density"]
    return out, radius


def _fail(measured: dict[str, FloatArray], normals: FloatArray, rng: np.random.Generator) -> None:
    """Take away measurements that failed, together with what is behind them."""
    lost = {
        "adaptive": (("m_rr_cc", "m_e1", "m_e2", "m_cr4"), ("adaptive_size", "axis_adaptive", "fourth_moment")),
        "velocity_dispersion": (("velocity_dispersion",), ("dispersion",)),
        "d4000": (("d4000",), ("d4000",)),
        "h_alpha_ew": (("h_alpha_ew",), ("h_alpha",)),
    }
    for kind, (names, variables) in lost.items():
        failed = rng.random(len(normals)) < MISSING[kind]
        for name in names:
            measured[name][failed] = np.nan
        for variable in variables:
            normals[failed, VARIABLES.index(variable)] = np.nan
