"""Starlight of the galaxies that host quasars: a sketch of an old and a young population.

Three colours of black body stand for the continuum; the 4000 angstrom break, the calcium, G-band, magnesium and
sodium absorption of old stars and the Balmer absorption of young ones are put on top. Enough to blur a redshift
measurement at low redshift as a real host does; not a stellar population synthesis.
"""

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

# wavelength, standard deviation, depth
_OLD_ABSORPTION = np.array(
    [
        (3834.0, 14.0, 0.22),
        (3934.8, 9.0, 0.40),
        (3969.6, 9.0, 0.36),
        (4228.0, 7.0, 0.10),
        (4305.6, 13.0, 0.20),
        (4383.0, 9.0, 0.12),
        (4862.7, 5.0, 0.08),
        (5176.6, 15.0, 0.18),
        (5270.0, 10.0, 0.09),
        (5335.0, 10.0, 0.07),
        (5895.6, 6.0, 0.16),
        (6564.6, 5.0, 0.05),
        (7150.0, 60.0, 0.05),
        (8500.0, 8.0, 0.12),
        (8544.0, 8.0, 0.18),
        (8665.0, 8.0, 0.15),
    ]
)
_YOUNG_ABSORPTION = np.array(
    [
        (3799.0, 8.0, 0.15),
        (3836.5, 8.0, 0.2),
        (3890.2, 9.0, 0.24),
        (3971.2, 9.0, 0.28),
        (4102.9, 9.0, 0.26),
        (4341.7, 9.0, 0.24),
        (4862.7, 9.0, 0.2),
        (6564.6, 8.0, 0.1),
    ]
)
_PIVOT_ANGSTROM = 5100.0


def population_spectra(wavelength_angstrom: FloatArray) -> FloatArray:
    """Spectra of an old and a young population, unity at 5100 angstrom.

    Parameters
    ----------
    wavelength_angstrom : ndarray, shape (pixels,)
        Rest-frame vacuum wavelengths.

    Returns
    -------
    ndarray, shape (2, pixels)
        Flux per unit wavelength.
    """
    wave = wavelength_angstrom
    old = (0.75 * _black_body(wave, 4600.0) + 0.25 * _black_body(wave, 3700.0)) * _absorption(
        wave, _OLD_ABSORPTION
    )
    old *= 1.0 - 0.42 / (1.0 + np.exp((wave - 3990.0) / 30.0)) - 0.35 / (1.0 + np.exp((wave - 2900.0) / 150.0))
    young = (0.6 * _black_body(wave, 9500.0) + 0.4 * _black_body(wave, 5500.0)) * _absorption(
        wave, _YOUNG_ABSORPTION
    )
    young *= 1.0 - 0.35 / (1.0 + np.exp((wave - 3750.0) / 25.0))
    return np.stack([old, young])


def _black_body(wavelength_angstrom: FloatArray, temperature_kelvin: float) -> FloatArray:
    def planck(wave: FloatArray | float) -> FloatArray:
        return np.asarray(1.0 / (np.asarray(wave) ** 5 * np.expm1(1.438777e8 / (wave * temperature_kelvin))))

    return np.asarray(planck(wavelength_angstrom) / planck(_PIVOT_ANGSTROM))


def _absorption(wavelength_angstrom: FloatArray, lines: FloatArray) -> FloatArray:
    centre, sigma, depth = lines.T[:, :, None]
    return np.asarray(np.prod(1.0 - depth * np.exp(-0.5 * ((wavelength_angstrom - centre) / sigma) ** 2), axis=0))
