"""What the two SDSS spectrographs add to a spectrum: wavelength range, noise, sky residuals, calibration errors.

The shapes are schematic: sensitivity falls off at both ends, two arms meet near 6000 angstrom, and airglow makes
the red noisy in bands (Smee et al. 2013, AJ 146, 32; Dawson et al. 2013, AJ 145, 10).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

# observed wavelength [angstrom] and share of the photons above the atmosphere that are detected, read roughly off
# figures of Smee et al. 2013, to a fifth or so. Only the shape matters: noise is scaled to a wanted ratio.
_BOSS_THROUGHPUT = np.array(
    [
        (3550.0, 0.020),
        (3650.0, 0.045),
        (3800.0, 0.085),
        (4000.0, 0.13),
        (4500.0, 0.19),
        (5000.0, 0.22),
        (5500.0, 0.23),
        (5950.0, 0.20),
        (6500.0, 0.27),
        (7000.0, 0.29),
        (7500.0, 0.28),
        (8000.0, 0.26),
        (8500.0, 0.24),
        (9000.0, 0.20),
        (9500.0, 0.14),
        (10000.0, 0.08),
        (10400.0, 0.03),
    ]
)
_SDSS_THROUGHPUT = np.array(
    [
        (3780.0, 0.045),
        (4000.0, 0.09),
        (4500.0, 0.14),
        (5000.0, 0.16),
        (5500.0, 0.17),
        (5950.0, 0.14),
        (6500.0, 0.18),
        (7000.0, 0.20),
        (8000.0, 0.17),
        (8500.0, 0.14),
        (9000.0, 0.09),
        (9250.0, 0.06),
    ]
)
_RED_SKY_FROM_ANGSTROM, _RED_SKY_PER_ANGSTROM = 7000.0, 1.5e-4
"""Between the airglow lines the sky is grey and brightens a little into the red."""

# first and last wavelength [angstrom], strength of the airglow band relative to the noise between lines
_AIRGLOW = np.array(
    [
        (6860.0, 6960.0, 0.3),
        (7240.0, 7480.0, 0.7),
        (7710.0, 8070.0, 1.1),
        (8280.0, 8540.0, 1.3),
        (8750.0, 9120.0, 1.5),
        (9300.0, 9720.0, 1.5),
        (9780.0, 10300.0, 1.3),
    ]
)
_SKY_LINES_ANGSTROM = np.array([4359.6, 5462.3, 5578.9, 5892.5, 6302.0, 6365.5])
_SKY_LINE_STRENGTH = np.array([0.6, 0.6, 5.0, 1.2, 2.0, 1.0])
_TELLURIC = np.array([(6867.0, 6945.0), (7594.0, 7700.0), (7165.0, 7340.0), (8140.0, 8350.0), (9280.0, 9700.0)])

_BOSS_RANGE_ANGSTROM = (3565.0, 10340.0)
_SDSS_RANGE_ANGSTROM = (3810.0, 9205.0)
_SDSS_SHARE = 0.2
_LOST_ARM_SHARE = 0.015
_ARMS_MEET_ANGSTROM = 6050.0
_PIXEL_LOSS = 0.003
_SYSTEMATIC_SKY = 0.35
"""Error of the sky subtraction in an airglow line, relative to the noise in it, shared by neighbouring pixels."""
_SPIKES_PER_SPECTRUM = 2.0


@dataclass(frozen=True)
class Observed:
    """Spectra as the spectrograph delivers them.

    Attributes
    ----------
    flux, ivar : ndarray, shape (rows, pixels)
        Flux and its claimed inverse variance, zero where nothing was observed.
    """

    flux: npt.NDArray[np.float32]
    ivar: npt.NDArray[np.float32]

    def median_signal_to_noise(self) -> npt.NDArray[np.float32]:
        """Median of flux * sqrt(ivar) over the observed pixels, shape (rows,)."""
        ratio = np.where(self.ivar > 0, self.flux * np.sqrt(self.ivar), np.nan)
        return np.asarray(np.nanmedian(ratio, axis=1), dtype=np.float32)


def observe(
    flux: FloatArray,
    wavelength_angstrom: FloatArray,
    signal_to_noise: FloatArray,
    rng: np.random.Generator,
    sdss_share: float = _SDSS_SHARE,
) -> Observed:
    """Add noise and defects to noiseless spectra.

    Parameters
    ----------
    flux : ndarray, shape (rows, pixels)
        Noiseless flux density.
    wavelength_angstrom : ndarray, shape (pixels,)
        Observed vacuum wavelengths of the pixels.
    signal_to_noise : ndarray, shape (rows,)
        Wanted median signal-to-noise ratio per pixel.
    rng : numpy.random.Generator
        Source of randomness.
    sdss_share : float
        Share of spectra from the spectrographs of SDSS-I and II; the others are BOSS's.
    """
    rows = len(flux)
    is_sdss = rng.random(rows) < sdss_share
    glow = airglow(wavelength_angstrom) * rng.lognormal(0.0, 0.3, (rows, 1))
    observed = _coverage(rows, wavelength_angstrom, is_sdss, rng)
    # The pipelines flag pixels under bright airglow, as far down as seems right on the night.
    observed &= glow < rng.lognormal(np.log(3.0), 0.4, (rows, 1))
    distorted = flux * _calibration(rows, wavelength_angstrom, rng)
    background = _noise_shape(wavelength_angstrom, is_sdss)
    background *= 1.0 + glow
    sigma = _scale_noise(distorted, background, observed, signal_to_noise)
    noise = rng.standard_normal(flux.shape, dtype=np.float32) * sigma
    noise += _sky_residuals(sigma, glow, rng)
    _add_spikes(noise, sigma, rng)
    # The pipelines' own errors are off by some per cent, differently in each spectrum.
    claimed = sigma * rng.normal(1.0, 0.08, (rows, 1))
    ivar = np.where(observed, claimed**-2.0, 0.0)
    return Observed(np.where(observed, distorted + noise, 0.0).astype(np.float32), ivar.astype(np.float32))


def airglow(wavelength_angstrom: FloatArray) -> FloatArray:
    """Noise that airglow adds, relative to the noise between its lines, shape (pixels,).

    Bands of OH lines as a comb whose teeth lie where the sky's do not: a network can learn that there is a comb,
    not where its teeth are.
    """
    comb = np.zeros_like(wavelength_angstrom)
    for first, last, strength in _AIRGLOW:
        inside = (wavelength_angstrom > first) & (wavelength_angstrom < last)
        phase = np.mod(wavelength_angstrom - first, 17.3) / 17.3
        comb += inside * strength * (0.05 + 2.2 * np.exp(-0.5 * ((phase - 0.5) / 0.13) ** 2))
    lines = np.exp(-0.5 * ((wavelength_angstrom[:, None] - _SKY_LINES_ANGSTROM) / 2.0) ** 2)
    glow: FloatArray = comb + lines @ _SKY_LINE_STRENGTH
    return glow


def _coverage(
    rows: int, wave: FloatArray, is_sdss: npt.NDArray[np.bool_], rng: np.random.Generator
) -> npt.NDArray[np.bool_]:
    first = np.where(is_sdss, _SDSS_RANGE_ANGSTROM[0], _BOSS_RANGE_ANGSTROM[0]) + rng.normal(0.0, 12.0, rows)
    last = np.where(is_sdss, _SDSS_RANGE_ANGSTROM[1], _BOSS_RANGE_ANGSTROM[1]) + rng.normal(0.0, 15.0, rows)
    lost = rng.random(rows)
    first = np.where(lost < _LOST_ARM_SHARE / 2, _ARMS_MEET_ANGSTROM, first)
    last = np.where(lost > 1 - _LOST_ARM_SHARE / 2, _ARMS_MEET_ANGSTROM, last)
    covered = (wave > first[:, None]) & (wave < last[:, None])
    covered &= rng.random(covered.shape, dtype=np.float32) > _PIXEL_LOSS
    return np.asarray(covered)


def _calibration(rows: int, wave: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Multiplicative errors: a smooth tilt, a step where the arms meet, imperfect telluric correction."""
    x = (np.log(wave) - np.log(6000.0)) / 0.5
    order = rng.standard_normal((rows, 3)) * np.array([0.10, 0.06, 0.04])
    log_error = order @ np.stack([x, x**2 - 0.3, x**3])
    log_error += np.where(wave > _ARMS_MEET_ANGSTROM, 0.5, -0.5) * rng.normal(0.0, 0.025, (rows, 1))
    for first, last in _TELLURIC:
        depth = rng.normal(0.0, 0.03, (rows, 1))
        log_error += depth * np.exp(-(((wave - (first + last) / 2) / (last - first) * 2) ** 4))
    return np.asarray(np.exp(log_error))


