"""Mixtures of galaxy spectra that have given colours: non-negative least squares for many galaxies at once.

The idea and the templates are those of kcorrect (Blanton & Roweis 2007, AJ 133, 734); here all galaxies are fitted
together. A problem of five unknowns has only 31 sets of templates that may take part, so each set is solved, in a
compiled loop, until one without a negative share meets the conditions of the best: what an active-set method
finds.
"""

import numpy as np
import numpy.typing as npt

from components.common.compilation import compiled
from components.physics.photometry import Band, band_weights

FloatArray = npt.NDArray[np.float64]

_REDSHIFT_STEP = 1e-3
_RIDGE = 1e-12
_SLACK = 1e-10


def band_fluxes(
    wavelength_angstrom: FloatArray, flux: FloatArray, bands: tuple[Band, ...], redshift: FloatArray
) -> FloatArray:
    """Fluxes of rest-frame templates in observed bands, in maggies, shape (galaxies, bands, templates).

    Parameters
    ----------
    wavelength_angstrom : ndarray, shape (points,)
        Rest wavelengths of the templates.
    flux : ndarray, shape (templates, points)
        Flux density; at redshift z it appears at wavelengths longer by 1 + z and is weaker by 1 + z.
    bands : tuple of Band
        Observed bands.
    redshift : ndarray, shape (galaxies,)
        Between templates computed at steps of 0.001 in redshift, interpolated linearly.
    """
    nodes = np.arange(redshift.min() - _REDSHIFT_STEP, redshift.max() + 2 * _REDSHIFT_STEP, _REDSHIFT_STEP)
    table = np.empty((len(nodes), len(bands), len(flux)))
    for k, band in enumerate(bands):
        fine = band.refined()
        weights = band_weights(fine, fine.wavelength_angstrom)
        for i, z in enumerate(nodes):
            rest = fine.wavelength_angstrom / (1 + z)
            table[i, k] = [weights @ np.interp(rest, wavelength_angstrom, f) / (1 + z) for f in flux]
    place = (redshift - nodes[0]) / _REDSHIFT_STEP
    low = place.astype(np.int64)
    share = (place - low)[:, None, None]
    return np.asarray((1 - share) * table[low] + share * table[low + 1])


def fit_nonnegative(design: FloatArray, flux: FloatArray, ivar: FloatArray) -> FloatArray:
    """Fit non-negative coefficients to each galaxy.

    Parameters
    ----------
    design : ndarray, shape (galaxies, bands, templates)
        Flux of each template with coefficient one.
    flux, ivar : ndarray, shape (galaxies, bands)
        Measured flux and its inverse variance; 0 leaves a band out.

    Returns
    -------
    ndarray, shape (galaxies, templates)
        Coefficients that minimise chi^2 among those without a negative one.
    """
    best = np.zeros((len(design), design.shape[2]))
    _fit(*(np.ascontiguousarray(values, dtype=np.float64) for values in (design, flux, ivar)), best)
    return best


@compiled(nogil=True)
def _fit(design, flux, ivar, best):  # type: ignore[no-untyped-def]
    galaxies, bands, templates = design.shape
    normal, right = np.empty((templates, templates)), np.empty(templates)
    lower, solution = np.empty((templates, templates)), np.empty(templates)
    chosen = np.empty(templates, dtype=np.int64)
    for galaxy in range(galaxies):
        for s in range(templates):
            right[s] = 0.0
            for b in range(bands):
                right[s] += design[galaxy, b, s] * ivar[galaxy, b] * flux[galaxy, b]
            for t in range(s + 1):
                normal[s, t] = 0.0
                for b in range(bands):
                    normal[s, t] += design[galaxy, b, s] * ivar[galaxy, b] * design[galaxy, b, t]
        gain = 0.0  # by how much chi^2 falls below that of no template at all
        for members in range(1, 1 << templates):
            size = 0
            for t in range(templates):
                if members >> t & 1:
                    chosen[size] = t
                    size += 1
            if not _solve(normal, right, chosen, size, lower, solution):
                continue
            reached = 0.0
            for k in range(size):
                reached += solution[k] * right[chosen[k]]
            if reached > gain:
                gain = reached
                best[galaxy] = 0.0
                for k in range(size):
                    best[galaxy, chosen[k]] = solution[k]
                if _is_optimal(normal, right, best[galaxy]):
                    break


@compiled(nogil=True)
def _is_optimal(normal, right, coefficients):  # type: ignore[no-untyped-def]
    """Whether no template would lower chi^2 if it took part, or took more (Karush, Kuhn and Tucker)."""
    for s in range(right.size):
        slope = right[s]
        for t in range(right.size):
            slope -= normal[max(s, t), min(s, t)] * coefficients[t]
        if slope > _SLACK * abs(right[s]):
            return False
    return True


@compiled(nogil=True)
def _solve(normal, right, chosen, size, lower, solution):  # type: ignore[no-untyped-def]
    """Solve for the chosen templates by Cholesky's method; false where one is negative or two are the same."""
    ridge = 1e-300
    for i in range(size):
        ridge += _RIDGE * normal[chosen[i], chosen[i]]
    for i in range(size):
        for j in range(i + 1):
            value = normal[chosen[i], chosen[j]]
            for k in range(j):
                value -= lower[i, k] * lower[j, k]
            if j < i:
                lower[i, j] = value / lower[j, j]
            elif value + ridge <= 0:
                return False
            else:
                lower[i, i] = np.sqrt(value + ridge)
        value = right[chosen[i]]
        for k in range(i):
            value -= lower[i, k] * solution[k]
        solution[i] = value / lower[i, i]
    for i in range(size - 1, -1, -1):
        for k in range(i + 1, size):
            solution[i] -= lower[k, i] * solution[k]
        solution[i] /= lower[i, i]
        if solution[i] < 0:
            return False
    return True
