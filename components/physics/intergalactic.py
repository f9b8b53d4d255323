"""Absorption between the quasar and us: Lyman forest and limit, damped systems, metal lines, and outflows."""

import numba
import numpy as np
import numpy.typing as npt

from components.common.compilation import compiled
from components.physics.constants import SPEED_OF_LIGHT_KM_S
from components.physics.quasar_lines import Components
from components.physics.spectral_lines import LYMAN_ALPHA_ANGSTROM, LYMAN_BETA_ANGSTROM, LYMAN_LIMIT_ANGSTROM

FloatArray = npt.NDArray[np.float64]

_FOREST_CONTRAST = 1.7
"""Standard deviation of ln(optical depth) of the forest at the resolution of a pixel."""
_LY_BETA_OVER_ALPHA = 0.16
"""Ratio of f * lambda of the first two Lyman lines."""
_HIGHER_SERIES_OVER_ALPHA = 0.08
_BLUR_NORMALISATION = float(1.0 / np.sqrt(np.sum(np.exp(-0.25 * np.arange(-3, 4) ** 2))))
_DAMPING_WIDTH_ANGSTROM = 2.06
"""Distance from Ly alpha, in its rest frame, at which 1e20 hydrogen atoms per cm^2 have optical depth one."""


def effective_optical_depth(redshift: FloatArray) -> FloatArray:
    """Mean Ly alpha optical depth of the forest (Faucher-Giguere et al. 2008, ApJ 681, 831), any shape."""
    return np.asarray(0.0018 * (1.0 + redshift) ** 3.92)


def _normalising_depths() -> tuple[FloatArray, FloatArray]:
    """Tabulate the scale A for which <exp(-A exp(s g))> over normal g equals exp(-tau_effective)."""
    node, weight = np.polynomial.hermite_e.hermegauss(60)
    weight = weight / weight.sum()
    scale = np.logspace(-4, 3, 200)
    mean = np.exp(-scale[:, None] * np.exp(_FOREST_CONTRAST * node)) @ weight
    return -np.log(mean), scale


_TAU_EFFECTIVE, _TAU_SCALE = _normalising_depths()


def forest_scale(redshift: FloatArray) -> FloatArray:
    """Optical depth of gas at median density such that the mean transmission is right, any shape."""
    return np.asarray(np.interp(effective_optical_depth(redshift), _TAU_EFFECTIVE, _TAU_SCALE))


@compiled(error_model="numpy")
def _blur(field):  # type: ignore[no-untyped-def]
    """Smooth a field over two pixels or so, as pressure and the spectrograph do; its variance stays one."""
    blurred = np.empty(field.size)
    for i in range(field.size):
        total = 0.0
        for k in range(-3, 4):
            total += field[min(max(i + k, 0), field.size - 1)] * np.exp(-0.125 * k * k)
        blurred[i] = total * _BLUR_NORMALISATION
    return blurred


@compiled(parallel=True, error_model="numpy")
def apply_forest(
    flux: FloatArray,
    log_wave: FloatArray,
    redshift: FloatArray,
    noise: npt.NDArray[np.float32],
    scale: FloatArray,
    limit_redshift: FloatArray,
    limit_depth: FloatArray,
    damped_redshift: FloatArray,
    damped_column: FloatArray,
) -> None:
    """Absorb spectra by neutral hydrogen, in place.

    Parameters
    ----------
    flux : ndarray, shape (rows, pixels)
        Spectra, changed in place.
    log_wave : ndarray, shape (pixels,)
        Natural logarithm of the observed wavelength in angstrom, uniform.
    redshift : ndarray, shape (rows,)
        Redshifts of the quasars.
    noise : ndarray, shape (rows, pixels)
        Standard normal numbers: the density field.
    scale : ndarray, shape (pixels,)
        `forest_scale` at the redshift at which each pixel absorbs Ly alpha.
    limit_redshift, limit_depth : ndarray, shape (rows,)
        The Lyman-limit system: its redshift (negative for none) and optical depth at the limit.
    damped_redshift, damped_column : ndarray, shape (rows,)
        The damped system (negative redshift for none) and its column in 1e20 per cm^2.
    """
    pixels = flux.shape[1]
    ln_alpha, ln_beta = np.log(LYMAN_ALPHA_ANGSTROM), np.log(LYMAN_BETA_ANGSTROM)
    ln_limit = np.log(LYMAN_LIMIT_ANGSTROM)
    step = log_wave[1] - log_wave[0]
    beta_shift = round((ln_alpha - ln_beta) / step)
    for row in numba.prange(flux.shape[0]):
        ln_z = np.log1p(redshift[row])
        field = _blur(noise[row])
        for i in range(pixels):
            x = log_wave[i] - ln_z
            if x >= ln_alpha:
                break
            tau = scale[i] * np.exp(_FOREST_CONTRAST * field[i])
            if x < ln_beta:
                j = i + beta_shift
                if j < pixels:
                    tau += _LY_BETA_OVER_ALPHA * scale[j] * np.exp(_FOREST_CONTRAST * field[j])
                if x < np.log(972.5):
                    tau += _HIGHER_SERIES_OVER_ALPHA * scale[min(j, pixels - 1)]
            if limit_redshift[row] >= 0.0:
                edge = ln_limit + np.log1p(limit_redshift[row])
                if log_wave[i] < edge:
                    tau += limit_depth[row] * np.exp(3.0 * (log_wave[i] - edge))
            flux[row, i] *= np.exp(-tau)
        if damped_redshift[row] >= 0.0:
            centre = ln_alpha + np.log1p(damped_redshift[row])
            for i in range(pixels):
                distance = LYMAN_ALPHA_ANGSTROM * np.expm1(log_wave[i] - centre)
                width = _DAMPING_WIDTH_ANGSTROM * np.sqrt(damped_column[row])
                if abs(distance) < 30.0 * width:
                    flux[row, i] *= np.exp(-((width / (abs(distance) + 1e-3)) ** 2))


