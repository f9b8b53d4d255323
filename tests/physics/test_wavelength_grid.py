"""The paper's grid, and the lattice of the survey's pixels."""

from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from components.physics.wavelength_grid import LATTICE_STEP, QUASAR_GRID, WavelengthGrid, lattice_indices


def test_the_quasar_grid_is_the_papers() -> None:
    # 1e-12 of log10(wavelength) is 1e-8 of a pixel: nothing but rounding
    assert np.abs(QUASAR_GRID.log_wavelength - np.linspace(3.5522, 4.0139, 4618)).max() < 1e-12
    assert QUASAR_GRID.wavelength_angstrom[[0, -1]] == pytest.approx([3566.2, 10325.2], abs=0.1)


@pytest.mark.parametrize("bin_pixels", [2, 3, 4, 16])
def test_a_binned_pixel_lies_amid_the_pixels_that_it_averages(bin_pixels: int) -> None:
    grid = WavelengthGrid(bin_pixels=bin_pixels)
    fine = QUASAR_GRID.log_wavelength[: grid.pixels * bin_pixels].reshape(grid.pixels, bin_pixels)
    assert np.abs(grid.log_wavelength - fine.mean(axis=1)).max() < 1e-12
    assert 4618 - fine.size < bin_pixels
    assert np.diff(grid.log_wavelength) == pytest.approx(grid.step)


def test_real_pixels_lie_on_the_lattice_though_rounded_to_float32(real_data: Path) -> None:
    files = sorted((real_data / "sdss" / "spectra").glob("spec-*.fits"))
    assert len(files) >= 40
    for file in files:
        with fits.open(file) as hdus:
            log_wavelength = hdus[1].data["loglam"]
        assert log_wavelength.dtype.itemsize == 4, file
        index = lattice_indices(log_wavelength)
        assert index is not None, file
        assert np.all(np.diff(index) == 1), file


@pytest.mark.parametrize("shift", [0.1, 0.25, 0.5, -0.1])
def test_pixels_beside_the_lattice_are_told(shift: float) -> None:
    assert lattice_indices(QUASAR_GRID.log_wavelength + shift * LATTICE_STEP) is None


def test_one_pixel_beside_the_lattice_or_another_spacing_are_told() -> None:
    one = QUASAR_GRID.log_wavelength.copy()
    one[2000] += 0.3 * LATTICE_STEP
    assert lattice_indices(one) is None
    assert lattice_indices(np.linspace(3.58, 3.96, 3000)) is None
    assert lattice_indices(np.log10(np.linspace(3800.0, 9200.0, 4000))) is None


def test_gaps_between_pixels_are_no_matter() -> None:
    index = lattice_indices(QUASAR_GRID.log_wavelength[::7])
    assert index is not None
    assert index.tolist() == list(range(35522, 35522 + 4618, 7))