def _noise_shape(wave: FloatArray, is_sdss: npt.NDArray[np.bool_]) -> FloatArray:
    """Noise of faint objects between the airglow lines, 1 at 6000 angstrom, shape (rows, pixels)."""
    shape: FloatArray = np.where(
        is_sdss[:, None], _sky_limited_noise(wave, _SDSS_THROUGHPUT), _sky_limited_noise(wave, _BOSS_THROUGHPUT)
    )
    return shape


def _sky_limited_noise(wave: FloatArray, throughput: FloatArray) -> FloatArray:
    """Photon noise of the sky as a flux density.

    A pixel, whose width grows with the wavelength, counts photons in proportion to flux * throughput * wave^2;
    the root of the sky's counts divided by that is sqrt(sky / throughput) / wave.
    """

    def noise(at: FloatArray) -> FloatArray:
        sky = 1.0 + _RED_SKY_PER_ANGSTROM * np.clip(at - _RED_SKY_FROM_ANGSTROM, 0.0, None)
        return np.asarray(np.sqrt(sky / np.interp(at, throughput[:, 0], throughput[:, 1])) / at)

    return noise(wave) / noise(np.array([6000.0]))


def _scale_noise(
    flux: FloatArray,
    background: FloatArray,
    observed: npt.NDArray[np.bool_],
    signal_to_noise: FloatArray,
) -> FloatArray:
    """Noise from the sky and from the object itself, scaled to the wanted median signal-to-noise ratio."""
    typical = np.median(np.abs(flux), axis=1, keepdims=True) + 1e-30
    # Bright objects add photon noise of their own: at a ratio of 10 it equals the sky's.
    own = (signal_to_noise[:, None] / 10.0) * np.sqrt(np.clip(flux, 0.0, None) / typical)
    sigma = np.hypot(background, own)
    ratio = np.where(observed, flux / sigma, np.nan)
    with np.errstate(all="ignore"):
        median = np.nan_to_num(np.nanmedian(ratio[:, ::8], axis=1), nan=1.0)
    return np.asarray(sigma * (np.clip(median, 1e-3 * typical[:, 0], None) / signal_to_noise)[:, None])


def _sky_residuals(sigma: FloatArray, glow: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Imperfectly subtracted sky: correlated over a few pixels, strong where the airglow is."""
    field = rng.standard_normal(sigma.shape, dtype=np.float32)
    smooth = (field + np.roll(field, 1, axis=1) + np.roll(field, -1, axis=1)) / np.sqrt(3.0)
    share = _SYSTEMATIC_SKY * rng.lognormal(0.0, 0.5, (len(sigma), 1))
    return np.asarray(share * sigma * glow / (1.0 + glow) * smooth)


def _add_spikes(noise: FloatArray, sigma: FloatArray, rng: np.random.Generator) -> None:
    """Cosmic rays that survived the pipeline, one or two pixels wide, in place."""
    rows, pixels = noise.shape
    count = rng.poisson(_SPIKES_PER_SPECTRUM * rows)
    row, pixel = rng.integers(0, rows, count), rng.integers(0, pixels - 1, count)
    height = rng.exponential(12.0, count) * sigma[row, pixel]
    np.add.at(noise, (row, pixel), height)
    np.add.at(noise, (row, pixel + 1), height * rng.random(count))
