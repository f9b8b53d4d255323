"""Simulated spectra of quasars as the Sloan surveys would have taken them.

A population is drawn (redshift, slope, dust, lines, host galaxy, absorbers), turned into noiseless spectra, and
observed with `components.physics.spectrograph`. Random numbers are drawn in bulk from one generator, so that a
seed gives the same spectra on any number of cores.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from components.physics.dust import galactic_optical_depth, smc_optical_depth
from components.physics.intergalactic import apply_forest, draw_metal_absorbers, draw_outflows, forest_scale
from components.physics.line_profiles import apply_components
from components.physics.quasar_lines import draw_emission
from components.physics.spectral_lines import LYMAN_ALPHA_ANGSTROM
from components.physics.spectrograph import observe
from components.physics.stellar_light import population_spectra
from components.physics.wavelength_grid import WavelengthGrid

FloatArray = npt.NDArray[np.float64]

_MEDIAN_SIGNAL_TO_NOISE = 3.2
_SIGNAL_TO_NOISE_SCATTER = 0.75
"""Standard deviation of ln(S/N) per 69 km/s pixel: about what DR16Q's quasars have, from below 1 to above 20."""
_BAL_SHARE = 0.14
_REST_GRID_LN = np.linspace(np.log(2500.0), np.log(11000.0), 6000)


@dataclass(frozen=True)
class QuasarSpectra:
    """Simulated observations.

    Attributes
    ----------
    redshift : ndarray, shape (rows,)
    is_bal : ndarray of bool, shape (rows,)
        Whether the spectrum has broad absorption lines.
    sn_median : ndarray, shape (rows,)
        Median signal-to-noise ratio of the observed pixels.
    flux, ivar : ndarray, shape (rows, pixels)
        In units of 1e-17 erg / s / cm^2 / angstrom and its inverse square; ivar 0 where nothing was observed.
    """

    redshift: FloatArray
    is_bal: npt.NDArray[np.bool_]
    sn_median: npt.NDArray[np.float32]
    flux: npt.NDArray[np.float32]
    ivar: npt.NDArray[np.float32]


def draw_redshifts(rows: int, minimum: float, maximum: float, rng: np.random.Generator) -> FloatArray:
    """Draw redshifts: two thirds follow the bumps of DR16Q, one third is flat in ln(1 + z).

    DR16Q (Lyke et al. 2020, ApJS 250, 8) peaks at about 1.6 and 2.3; the bumps here are a sketch of that. The flat
    part teaches what is rare there, so that a model does not refuse a redshift only because few quasars have it.
    """
    flat = np.expm1(rng.uniform(np.log1p(minimum), np.log1p(maximum), rows))
    bumps = rng.random(rows)
    survey = np.where(
        bumps < 0.45,
        rng.normal(1.55, 0.4, rows),
        np.where(bumps < 0.6, rng.normal(0.95, 0.3, rows), 2.12 + rng.gamma(1.5, 0.24, rows)),
    )
    outside = (survey < minimum) | (survey > maximum) | (rng.random(rows) < 1 / 3)
    return np.where(outside, flat, survey)


def simulate_quasars(
    rows: int,
    grid: WavelengthGrid,
    minimum_redshift: float,
    maximum_redshift: float,
    rng: np.random.Generator,
) -> QuasarSpectra:
    """Simulate observed spectra of quasars.

    Parameters
    ----------
    rows : int
        Number of spectra; a few hundred at a time keep memory small.
    grid : WavelengthGrid
        Observed wavelengths.
    minimum_redshift, maximum_redshift : float
        Range of redshifts.
    rng : numpy.random.Generator
        Source of randomness.
    """
    redshift = draw_redshifts(rows, minimum_redshift, maximum_redshift, rng)
    is_bal = draw_outflow(redshift, rng)
    flux = noiseless_quasars(redshift, is_bal, grid, rng)
    typical = np.median(flux, axis=1)
    brightness = rng.lognormal(np.log(3.0), 0.7, rows)
    signal_to_noise = np.clip(
        _MEDIAN_SIGNAL_TO_NOISE * np.exp(_SIGNAL_TO_NOISE_SCATTER * rng.standard_normal(rows)), 0.3, 60.0
    )
    flux *= (brightness / np.maximum(typical, 1e-3))[:, None]
    observed = observe(flux, grid.wavelength_angstrom, signal_to_noise, rng)
    return QuasarSpectra(redshift, is_bal, observed.median_signal_to_noise(), observed.flux, observed.ivar)


def draw_outflow(redshift: FloatArray, rng: np.random.Generator) -> npt.NDArray[np.bool_]:
    """Draw which quasars have broad absorption lines, among those that show C IV."""
    return (rng.random(len(redshift)) < _BAL_SHARE) & (redshift > 1.3)


