"""Place the pixels of a spectrum on the survey's lattice, and estimate the noise of one that comes without."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from components.ingest.sdss_spectra.schema import TENSOR_PIXELS
from components.physics.wavelength_grid import LATTICE_STEP, QUASAR_GRID, lattice_indices

Floats = npt.NDArray[np.floating]

_SHORTEST, _LONGEST = 3.0, 5.0
"""log10(wavelength / angstrom) from the far ultraviolet to the infrared: what is beyond has other units."""


@dataclass(frozen=True)
class Placed:
    """A spectrum on consecutive lattice pixels.

    Attributes
    ----------
    first_pixel : int
        Lattice index of the first pixel.
    flux, ivar : ndarray of float32, shape (pixels,)
        Finite everywhere; missing pixels are 0 in both.
    resampled : bool
        True where the pixels were off the lattice and had to be rebinned.
    """

    first_pixel: int
    flux: npt.NDArray[np.float32]
    ivar: npt.NDArray[np.float32]
    resampled: bool


def place(log_wavelength: Floats, flux: Floats, ivar: Floats) -> Placed:
    """Place a spectrum on the lattice: by shifting where its pixels lie on it, by rebinning where they do not.

    A spectrum longer than the tables hold is cropped to the quasar grid.

    Parameters
    ----------
    log_wavelength : ndarray, shape (pixels,)
        log10(wavelength / angstrom), strictly increasing.
    flux, ivar : ndarray, shape (pixels,)
        Flux density and its inverse variance; 0 in both where a pixel is unusable.

    Raises
    ------
    ValueError
        When the wavelengths do not increase, or a long spectrum lies outside the grid.
    """
    if not np.all(np.isfinite(log_wavelength)):
        raise ValueError("wavelengths that are no numbers")
    if log_wavelength.size < 2 or not np.all(np.diff(log_wavelength) > 0):
        raise ValueError("wavelengths that do not increase from pixel to pixel")
    if log_wavelength[0] < _SHORTEST or log_wavelength[-1] > _LONGEST:
        raise ValueError("wavelengths that are none of visible light")
    index = lattice_indices(log_wavelength)
    if index is not None and np.all(np.diff(index) > 0):
        keep = _fitting(index)
        index, flux, ivar = index[keep], flux[keep], ivar[keep]
        at = index - index[0]
        placed_flux = np.zeros(at[-1] + 1, dtype=np.float32)
        placed_ivar = np.zeros(at[-1] + 1, dtype=np.float32)
        placed_flux[at], placed_ivar[at] = flux, ivar
        return Placed(int(index[0]), placed_flux, placed_ivar, resampled=False)
    return _rebin(log_wavelength, flux, ivar)


def _rebin(log_wavelength: Floats, flux: Floats, ivar: Floats) -> Placed:
    """Average the pixels that a lattice pixel overlaps, weighted by overlap and inverse variance.

    The inverse variance is shared out by overlap, so that the information in a stretch of spectrum stays what it
    was; correlations between neighbouring pixels are neglected.
    """
    log_wavelength, flux, ivar = (np.asarray(a, dtype=np.float64) for a in (log_wavelength, flux, ivar))
    middle = (log_wavelength[1:] + log_wavelength[:-1]) / 2
    edges = np.concatenate([[2 * log_wavelength[0] - middle[0]], middle, [2 * log_wavelength[-1] - middle[-1]]])
    # Only pixels wholly inside the spectrum: half a pixel of data at an edge is not worth a special case.
    first = int(np.ceil(edges[0] / LATTICE_STEP + 0.5 - 1e-6))
    last = int(np.floor(edges[-1] / LATTICE_STEP - 0.5 + 1e-6))
    index = np.arange(first, last + 1)
    index = index[_fitting(index)]
    if not index.size:
        raise ValueError("fewer than two pixels on the lattice")
    new_edges = LATTICE_STEP * (np.append(index, index[-1] + 1) - 0.5)
    weight = np.diff(np.interp(new_edges, edges, np.concatenate([[0], np.cumsum(ivar)])))
    weighted = np.diff(np.interp(new_edges, edges, np.concatenate([[0], np.cumsum(ivar * flux)])))
    good = weight > 0
    new_flux = np.divide(weighted, weight, out=np.zeros_like(weight), where=good)
    return Placed(
        int(index[0]), new_flux.astype(np.float32), np.where(good, weight, 0).astype(np.float32), resampled=True
    )


def _fitting(index: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    if index.size == 0 or index[-1] - index[0] < TENSOR_PIXELS:
        return np.ones(index.shape, dtype=bool)
    last = QUASAR_GRID.first_pixel + QUASAR_GRID.fine_pixels - 1
    keep = (index >= QUASAR_GRID.first_pixel) & (index <= last)
    if not keep.any():
        raise ValueError("wavelengths outside 3566 to 10325 angstrom")
    return np.asarray(keep)


def estimate_ivar(flux: Floats) -> Floats:
    """Inverse variance, the same in every finite pixel of a spectrum, from the scatter between its pixels.

    DER_SNR (Stoehr et al. 2008, ASP Conf. Ser. 394, 505): the median of abs(2 f[i] - f[i-2] - f[i+2]) is blind to
    whatever is smooth over five pixels.

    Parameters
    ----------
    flux : ndarray, shape (spectra, pixels)
        NaN where there is none.

    Returns
    -------
    ndarray, shape (spectra, pixels)
        0 where the flux is not finite, and everywhere in a spectrum without scatter.
    """
    second = np.abs(2 * flux[:, 2:-2] - flux[:, :-4] - flux[:, 4:])
    gaps = ~np.isfinite(second)
    some = gaps.any(axis=1) & ~gaps.all(axis=1)
    median = np.zeros(len(flux))
    median[~gaps.any(axis=1)] = np.median(second[~gaps.any(axis=1)], axis=1)
    median[some] = np.nanmedian(np.where(gaps[some], np.nan, second[some]), axis=1)  # slower, and rarely needed
    sigma = 1.482602 / np.sqrt(6) * median
    ivar = np.divide(1.0, sigma**2, out=np.zeros_like(sigma), where=sigma > 0)
    return np.where(np.isfinite(flux), ivar[:, None], 0.0)
