"""Redshifts by template fitting: the physics baseline.

At every redshift of a grid the templates and a polynomial are fitted to a spectrum, and the redshift with the
smallest chi square wins, as in redrock and its ancestors (Bolton et al. 2012, AJ 144, 144). All entries of the
normal equations are correlations of the spectrum with something, so Fourier transforms give them at all shifts at
once.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numba
import numpy as np
import numpy.typing as npt
from scipy import fft

from components.common.compilation import compiled
from components.evaluate.regression.rest_templates import (
    Floats,
    Integers,
    Singles,
    Templates,
    polynomials,
    solve_in_place,
    weigh,
)
from components.physics.constants import SPEED_OF_LIGHT_KM_S

_ROWS_AT_ONCE = 64
_THREADS = -1
_SEPARATION_KM_S = 5000.0


@dataclass(frozen=True)
class Scan:
    """What the scan finds; all arrays have shape (n,).

    Attributes
    ----------
    redshift : ndarray
        Of the smallest chi square, with a parabola through it and its neighbours.
    second : ndarray
        Of the smallest chi square more than 5000 km/s away.
    delta_chi2 : ndarray
        Difference of the two: small means that the choice between them was luck.
    """

    redshift: Floats
    second: Floats
    delta_chi2: Floats


def scan(flux: Singles, ivar: Singles, families: Sequence[Templates], polynomial_terms: int) -> Scan:
    """Find the redshift of spectra by comparing them with templates at all redshifts.

    Parameters
    ----------
    flux, ivar : ndarray, shape (n, pixels)
        Normalised spectra on the grid that the templates were fitted on.
    families : sequence of Templates
        They compete for each spectrum, so they should have the same number of components.
    polynomial_terms : int
        Number of polynomial terms fitted beside the templates.
    """
    shift = np.concatenate([t.first_shift + np.arange(t.shifts) for t in families])
    parts = [_choose(np.empty((0, shift.size)), shift, families[0].step)]
    for i in range(0, len(flux), _ROWS_AT_ONCE):
        rows = slice(i, i + _ROWS_AT_ONCE)
        found = np.hstack([chi2_reductions(flux[rows], ivar[rows], t, polynomial_terms) for t in families])
        parts.append(_choose(found, shift, families[0].step))
    return Scan(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def chi2_reductions(flux: Singles, ivar: Singles, templates: Templates, polynomial_terms: int) -> Floats:
    """By how much the best fit at each shift reduces chi square; shape (n, shifts).

    Chi square itself is sum(weight flux^2) minus this.
    """
    rows, pixels = flux.shape
    weight = weigh(ivar).astype(np.float64)
    smooth = polynomials(pixels, polynomial_terms)
    components = len(templates.flux)
    first, second = np.tril_indices(components)
    length = fft.next_fast_len(templates.flux.shape[1], real=True)

    def transform(values: Floats) -> npt.NDArray[np.complex128]:
        return np.asarray(fft.rfft(values, length, workers=_THREADS))

    def correlate(a: npt.NDArray[np.complex128], b: npt.NDArray[np.complex128]) -> Floats:
        # The highest redshift looks at the templates from their first pixel, the lowest from the last possible.
        return np.asarray(fft.irfft(a.conj() * b, length, workers=_THREADS)[..., : templates.shifts][..., ::-1])

    template = transform(templates.flux)
    product = transform(templates.flux[first] * templates.flux[second])
    weighted_smooth = transform(weight[:, None] * smooth)
    weighted_flux = transform(weight * flux)
    reduced: Floats = _reduce(
        correlate(weighted_smooth[:, :1], product),
        correlate(weighted_smooth[:, :, None], template).reshape(rows, -1, templates.shifts),
        correlate(weighted_flux[:, None], template),
        np.einsum("np,ip,jp->nij", weight, smooth, smooth, optimize=True),
        (weight * flux) @ smooth.T,
    )
    return reduced


@compiled(parallel=True, error_model="numpy")
def _reduce(products: Floats, cross: Floats, data: Floats, smooth: Floats, smooth_data: Floats) -> Floats:
    """Solve the normal equations at each shift, polynomials first; shape (n, shifts)."""
    rows, components, shifts = data.shape
    terms = smooth.shape[1]
    size = terms + components
    result = np.empty((rows, shifts))
    for row in numba.prange(rows):
        matrix, vector = np.zeros((size, size)), np.empty(size)
        for s in range(shifts):
            for i in range(terms):
                vector[i] = smooth_data[row, i]
                for j in range(i + 1):
                    matrix[i, j] = smooth[row, i, j]
            pair = 0
            for i in range(components):
                vector[terms + i] = data[row, i, s]
                for j in range(terms):
                    matrix[terms + i, j] = cross[row, j * components + i, s]
                for j in range(i + 1):
                    matrix[terms + i, terms + j] = products[row, pair, s]
                    pair += 1
            result[row, s] = solve_in_place(matrix, vector, size)
    return result


def _choose(reduction: Floats, shift: Integers, step: float) -> tuple[Floats, Floats, Floats]:
    """Pick the best and the second best redshift of each row of reductions (n, all shifts)."""
    rows = np.arange(len(reduction))
    best = reduction.argmax(axis=1)
    apart = np.log10(1 + _SEPARATION_KM_S / SPEED_OF_LIGHT_KM_S) / step
    elsewhere = np.where(np.abs(shift - shift[best][:, None]) > apart, reduction, -np.inf)
    second = elsewhere.argmax(axis=1)
    left, right = np.maximum(best - 1, 0), np.minimum(best + 1, shift.size - 1)
    inner = (shift[right] - shift[best] == 1) & (shift[best] - shift[left] == 1)
    a, b, c = (reduction[rows, i] for i in (left, best, right))
    curvature = a - 2 * b + c
    offset = np.divide((a - c) / 2, curvature, out=np.zeros(rows.size), where=inner & (curvature < 0))
    redshift = 10.0 ** (step * (shift[best] + offset)) - 1
    return redshift, 10.0 ** (step * shift[second]) - 1, b - elsewhere[rows, second]
