"""Parameters of universes as the network sees them: in units of the prior, those of feedback as logarithms."""

import numpy as np
import numpy.typing as npt

from components.physics.multifield import ASTROPHYSICAL, COSMOLOGICAL, PARAMETERS, PRIOR

Floats = npt.NDArray[np.float64]

COSMOLOGY = len(COSMOLOGICAL)
"""So many parameters of cosmology come first."""


def coordinates(parameters: Floats) -> Floats:
    """Return omega_m and sigma_8 as they are, and decimal logarithms of the strengths of feedback.

    Parameters
    ----------
    parameters : ndarray, shape (n, 6)
        In the order of `PARAMETERS`.

    Returns
    -------
    ndarray, shape (n, 6)
        NaN where a universe has no such parameter, or none of that feedback at all.
    """
    found = np.array(parameters, dtype=np.float64)
    strength = found[:, COSMOLOGY:]
    found[:, COSMOLOGY:] = np.log10(np.where(strength > 0, strength, np.nan))
    return found


def from_coordinates(values: Floats) -> Floats:
    """Undo `coordinates`."""
    found = np.array(values, dtype=np.float64)
    found[:, COSMOLOGY:] = 10.0 ** found[:, COSMOLOGY:]
    return found


def prior_moments() -> tuple[Floats, Floats]:
    """Mean and standard deviation of each coordinate in the latin hypercubes, where it is uniform."""
    ranges = np.array(
        [np.log10(PRIOR[name]) if name in ASTROPHYSICAL else PRIOR[name] for name in PARAMETERS], dtype=np.float64
    )
    return ranges.mean(axis=1), (ranges[:, 1] - ranges[:, 0]) / np.sqrt(12)