def noiseless_quasars(
    redshift: FloatArray,
    is_bal: npt.NDArray[np.bool_],
    grid: WavelengthGrid,
    rng: np.random.Generator,
    *,
    with_host: bool = True,
) -> FloatArray:
    """Spectra before the spectrograph, in units of the quasar's own continuum at 3000 angstrom.

    Parameters
    ----------
    redshift : ndarray, shape (rows,)
        Redshifts.
    is_bal : ndarray of bool, shape (rows,)
        Which have broad absorption lines.
    grid : WavelengthGrid
        Observed wavelengths.
    rng : numpy.random.Generator
        Source of randomness.
    with_host : bool
        Add a sketch of the host galaxy's light.

    Returns
    -------
    ndarray, shape (rows, pixels)
        Flux per unit wavelength.
    """
    rows = len(redshift)
    wave = grid.wavelength_angstrom
    ln_wave = np.log(wave)
    ln_z = np.log1p(redshift)
    windiness = rng.standard_normal(rows)
    baldwin = 0.14 * rng.standard_normal(rows)
    emission = draw_emission(windiness, baldwin, rng)
    flux = np.ones((rows, len(wave)))
    apply_components(flux, ln_wave, ln_z, emission.centre, emission.sigma, emission.amplitude, False)
    flux += _balmer_continuum(ln_wave - ln_z[:, None], rng)
    for absorption in (draw_outflows(is_bal, rng), draw_metal_absorbers(redshift, rng)):
        apply_components(flux, ln_wave, ln_z, absorption.centre, absorption.sigma, absorption.amplitude, True)
    flux *= _continuum(ln_wave - ln_z[:, None], rng)
    flux *= np.exp(-_reddening(rows, rng)[:, None] * smc_optical_depth(wave / (1 + redshift[:, None])))
    _absorb_by_hydrogen(flux, ln_wave, redshift, rng)
    if with_host:
        flux += _host(ln_wave - ln_z[:, None], redshift, rng)
    return np.asarray(flux * np.exp(-rng.exponential(0.05, (rows, 1)) * galactic_optical_depth(wave)))


def _continuum(ln_rest: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Broken power law f_lambda, unity at 3000 angstrom: shape of `ln_rest`, (rows, pixels).

    Slopes are near those of Vanden Berk et al. 2001 (alpha_nu -0.44 blueward of 5000 angstrom; redward their -2.45
    is steeper than here, because much of it is the host's light, which is added apart) and, blueward of Ly alpha,
    of Telfer et al. 2002 (ApJ 565, 773).
    """
    rows = len(ln_rest)
    blue = -2.0 + 0.5 + 0.4 * rng.standard_normal((rows, 1))
    red = blue + rng.normal(0.8, 0.4, (rows, 1))
    extreme = blue + rng.normal(1.0, 0.4, (rows, 1))
    x = ln_rest - np.log(3000.0)
    knee, edge = np.log(4900.0 / 3000.0), np.log(1150.0 / 3000.0)
    log_flux = (
        blue * x + (red - blue) * np.clip(x - knee, 0.0, None) + (extreme - blue) * np.clip(x - edge, None, 0.0)
    )
    return np.asarray(np.exp(log_flux))


def _balmer_continuum(ln_rest: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Small blue bump of hydrogen below 3646 angstrom, relative to the continuum, shape (rows, pixels)."""
    strength = np.clip(rng.normal(0.10, 0.05, (len(ln_rest), 1)), 0.0, None)
    below_edge = 1.0 / (1.0 + np.exp((ln_rest - np.log(3720.0)) / 0.02))
    return np.asarray(strength * below_edge * np.exp(3.0 * np.clip(ln_rest - np.log(3646.0), -1.0, 0.0)))


def _reddening(rows: int, rng: np.random.Generator) -> FloatArray:
    """E(B-V) of dust at the quasar: mostly little, with a tail of red quasars."""
    return np.where(rng.random(rows) < 0.07, rng.exponential(0.12, rows), rng.exponential(0.02, rows))


def _host(ln_rest: FloatArray, redshift: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Light of the host galaxy, relative to the quasar's at 3000 angstrom, shape (rows, pixels).

    Faint quasars are seen only nearby, so the host's share falls with redshift; it vanishes above 1.2.
    """
    rows = len(redshift)
    reach = 1.0 / (1.0 + np.exp((redshift - 0.65) / 0.15))
    share = rng.lognormal(np.log(0.35), 1.0, rows) * reach * (redshift < 1.2)
    old_share = rng.beta(2.0, 1.2, (rows, 1))
    old, young = population_spectra(np.exp(_REST_GRID_LN))
    light = np.interp(ln_rest, _REST_GRID_LN, old) * old_share
    light += np.interp(ln_rest, _REST_GRID_LN, young) * (1 - old_share)
    return np.asarray(share[:, None] * light)


def _absorb_by_hydrogen(
    flux: FloatArray, ln_wave: FloatArray, redshift: FloatArray, rng: np.random.Generator
) -> None:
    rows, pixels = flux.shape
    absorber_redshift = np.exp(ln_wave) / LYMAN_ALPHA_ANGSTROM - 1.0
    limit_redshift = redshift - rng.exponential(0.45, rows)
    limit_redshift = np.where(redshift > 2.5, limit_redshift, -1.0)
    damped_redshift = np.where(rng.random(rows) < 0.08, redshift - rng.uniform(0.0, 0.6, rows), -1.0)
    damped_redshift = np.where(redshift > 2.0, damped_redshift, -1.0)
    apply_forest(
        flux,
        ln_wave,
        redshift,
        rng.standard_normal((rows, pixels), dtype=np.float32),
        forest_scale(np.clip(absorber_redshift, 0.0, None)),
        limit_redshift,
        np.asarray(rng.lognormal(0.7, 1.0, rows)),
        damped_redshift,
        np.asarray(10 ** rng.uniform(0.3, 1.6, rows)),
    )
