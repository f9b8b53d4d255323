"""Extinction against the published curves."""

import numpy as np
import pytest

from components.physics.dust import galactic_optical_depth, smc_optical_depth

_MAGNITUDES = 2.5 * np.log10(np.e)
_B_BAND, _V_BAND = 4400.0, 5500.0


def _extinction(law, *angstrom: float) -> np.ndarray:  # type: ignore[no-untyped-def]
    return _MAGNITUDES * law(np.array(angstrom))


def test_the_milky_ways_ratio_of_total_to_selective_extinction_is_3_1() -> None:
    blue, visual = _extinction(galactic_optical_depth, _B_BAND, _V_BAND)
    # bands have widths, and the law is per colour excess of bands: a few per cent
    assert visual == pytest.approx(3.1, rel=0.01)
    assert blue - visual == pytest.approx(1.0, rel=0.03)


def test_the_milky_ways_extinction_is_that_of_the_papers_own_bands() -> None:
    # Table 3 of Cardelli, Clayton & Mathis 1989: A/A(V) in U, B, V, R, I at R_V = 3.1. The table has what was
    # observed, the law is fitted to it: they differ by 0.014 in B, elsewhere by less than 0.003.
    inverse_micron = np.array([2.78, 2.27, 1.82, 1.43, 1.11])
    relative = np.array([1.569, 1.337, 1.000, 0.751, 0.479])
    assert _extinction(galactic_optical_depth, *(1e4 / inverse_micron)) / 3.1 == pytest.approx(relative, abs=0.015)


def test_extinction_falls_with_wavelength_all_over_the_spectrographs() -> None:
    wave = np.arange(3550.0, 10500.0, 5.0)
    # one part in a thousand: the optical and the infrared law meet at 9091 angstrom but for rounding
    assert np.all(np.diff(galactic_optical_depth(wave)) < 1e-3)
    assert galactic_optical_depth(wave[-1:])[0] < 0.85 * galactic_optical_depth(np.array([9000.0]))[0]


def test_the_magellanic_clouds_extinction_is_the_published_one() -> None:
    # Gordon et al. 2003, table 4, SMC bar: A/A(V), with R_V = 2.74
    wave = np.array([8100.0, 5500.0, 4400.0, 3700.0, 1e4 / 3.375, 1e4 / 5.125, 1e4 / 7.125, 1e4 / 8.375])
    relative = np.array([0.567, 1.0, 1.374, 1.672, 2.000, 3.489, 5.272, 6.436])
    assert _extinction(smc_optical_depth, *wave) / 2.74 == pytest.approx(relative, rel=0.005)


def test_a_magnitude_of_colour_excess_reddens_by_a_magnitude() -> None:
    blue, visual = _extinction(smc_optical_depth, _B_BAND, _V_BAND)
    assert blue - visual == pytest.approx(1.0, rel=0.03)


def test_the_magellanic_clouds_have_no_bump_and_rise_to_the_lyman_limit() -> None:
    assert np.all(np.diff(smc_optical_depth(np.arange(912.0, 9000.0, 2.0))) <= 0)
