"""The power spectrum of matter in linear theory: the fit of Eisenstein & Hu (1998, ApJ 496, 605)."""

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from components.physics.cosmology import Cosmology

FloatArray = npt.NDArray[np.float64]

_TEMPERATURE = 2.7255 / 2.7
"""Of the microwave background, in the units of the paper."""
_RADIUS_8 = 8.0


def linear_power(wavenumber: npt.ArrayLike, cosmology: Cosmology) -> FloatArray:
    """Power spectrum today.

    Parameters
    ----------
    wavenumber : array_like
        In h/Mpc; 0 has no power.
    cosmology : Cosmology
        Its sigma_8 sets the amplitude.

    Returns
    -------
    ndarray
        In (Mpc/h)^3.
    """
    k = np.asarray(wavenumber, dtype=np.float64)
    power = np.zeros_like(k)
    positive = k > 0
    power[positive] = _shape(k[positive], cosmology) * cosmology.sigma_8**2 / _unit_variance(cosmology)
    return power


def transfer(wavenumber: npt.ArrayLike, cosmology: Cosmology) -> FloatArray:
    """Transfer function of cold dark matter and baryons, with acoustic oscillations; k in h/Mpc, above 0."""
    k = np.asarray(wavenumber, dtype=np.float64) * cosmology.h  # the paper's, in 1/Mpc
    matter, baryons = cosmology.omega_m * cosmology.h**2, cosmology.omega_b * cosmology.h**2
    share = cosmology.omega_b / cosmology.omega_m
    equality = 2.5e4 * matter * _TEMPERATURE**-4
    k_equality = 0.0746 * matter * _TEMPERATURE**-2
    drag = _drag_redshift(matter, baryons)
    loading = 31.5 * baryons * _TEMPERATURE**-4 * 1e3
    at_drag, at_equality = loading / drag, loading / equality
    horizon = (
        2
        / (3 * k_equality)
        * np.sqrt(6 / at_equality)
        * np.log((np.sqrt(1 + at_drag) + np.sqrt(at_drag + at_equality)) / (1 + np.sqrt(at_equality)))
    )
    q = k / (13.41 * k_equality)
    dark = _dark_matter(q, k * horizon, matter, share)
    ratio = (1 + equality) / (1 + drag)
    waves = _baryons(q, k, horizon, at_drag, ratio, k_equality, cosmology)
    return np.asarray(share * waves + (1 - share) * dark)


def _drag_redshift(matter: float, baryons: float) -> float:
    b1 = 0.313 * matter**-0.419 * (1 + 0.607 * matter**0.674)
    b2 = 0.238 * matter**0.223
    return float(1291 * matter**0.251 / (1 + 0.659 * matter**0.828) * (1 + b1 * baryons**b2))


def _pressureless(q: FloatArray, alpha: float, beta: float) -> FloatArray:
    """Equation 19."""
    c = 14.2 / alpha + 386 / (1 + 69.9 * q**1.08)
    logarithm = np.log(np.e + 1.8 * beta * q)
    return np.asarray(logarithm / (logarithm + c * q**2))


def _dark_matter(q: FloatArray, phase: FloatArray, matter: float, share: float) -> FloatArray:
    """Equations 11, 12 and 17."""
    a1 = (46.9 * matter) ** 0.670 * (1 + (32.1 * matter) ** -0.532)
    a2 = (12.0 * matter) ** 0.424 * (1 + (45.0 * matter) ** -0.582)
    alpha = a1**-share * a2 ** -(share**3)
    b1 = 0.944 / (1 + (458 * matter) ** -0.708)
    b2 = (0.395 * matter) ** -0.0266
    beta = 1 / (1 + b1 * ((1 - share) ** b2 - 1))
    mix = 1 / (1 + (phase / 5.4) ** 4)
    return np.asarray(mix * _pressureless(q, 1.0, beta) + (1 - mix) * _pressureless(q, alpha, beta))


def _baryons(
    q: FloatArray,
    k: FloatArray,
    horizon: float,
    at_drag: float,
    ratio: float,
    k_equality: float,
    cosmology: Cosmology,
) -> FloatArray:
    """Equations 14 and 21 to 24; `ratio` is 1 + z at equality over 1 + z when baryons were set free."""
    matter, baryons = cosmology.omega_m * cosmology.h**2, cosmology.omega_b * cosmology.h**2
    share = cosmology.omega_b / cosmology.omega_m
    root = np.sqrt(1 + ratio)
    g = ratio * (-6 * root + (2 + 3 * ratio) * np.log((root + 1) / (root - 1)))
    alpha = 2.07 * k_equality * horizon * (1 + at_drag) ** -0.75 * g
    beta = 0.5 + share + (3 - 2 * share) * np.sqrt((17.2 * matter) ** 2 + 1)
    node = 8.41 * matter**0.435
    phase = k * horizon
    shifted = phase / np.cbrt(1 + (node / phase) ** 3)
    silk = 1.6 * baryons**0.52 * matter**0.73 * (1 + (10.4 * matter) ** -0.95)
    smooth = _pressureless(q, 1.0, 1.0) / (1 + (phase / 5.2) ** 2)
    waves = alpha / (1 + (beta / phase) ** 3) * np.exp(-((k / silk) ** 1.4))
    return np.asarray((smooth + waves) * np.sinc(shifted / np.pi))


def _shape(k: FloatArray, cosmology: Cosmology) -> FloatArray:
    return np.asarray(k**cosmology.n_s * transfer(k, cosmology) ** 2)


@lru_cache(maxsize=256)
def _unit_variance(cosmology: Cosmology) -> float:
    """Variance in spheres of 8 Mpc/h of the spectrum without its amplitude."""
    log_k = np.linspace(np.log(1e-4), np.log(30.0), 4096)
    k = np.exp(log_k)
    x = k * _RADIUS_8
    window = 3 * (np.sin(x) - x * np.cos(x)) / x**3
    return float(np.trapezoid(k**3 * _shape(k, cosmology) * window**2, log_k) / (2 * np.pi**2))
