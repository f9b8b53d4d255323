"""Mixtures of galaxy spectra that have given colours: non-negative least squares for many galaxies at once.

The idea and the templates are those of kcorrect (Blanton & Roweis 2007, AJ 133, 734); here all galaxies are fitted
together. A problem of five unknowns has only 31 sets of templates that may take part, so each set is solved for
all galaxies, and the best one without a negative share is the answer: what an active-set method finds one galaxy
at a time.
"""

from itertools import combinations

import numpy as np
import numpy.typing as npt

from components.physics.photometry import Band, band_weights

FloatArray = npt.NDArray[np.float64]

_REDSHIFT_STEP = 1e-3
_RIDGE = 1e-12


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
    galaxies, _, templates = design.shape
    weighted = design * ivar[:, :, None]
    normal = np.einsum("gbs,gbt->gst", weighted, design)
    right = np.einsum("gbt,gb->gt", weighted, flux)
    best = np.zeros((galaxies, templates))
    gain = np.zeros(galaxies)  # by how much chi^2 falls below that of no template at all
    for size in range(1, templates + 1):
        for members in combinations(range(templates), size):
            chosen = np.array(members)
            part = normal[:, chosen[:, None], chosen]
            scale = np.einsum("gtt->g", part)[:, None, None] * _RIDGE + 1e-300
            solution = np.linalg.solve(part + scale * np.eye(size), right[:, chosen, None])[..., 0]
            reached = np.einsum("gt,gt->g", solution, right[:, chosen])
            better = (solution >= 0).all(axis=1) & (reached > gain)
            best[better] = 0.0
            best[np.ix_(better, chosen)] = solution[better]
            gain[better] = reached[better]
    return best
