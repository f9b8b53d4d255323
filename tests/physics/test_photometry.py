"""Magnitudes of spectra whose magnitude is known."""

import numpy as np
import pytest

from components.physics.photometry import Band, band_weights, to_magnitude

WAVE = 10 ** np.arange(3.55, 4.02, 1e-4)
BOX = Band("r", np.array([5500.0, 5510.0, 6990.0, 7000.0]), np.array([0.0, 1.0, 1.0, 0.0]))


def test_a_flat_spectrum_in_frequency_has_one_magnitude_in_every_band() -> None:
    jansky = 3631 * 10 ** (-0.4 * 17.0)
    flux = jansky * 1e-23 * 2.99792458e18 / WAVE**2 / 1e-17
    bluer = Band("g", BOX.wavelength_angstrom - 1000, BOX.response * 0.3)
    for band in (BOX, bluer):
        assert to_magnitude(band_weights(band, WAVE) @ flux) == pytest.approx(17.0, abs=1e-9)


def test_half_a_band_sees_the_brightness_of_the_whole() -> None:
    flux = 1 / WAVE**2
    half = WAVE > 6200
    whole = band_weights(BOX, WAVE) @ flux
    assert band_weights(BOX, WAVE[half]) @ flux[half] == pytest.approx(whole, rel=1e-6)


def test_refining_keeps_the_response() -> None:
    fine = BOX.refined()
    assert np.diff(fine.wavelength_angstrom).max() == 2.0
    assert np.interp(6000.0, fine.wavelength_angstrom, fine.response) == 1.0


def test_no_light_has_no_magnitude() -> None:
    assert np.isnan(to_magnitude([0.0, -1.0])).all()
