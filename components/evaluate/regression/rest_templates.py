"""Rest-frame templates of quasars, learnt from the training spectra themselves.

Each spectrum is modelled as a sum of a few templates, shifted by its redshift, plus a polynomial of the observed
wavelength that takes up the offset and scale of the normalisation. Coefficients and templates are fitted in turns
by weighted least squares, so that missing pixels and noise count for what they are worth (Bailey 2012, PASP 124,
1015). On a grid uniform in log wavelength a redshift is a shift by whole pixels.
"""

from dataclasses import dataclass

import numba
import numpy as np
import numpy.typing as npt

from components.common.compilation import compiled

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int64]

MODEL_ERROR = 0.1
"""Error of the templates, in units of the spectrum's own standard deviation, added to the noise in quadrature.

Without it the few brightest spectra decide all, in fitting templates as well as in comparing redshifts.
"""

_RIDGE = 1e-8
"""Smallest pivot of normal equations, relative to their largest element: a template that is not covered, or that
equals the polynomial, gets no say."""

_SMALLEST_WEIGHT = 1e-3
"""Weight, relative to the median, below which a pixel of a template counts as not covered."""


@dataclass(frozen=True)
class Templates:
    """Templates on a rest-frame grid uniform in log10 wavelength.

    Attributes
    ----------
    flux : ndarray, shape (components, rest pixels)
        Templates; 0 where the training spectra do not reach.
    first_shift : int
        Shift, in pixels, of the lowest redshift: log10(1 + z) / step.
    shifts : int
        Number of redshifts that the templates cover.
    step : float
        Width of a pixel in log10 wavelength.
    """

    flux: Floats
    first_shift: int
    shifts: int
    step: float

    @property
    def redshift(self) -> Floats:
        """Redshift of each shift, shape (shifts,), increasing."""
        return np.asarray(10.0 ** (self.step * (self.first_shift + np.arange(self.shifts))) - 1)

    def shift_of(self, redshift: Floats) -> Integers:
        """Nearest shift of redshifts, counted from the lowest."""
        return shift_of(redshift, self.step) - self.first_shift


def shift_of(redshift: Floats, step: float) -> Integers:
    """Shift in whole pixels that comes closest to a redshift."""
    return np.rint(np.log10(1 + redshift) / step).astype(np.int64)


def polynomials(pixels: int, terms: int) -> Floats:
    """Legendre polynomials of the pixel number, shape (terms, pixels)."""
    return np.ascontiguousarray(np.polynomial.legendre.legvander(np.linspace(-1, 1, pixels), terms - 1).T)


def weigh(ivar: Singles) -> Singles:
    """Weights of pixels: the inverse variance, limited by the error of the templates."""
    return np.asarray(ivar / (1 + ivar * MODEL_ERROR**2), dtype=np.float32)


def fit_templates(
    flux: Singles,
    ivar: Singles,
    redshift: Floats,
    step: float,
    components: int,
    polynomial_terms: int,
    iterations: int = 8,
) -> Templates:
    """Learn templates from spectra of known redshift.

    Parameters
    ----------
    flux, ivar : ndarray, shape (n, pixels)
        Normalised spectra on a grid uniform in log wavelength.
    redshift : ndarray, shape (n,)
        Labels.
    step : float
        Width of a pixel in log10 wavelength.
    components : int
        Number of templates.
    polynomial_terms : int
        Number of polynomial terms fitted beside them.
    iterations : int
        Turns of fitting coefficients and templates.

    Returns
    -------
    Templates
        They cover the redshifts of the spectra given.
    """
    shift = shift_of(redshift, step)
    first_shift, shifts = int(shift.min()), int(np.ptp(shift)) + 1
    # A spectrum of the highest redshift begins at the first rest pixel.
    start = shifts - 1 - (shift - first_shift)
    rest_pixels = flux.shape[1] + shifts - 1
    weight = weigh(ivar)
    smooth = polynomials(flux.shape[1], polynomial_terms)
    templates = _first_guess(components, rest_pixels)
    for _ in range(iterations):
        coefficients = _fit_coefficients(flux, weight, start, templates, smooth)
        templates = _fit_templates(flux, weight, start, coefficients, smooth, components, rest_pixels)
    return Templates(templates, first_shift, shifts, step)


def _first_guess(components: int, rest_pixels: int) -> Floats:
    """Smooth noise around a constant: least squares turns it into what the spectra have in common."""
    noise = np.random.default_rng(0).standard_normal((components, rest_pixels + 32))
    running = np.cumsum(noise, axis=1)
    return np.ascontiguousarray((running[:, 32:] - running[:, :-32]) / 32**0.5)


