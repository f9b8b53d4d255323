"""Grids that are uniform in log10 of the wavelength, and the lattice that SDSS spectra share.

Every SDSS and BOSS spectrum is sampled at log10(wavelength / angstrom) = 1e-4 * integer (vacuum wavelengths), so
two spectra differ in where they begin and end but not in where their pixels lie. A spectrum is therefore placed on
a grid by shifting an integer number of pixels, without interpolation.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

LATTICE_STEP = 1e-4
"""Spacing of the SDSS pixels in log10(wavelength); 69 km/s."""

_TOLERANCE_PIXELS = 0.05
"""float32 rounds log10(wavelength) of a pixel by up to 0.0024 of its width."""


@dataclass(frozen=True)
class WavelengthGrid:
    """A grid uniform in log10(wavelength).

    Attributes
    ----------
    first_pixel : int
        Lattice index of the first fine pixel: log10(wavelength / angstrom) / 1e-4.
    fine_pixels : int
        Number of lattice pixels that the grid spans.
    bin_pixels : int
        Lattice pixels averaged into one pixel of the grid.
    """

    first_pixel: int = 35522
    fine_pixels: int = 4618
    bin_pixels: int = 1

    @property
    def pixels(self) -> int:
        """Number of pixels; lattice pixels that do not fill a last bin are left out."""
        return self.fine_pixels // self.bin_pixels

    @property
    def step(self) -> float:
        """Width of a pixel in log10(wavelength)."""
        return LATTICE_STEP * self.bin_pixels

    @property
    def log_wavelength(self) -> npt.NDArray[np.float64]:
        """log10(wavelength / angstrom) at the pixel centres, shape (pixels,)."""
        centre = self.first_pixel + (self.bin_pixels - 1) / 2
        return np.asarray(LATTICE_STEP * (centre + self.bin_pixels * np.arange(self.pixels)), dtype=np.float64)

    @property
    def wavelength_angstrom(self) -> npt.NDArray[np.float64]:
        """Vacuum wavelengths of the pixel centres, shape (pixels,)."""
        return np.asarray(10.0**self.log_wavelength)


QUASAR_GRID = WavelengthGrid()
"""The workshop paper's grid: 4618 pixels, log10(wavelength) from 3.5522 to 4.0139 (3566 to 10325 angstrom)."""


def lattice_indices(log_wavelength: npt.NDArray[np.floating]) -> npt.NDArray[np.int64] | None:
    """Integer lattice positions of a spectrum's pixels, or None when they do not lie on the lattice.

    Parameters
    ----------
    log_wavelength : ndarray, shape (pixels,)
        log10(wavelength / angstrom).
    """
    position = np.asarray(log_wavelength, dtype=np.float64) / LATTICE_STEP
    index = np.rint(position)
    if np.abs(position - index).max(initial=0.0) > _TOLERANCE_PIXELS:
        return None
    return index.astype(np.int64)