# Line that a broad absorption trough belongs to, its depth relative to C IV, and whether only rare
# low-ionisation outflows show it.
_BAL_LINES = np.array([(1033.8, 0.8, 0), (1215.7, 0.5, 0), (1240.1, 0.9, 0), (1398.3, 0.6, 0), (1549.1, 1.0, 0)])
_LOW_BAL_LINES = np.array([(1857.4, 0.7), (2799.1, 0.6)])
_TROUGHS = 3


def draw_outflows(has_outflow: npt.NDArray[np.bool_], rng: np.random.Generator) -> Components:
    """Draw broad absorption troughs as Gaussians in ln(rest wavelength); `amplitude` is the depth.

    Speeds, widths and depths span those of Gibson et al. 2009 (ApJ 692, 758).
    """
    rows = len(has_outflow)
    speed = rng.uniform(2500.0, 22000.0, (rows, 1)) * rng.uniform(0.6, 1.4, (rows, _TROUGHS))
    width = 10 ** rng.uniform(np.log10(500.0), np.log10(3500.0), (rows, _TROUGHS))
    depth = rng.uniform(0.2, 1.0, (rows, _TROUGHS)) * has_outflow[:, None]
    low = has_outflow & (rng.random(rows) < 0.1)
    centres, sigmas, depths = [], [], []
    for wavelength, relative, rare in [*_BAL_LINES, *((w, d, 1) for w, d in _LOW_BAL_LINES)]:
        centres.append(np.log(wavelength) - speed / SPEED_OF_LIGHT_KM_S)
        sigmas.append(width / SPEED_OF_LIGHT_KM_S)
        depths.append(np.clip(depth * relative, 0.0, 0.98) * (low[:, None] if rare else 1.0))
    return Components(np.hstack(centres), np.hstack(sigmas), np.hstack(depths))


_METAL_ABSORBERS = 4
_METAL_SHARE = 0.35
_DOUBLET_KM_S = np.array([500.0, 770.0])


def draw_metal_absorbers(redshift: FloatArray, rng: np.random.Generator) -> Components:
    """Draw narrow C IV and Mg II doublets of intervening gas, anywhere redward of Ly alpha in the rest frame.

    Gaussians in ln(rest wavelength of the quasar); `amplitude` is the depth.
    """
    rows = len(redshift)
    shape = (rows, _METAL_ABSORBERS)
    position = rng.uniform(np.log(1230.0), np.log(2780.0), shape)
    depth = rng.uniform(0.15, 0.9, shape) * (rng.random(shape) < _METAL_SHARE)
    sigma = rng.uniform(60.0, 180.0, shape) / SPEED_OF_LIGHT_KM_S
    separation = rng.choice(_DOUBLET_KM_S, shape) / SPEED_OF_LIGHT_KM_S
    return Components(
        np.hstack([position, position + separation]),
        np.hstack([sigma, sigma]),
        np.hstack([depth, depth * rng.uniform(0.5, 1.0, shape)]),
    )
