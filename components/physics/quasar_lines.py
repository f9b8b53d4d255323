"""Emission of quasars relative to their continuum: broad lines, narrow lines, iron and Balmer pseudo-continua.

Vacuum wavelengths are those of Vanden Berk et al. 2001 (AJ 122, 549, table 2), equivalent widths of strong lines
are near those of their composite, and those of weak lines and of the parts of blends are guesses. The iron bumps
sketch the templates of Vestergaard & Wilkes 2001 (ApJS 134, 1) and Boroson & Green 1992 (ApJS 80, 109). How lines
vary together ("windy" quasars have weak, blueshifted C IV, strong iron and weak [O III]) follows Richards et al.
2011 (AJ 141, 167).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from components.physics.constants import SPEED_OF_LIGHT_KM_S

FloatArray = npt.NDArray[np.float64]

# wavelength [angstrom], equivalent width [angstrom], width relative to the object's,
# degree of ionisation (scales blueshift and Baldwin effect)
_BROAD = np.array(
    [
        (1033.8, 11.0, 1.0, 1.0),  # O VI and Ly beta
        (1215.7, 75.0, 0.75, 0.3),  # Ly alpha
        (1240.1, 16.0, 1.1, 0.8),  # N V
        (1263.0, 2.0, 1.0, 0.2),  # Si II
        (1304.5, 2.0, 0.8, 0.2),  # O I
        (1335.3, 1.0, 0.8, 0.2),  # C II
        (1398.3, 9.0, 1.2, 0.8),  # Si IV and O IV]
        (1486.5, 0.6, 1.0, 0.8),  # N IV]
        (1549.1, 30.0, 1.0, 1.0),  # C IV
        (1610.0, 3.0, 2.0, 0.8),  # the unidentified shelf redward of C IV
        (1640.4, 4.0, 1.6, 1.0),  # He II
        (1663.5, 2.0, 1.0, 0.6),  # O III]
        (1750.3, 1.0, 1.0, 0.5),  # N III]
        (1857.4, 2.0, 1.0, 0.4),  # Al III
        (1892.0, 2.5, 0.9, 0.4),  # Si III]
        (1908.7, 17.0, 1.3, 0.4),  # C III]
        (2326.0, 2.0, 1.2, 0.1),  # C II]
        (2799.1, 33.0, 0.85, 0.0),  # Mg II
        (3970.0, 2.0, 1.0, 0.0),  # H epsilon
        (4102.9, 6.0, 1.0, 0.0),  # H delta
        (4341.7, 14.0, 1.0, 0.0),  # H gamma
        (4687.0, 3.0, 1.6, 0.5),  # He II
        (4862.7, 46.0, 1.0, 0.0),  # H beta
        (5877.2, 5.0, 1.1, 0.0),  # He I
        (6564.6, 195.0, 0.95, 0.0),  # H alpha
        (7067.1, 2.5, 1.1, 0.0),  # He I
        (8448.7, 6.0, 0.9, 0.0),  # O I
    ]
)

# wavelength [angstrom], equivalent width [angstrom]
_NARROW = np.array(
    [
        (3346.8, 0.4),
        (3426.8, 1.2),  # [Ne V]
        (3728.5, 2.5),  # [O II]
        (3869.9, 1.6),
        (3968.6, 0.5),  # [Ne III]
        (4341.7, 0.8),
        (4364.4, 0.7),  # H gamma, [O III]
        (4862.7, 2.5),  # H beta
        (4960.3, 4.5),
        (5008.2, 13.5),  # [O III]
        (6302.0, 1.2),  # [O I]
        (6549.9, 2.0),
        (6564.6, 9.0),
        (6585.3, 6.0),  # [N II], H alpha
        (6718.3, 2.0),
        (6732.7, 1.8),  # [S II]
        (7137.8, 0.6),
        (9071.1, 2.0),
        (9533.2, 5.0),  # [Ar III], [S III]
    ]
)

# wavelength [angstrom], standard deviation [angstrom], equivalent width [angstrom]
_IRON = np.array(
    [
        (1690.0, 25.0, 1.0),
        (1788.0, 14.0, 1.2),
        (1860.0, 30.0, 1.0),
        (2070.0, 35.0, 3.5),
        (2150.0, 40.0, 2.0),
        (2240.0, 45.0, 5.0),
        (2330.0, 35.0, 6.0),
        (2400.0, 32.0, 9.0),
        (2480.0, 35.0, 12.0),
        (2560.0, 32.0, 9.0),
        (2620.0, 25.0, 5.0),
        (2740.0, 20.0, 4.0),
        (2860.0, 25.0, 4.0),
        (2945.0, 38.0, 7.0),
        (3030.0, 40.0, 3.0),
        (3190.0, 60.0, 6.0),
        (3300.0, 60.0, 3.0),
        (3500.0, 70.0, 2.5),
        (4180.0, 45.0, 2.0),
        (4300.0, 40.0, 2.0),
        (4450.0, 42.0, 5.0),
        (4520.0, 36.0, 7.0),
        (4580.0, 36.0, 8.0),
        (4640.0, 32.0, 5.0),
        (4924.0, 18.0, 1.5),
        (5018.0, 18.0, 1.5),
        (5190.0, 33.0, 6.0),
        (5275.0, 33.0, 7.0),
        (5330.0, 30.0, 6.0),
        (5420.0, 40.0, 2.5),
        (5535.0, 30.0, 2.0),
        (6200.0, 90.0, 4.0),
    ]
)

_FWHM_TO_SIGMA = 1.0 / 2.3548
_BLUESHIFT_KM_S = 500.0
_LOW_IONISATION_SCATTER_KM_S, _MORE_PER_IONISATION_KM_S = 205.0, 210.0
_BALMER_SCATTER_KM_S, _BALMER_FROM_ANGSTROM = 400.0, 3900.0
"""How far lines stray from the systemic redshift, beyond their mean shift. Measured are 205 km/s for Mg II, 233
for C III], 400 for broad H beta, 415 for C IV and 477 for Si IV (Shen et al. 2016, ApJ 831, 7). Here the degree of
ionisation decides: right for Mg II, H beta and C IV, but 289 for C III] and 373 for Si IV. No redshift read from
such lines is better known."""
_NARROW_SHIFT_KM_S = 60.0


@dataclass(frozen=True)
class Components:
    """Gaussian components in x = ln(rest wavelength / angstrom), relative to the continuum.

    Attributes
    ----------
    centre, sigma, amplitude : ndarray, shape (rows, components)
        The emission at x is the continuum times sum(amplitude * exp(-((x - centre) / sigma)^2 / 2)).
    """

    centre: FloatArray
    sigma: FloatArray
    amplitude: FloatArray

    def join(self, other: "Components") -> "Components":
        """Put two sets of components of the same objects side by side."""
        return Components(
            np.hstack([self.centre, other.centre]),
            np.hstack([self.sigma, other.sigma]),
            np.hstack([self.amplitude, other.amplitude]),
        )


def draw_emission(windiness: FloatArray, baldwin: FloatArray, rng: np.random.Generator) -> Components:
    """Draw the lines of quasars.

    Parameters
    ----------
    windiness : ndarray, shape (rows,)
        Standard normal; positive for weak, blueshifted C IV and strong iron.
    baldwin : ndarray, shape (rows,)
        log10 of the common factor on equivalent widths: luminous quasars have weak lines.
    rng : numpy.random.Generator
        Source of randomness.
    """
    broad = _broad_lines(windiness, baldwin, rng)
    return broad.join(_narrow_lines(windiness, rng)).join(_iron_bumps(windiness, rng))


def _broad_lines(windiness: FloatArray, baldwin: FloatArray, rng: np.random.Generator) -> Components:
    wavelength, width, relative_width, ionisation = _BROAD.T
    shape = (len(windiness), len(_BROAD))
    log_ew = np.log10(width) + 0.17 * rng.standard_normal(shape)
    log_ew += baldwin[:, None] * (0.4 + ionisation) - 0.15 * windiness[:, None] * (ionisation - 0.25)
    # About one quasar in twelve shows little but narrow lines, or hardly any lines at all.
    weak = rng.random(len(windiness))
    log_ew += np.where(weak < 0.05, -0.7, np.where(weak < 0.08, -0.35, 0.0))[:, None]
    fwhm = 10 ** np.clip(rng.normal(np.log10(3800.0), 0.2, len(windiness)), 3.1, 4.1)
    fwhm = fwhm[:, None] * relative_width * 10 ** (0.05 * rng.standard_normal(shape))
    shift = -_BLUESHIFT_KM_S * ionisation * (1.0 + 0.8 * windiness[:, None])
    shift += _line_scatter(wavelength, ionisation) * rng.standard_normal(shape)
    core_share = np.clip(0.5 - 0.1 * windiness[:, None] + 0.1 * rng.standard_normal(shape), 0.15, 0.85)
    core = _gaussians(wavelength, 10**log_ew * core_share, 0.65 * fwhm, 0.4 * shift)
    wing = _gaussians(wavelength, 10**log_ew * (1 - core_share), 1.7 * fwhm, 1.4 * shift)
    return core.join(wing)


def _line_scatter(wavelength: FloatArray, ionisation: FloatArray) -> FloatArray:
    """Scatter of the lines' velocities in km/s, shape (lines,)."""
    low_to_high: FloatArray = _LOW_IONISATION_SCATTER_KM_S + _MORE_PER_IONISATION_KM_S * ionisation
    return np.where(wavelength > _BALMER_FROM_ANGSTROM, _BALMER_SCATTER_KM_S, low_to_high)


