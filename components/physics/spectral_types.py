"""Letters of spectral types, hottest first, and the temperatures at which they change."""

import numpy as np
import numpy.typing as npt

LETTERS = ("O", "B", "A", "F", "G", "K", "M")
_COOLEST_K = np.array([31500.0, 10000.0, 7300.0, 6000.0, 5300.0, 3900.0])
"""Lower bounds of O to K for dwarfs (rounded from Pecaut & Mamajek 2013, ApJS 208, 9)."""
FAINTEST_G = 17.65
"""Gaia DR3 has a spectraltype_esphs down to about here."""


def spectral_letters(temperature_k: npt.ArrayLike) -> npt.NDArray[np.object_]:
    """Spectral letter of effective temperatures; empty for NaN."""
    temperature = np.asarray(temperature_k, dtype=np.float64)
    index = np.searchsorted(-_COOLEST_K, -np.where(np.isfinite(temperature), temperature, 1.0), side="left")
    letters = np.array(LETTERS, dtype=object)[index]
    return np.where(np.isfinite(temperature), letters, "").astype(object)
