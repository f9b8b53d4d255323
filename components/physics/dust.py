"""Extinction by dust, as optical depth per unit of colour excess."""

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

# Extinction A(lambda) / E(B-V) against inverse wavelength: the Small Magellanic Cloud bar rises steeply into the
# ultraviolet and has no 2175 angstrom bump (Gordon et al. 2003, ApJ 594, 279, table 4, R_V = 2.74).
_SMC_INVERSE_MICRON = np.array(
    [0.45, 0.61, 0.80, 1.23, 1.43, 1.82, 2.27, 2.70, 3.22, 4.18, 5.00, 6.00, 7.00, 8.50, 11.0]
)
_SMC_A_PER_EBV = np.array(
    [0.05, 0.46, 0.36, 1.60, 2.10, 2.74, 3.77, 4.56, 5.70, 7.81, 9.6, 11.6, 14.0, 17.3, 23.0]
)


def smc_optical_depth(wavelength_angstrom: FloatArray) -> FloatArray:
    """Optical depth per unit E(B-V) of dust like that of the Small Magellanic Cloud, any shape."""
    inverse_micron = 1e4 / wavelength_angstrom
    return np.asarray(np.interp(inverse_micron, _SMC_INVERSE_MICRON, _SMC_A_PER_EBV) / 1.0857)


def galactic_optical_depth(wavelength_angstrom: FloatArray) -> FloatArray:
    """Optical depth per unit E(B-V) of the Milky Way's dust between 3000 and 11000 angstrom, any shape.

    The optical part of Cardelli, Clayton & Mathis 1989 (ApJ 345, 245, equation 3) with R_V = 3.1.
    """
    y = 1e4 / wavelength_angstrom - 1.82
    a = np.polyval([0.32999, -0.77530, 0.01979, 0.72085, -0.02427, -0.50447, 0.17699, 1.0], y)
    b = np.polyval([-2.09002, 5.30260, -0.62251, -5.38434, 1.07233, 2.28305, 1.41338, 0.0], y)
    return np.asarray((3.1 * a + b) / 1.0857)