def _narrow_lines(windiness: FloatArray, rng: np.random.Generator) -> Components:
    wavelength, width = _NARROW.T
    shape = (len(windiness), len(_NARROW))
    strength = -0.15 + 0.35 * rng.standard_normal(len(windiness)) - 0.2 * windiness
    log_ew = np.log10(width) + strength[:, None] + 0.15 * rng.standard_normal(shape)
    fwhm = 10 ** np.clip(rng.normal(np.log10(500.0), 0.15, len(windiness)), 2.4, 3.1)
    shift = _NARROW_SHIFT_KM_S * rng.standard_normal((len(windiness), 1))
    return _gaussians(wavelength, 10**log_ew, np.broadcast_to(fwhm[:, None], shape), np.broadcast_to(shift, shape))


def _iron_bumps(windiness: FloatArray, rng: np.random.Generator) -> Components:
    wavelength, sigma, width = _IRON.T
    rows = len(windiness)
    shape = (rows, len(_IRON))
    ultraviolet, optical = rng.standard_normal((2, rows, 1)) * 0.2
    log_ew = np.log10(width) + np.where(wavelength < 3600.0, ultraviolet, optical) + 0.12 * windiness[:, None]
    log_ew += 0.1 * rng.standard_normal(shape)
    fwhm = sigma / wavelength * SPEED_OF_LIGHT_KM_S / _FWHM_TO_SIGMA * (1 + 0.1 * rng.standard_normal(shape))
    return _gaussians(wavelength, 10**log_ew, fwhm, 200.0 * rng.standard_normal(shape))


def _gaussians(
    wavelength: FloatArray, equivalent_width: FloatArray, fwhm_km_s: FloatArray, shift_km_s: FloatArray
) -> Components:
    sigma = fwhm_km_s * _FWHM_TO_SIGMA / SPEED_OF_LIGHT_KM_S
    amplitude = equivalent_width / (np.sqrt(2 * np.pi) * sigma * wavelength)
    return Components(np.log(wavelength) + shift_km_s / SPEED_OF_LIGHT_KM_S, sigma, amplitude)