@compiled(error_model="numpy")
def solve_in_place(matrix: Floats, vector: Floats, size: int) -> float:
    """Solve a symmetric positive definite system of `size` equations by Cholesky decomposition.

    Only the lower triangle of `matrix` is read; it is overwritten by the factor, and `vector` by the solution.
    Returns vector^T matrix^-1 vector, the reduction of chi square that the solution brings.
    """
    reduction = 0.0
    largest = 0.0
    for i in range(size):
        largest = max(largest, matrix[i, i])
    for i in range(size):
        for j in range(i):
            total = matrix[i, j]
            for k in range(j):
                total -= matrix[i, k] * matrix[j, k]
            matrix[i, j] = total / matrix[j, j]
        pivot = matrix[i, i]
        total = vector[i]
        for k in range(i):
            pivot -= matrix[i, k] * matrix[i, k]
            total -= matrix[i, k] * vector[k]
        matrix[i, i] = np.sqrt(max(pivot, _RIDGE * largest + 1e-300))
        vector[i] = total / matrix[i, i]
        reduction += vector[i] * vector[i]
    for i in range(size - 1, -1, -1):
        total = vector[i]
        for k in range(i + 1, size):
            total -= matrix[k, i] * vector[k]
        vector[i] = total / matrix[i, i]
    return reduction


@compiled(parallel=True, error_model="numpy")
def _fit_coefficients(
    flux: Singles, weight: Singles, start: Integers, templates: Floats, smooth: Floats
) -> Floats:
    """Fit templates and polynomial to each spectrum; shape (n, components + terms)."""
    rows, pixels = flux.shape
    components, terms = templates.shape[0], smooth.shape[0]
    size = components + terms
    result = np.zeros((rows, size))
    for row in numba.prange(rows):
        matrix, value = np.zeros((size, size)), np.empty(size)
        for p in range(pixels):
            w = weight[row, p]
            if w == 0.0:
                continue
            for i in range(components):
                value[i] = templates[i, start[row] + p]
            for i in range(terms):
                value[components + i] = smooth[i, p]
            for i in range(size):
                weighted = w * value[i]
                result[row, i] += weighted * flux[row, p]
                for j in range(i + 1):
                    matrix[i, j] += weighted * value[j]
        solve_in_place(matrix, result[row], size)
    return result


@compiled(error_model="numpy")
def _accumulate(
    flux: Singles,
    weight: Singles,
    start: Integers,
    coefficients: Floats,
    smooth: Floats,
    components: int,
    matrix: Floats,
    vector: Floats,
) -> None:
    """Add spectra to the normal equations of the templates at each rest pixel, in place."""
    rows, pixels = flux.shape
    for row in range(rows):
        for p in range(pixels):
            w = weight[row, p]
            if w == 0.0:
                continue
            rest = start[row] + p
            value = flux[row, p]
            for i in range(smooth.shape[0]):
                value -= coefficients[row, components + i] * smooth[i, p]
            for i in range(components):
                weighted = w * coefficients[row, i]
                vector[rest, i] += weighted * value
                for j in range(i + 1):
                    matrix[rest, i, j] += weighted * coefficients[row, j]


def _fit_templates(
    flux: Singles,
    weight: Singles,
    start: Integers,
    coefficients: Floats,
    smooth: Floats,
    components: int,
    rest_pixels: int,
) -> Floats:
    """Fit the templates to all spectra, given their coefficients; rows are made orthonormal."""
    matrix, vector = np.zeros((rest_pixels, components, components)), np.zeros((rest_pixels, components))
    _accumulate(flux, weight, start, coefficients, smooth, components, matrix, vector)
    trace = np.trace(matrix, axis1=1, axis2=2)
    lower = np.tril(matrix)
    matrix = lower + np.tril(matrix, -1).transpose(0, 2, 1)
    covered = trace > _SMALLEST_WEIGHT * np.median(trace[trace > 0])
    matrix[covered] += (1e-6 * trace[covered])[:, None, None] * np.eye(components)
    templates = np.zeros((components, rest_pixels))
    templates[:, covered] = np.linalg.solve(matrix[covered], vector[covered][..., None])[..., 0].T
    # The same space, better conditioned.
    return np.ascontiguousarray(np.linalg.qr(templates.T)[0].T * np.sqrt(rest_pixels))
