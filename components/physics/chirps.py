"""Chirps at leading order: how the wave of a binary rises, but for its spins and the shares of its masses."""

import numpy as np
import numpy.typing as npt

from components.physics.phenom_d import SOLAR_MASS_SECONDS

FloatArray = npt.NDArray[np.float64]

_EQUAL_MASSES = 2**1.2
"""Total mass over chirp mass where both are alike."""
_RINGING = 0.085
"""Frequency, times the total mass, at which a hole without spin rings: no wave goes far beyond."""
_STEEPNESS = 6


def leading_order_chirps(chirp_mass: FloatArray, frequency: FloatArray) -> npt.NDArray[np.complex128]:
    """Fourier transforms of waves that merge at time 0, of any loudness.

    Amplitude f^(-7/6) and phase 3/128 (pi M f)^(-5/3) of the stationary-phase approximation (Cutler & Flanagan
    1994, Phys. Rev. D 49, 2658), ended where a merged hole of two equal masses rings. What `phenom_d` knows of
    mergers, spins and unequal masses is left out.

    Parameters
    ----------
    chirp_mass : ndarray, shape (n,)
        In the detectors' frame, in solar masses.
    frequency : ndarray, shape (frequencies,)
        In Hz, from 0 on; 0 at 0.

    Returns
    -------
    ndarray of complex, shape (n, frequencies)
    """
    seconds = chirp_mass[:, None] * SOLAR_MASS_SECONDS
    positive = np.maximum(frequency, frequency[1])
    phase = 3 / 128 * (np.pi * seconds * positive) ** (-5 / 3)
    ended = 1 / (1 + (positive * seconds * _EQUAL_MASSES / _RINGING) ** _STEEPNESS)
    wave: npt.NDArray[np.complex128] = positive ** (-7 / 6) * ended * np.exp(-1j * phase)
    wave[:, frequency == 0] = 0
    return wave
