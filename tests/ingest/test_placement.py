import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.ingest.sdss_spectra.placement import estimate_ivar, place
from components.ingest.sdss_spectra.schema import TENSOR_PIXELS


def test_shifts_a_spectrum_on_the_lattice_and_fills_its_holes() -> None:
    index = np.array([36000, 36001, 36004, 36005])
    placed = place((1e-4 * index).astype(np.float32), np.arange(1.0, 5.0), np.full(4, 2.0))
    assert (placed.first_pixel, placed.resampled) == (36000, False)
    np.testing.assert_array_equal(placed.flux, [1, 2, 0, 0, 3, 4])
    np.testing.assert_array_equal(placed.ivar, [2, 2, 0, 0, 2, 2])


def test_crops_a_spectrum_that_is_too_long_to_the_quasar_grid() -> None:
    placed = place(1e-4 * np.arange(34000, 42000), np.ones(8000), np.ones(8000))
    assert (placed.first_pixel, placed.flux.size) == (35522, 4618)


def test_keeps_a_spectrum_that_is_a_little_wider_than_the_grid() -> None:
    placed = place(1e-4 * np.arange(35500, 35500 + TENSOR_PIXELS), np.ones(TENSOR_PIXELS), np.ones(TENSOR_PIXELS))
    assert (placed.first_pixel, placed.flux.size) == (35500, TENSOR_PIXELS)


@settings(derandomize=True)
@given(shift=st.floats(0.1, 0.9), width=st.floats(0.4, 2.5), level=st.floats(-5, 5))
def test_rebinning_keeps_level_and_information(shift: float, width: float, level: float) -> None:
    pixels = int(600 / width)
    log_wavelength = 1e-4 * (36000 + shift + width * np.arange(pixels))
    if np.abs(log_wavelength * 1e4 - np.rint(log_wavelength * 1e4)).max() < 0.05:
        return  # on the lattice after all
    placed = place(log_wavelength, np.full(pixels, level), np.full(pixels, 3.0))
    assert placed.resampled
    # float32 and differences of cumulative sums leave a few 1e-7 of the level.
    np.testing.assert_allclose(placed.flux, level, atol=1e-5)
    # Each lattice pixel covers 1/width pixels of the file, each worth an inverse variance of 3.
    np.testing.assert_allclose(placed.ivar, 3.0 / width, rtol=1e-5)


def test_rebinning_conserves_the_flux_of_a_line() -> None:
    log_wavelength = 1e-4 * (36000.3 + 0.7 * np.arange(1000))
    line = np.exp(-0.5 * ((log_wavelength - 3.635) / 8e-4) ** 2)
    placed = place(log_wavelength, line, np.ones(1000))
    expected = 8e-4 * np.sqrt(2 * np.pi) / 1e-4
    assert placed.flux.sum() == pytest.approx(expected, rel=1e-5)  # a sum over a smooth line is its integral
    centre = placed.first_pixel + np.average(np.arange(placed.flux.size), weights=placed.flux)
    assert centre == pytest.approx(36350, abs=0.01)


def test_rebinning_takes_nothing_from_bad_pixels() -> None:
    log_wavelength = 1e-4 * (36000.5 + np.arange(100))
    ivar = np.ones(100)
    ivar[40:50] = 0
    flux = np.where(ivar > 0, 1.0, 0.0)
    placed = place(log_wavelength, flux, ivar)
    np.testing.assert_allclose(placed.flux[placed.ivar > 0], 1.0, rtol=1e-6)
    assert (placed.ivar == 0).sum() == 9  # of eleven lattice pixels that overlap the gap, two have half a good one


@pytest.mark.parametrize(
    ("log_wavelength", "said"),
    [
        (np.full(50, 3.6), "do not increase"),
        (np.linspace(3.7, 3.6, 50), "do not increase"),
        (np.array([3.6]), "do not increase"),
        (1e-4 * np.arange(41000, 46000), "outside"),
        (np.array([3.600050, 3.600080]), "fewer than two"),
    ],
)
def test_refuses_wavelengths_that_make_no_sense(log_wavelength: np.ndarray, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        place(log_wavelength, np.ones(len(log_wavelength)), np.ones(len(log_wavelength)))


def test_estimates_the_noise_below_a_smooth_continuum() -> None:
    rng = np.random.default_rng(5)
    x = np.linspace(0, 1, 4618)
    flux = np.stack([10 + 5 * x**2 + rng.normal(0, sigma, x.size) for sigma in (0.1, 2.0)])
    flux[0, 100:200] = np.nan
    ivar = estimate_ivar(flux)
    # The median of 4600 values of a folded Gaussian is good to 2 %, the inverse variance to 4 %: three sigma.
    np.testing.assert_allclose(ivar[:, 0], [100.0, 0.25], rtol=0.12)
    assert not ivar[0, 100:200].any()
    assert not estimate_ivar(np.ones((1, 50))).any()
