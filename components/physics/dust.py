"""Extinction by dust, as optical depth per unit of colour excess."""

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

_MAGNITUDES_PER_OPTICAL_DEPTH = 2.5 * np.log10(np.e)
_SMC_R_V = 2.74
# A(lambda) / A(V) against inverse wavelength [1 / micron]: the Small Magellanic Cloud bar rises steeply into the
# ultraviolet and has no 2175 angstrom bump (Gordon et al. 2003, ApJ 594, 279, table 4; the last point continues
# its rise).
_SMC = np.array(
    [
        (0.455, 0.016), (0.606, 0.169), (0.800, 0.131), (1.235, 0.567), (1.538, 0.801), (1.818, 1.000),
        (2.273, 1.374), (2.703, 1.672), (3.375, 2.000), (3.625, 2.220), (3.875, 2.428), (4.125, 2.661),
        (4.375, 2.947), (4.625, 3.161), (4.875, 3.293), (5.125, 3.489), (5.375, 3.637), (5.625, 3.866),
        (5.875, 4.013), (6.125, 4.243), (6.375, 4.472), (6.625, 4.776), (6.875, 5.000), (7.125, 5.272),
        (7.375, 5.575), (7.625, 5.795), (7.875, 6.074), (8.125, 6.297), (8.375, 6.436), (8.625, 6.992),
        (11.0, 9.6),
    ]
)  # fmt: skip
_OPTICAL_ABOVE = 1.1
"""Inverse wavelength [1 / micron] from which the optical polynomials hold; below it they turn upwards."""


def smc_optical_depth(wavelength_angstrom: FloatArray) -> FloatArray:
    """Optical depth per unit E(B-V) of dust like that of the Small Magellanic Cloud, any shape."""
    inverse_micron = 1e4 / wavelength_angstrom
    return np.asarray(_SMC_R_V * np.interp(inverse_micron, *_SMC.T) / _MAGNITUDES_PER_OPTICAL_DEPTH)


def galactic_optical_depth(wavelength_angstrom: FloatArray) -> FloatArray:
    """Optical depth per unit E(B-V) of the Milky Way's dust between 3000 and 11000 angstrom, any shape.

    Cardelli, Clayton & Mathis 1989 (ApJ 345, 245, equations 2 and 3) with R_V = 3.1.
    """
    x = 1e4 / wavelength_angstrom
    y = x - 1.82
    a = np.polyval([0.32999, -0.77530, 0.01979, 0.72085, -0.02427, -0.50447, 0.17699, 1.0], y)
    b = np.polyval([-2.09002, 5.30260, -0.62251, -5.38434, 1.07233, 2.28305, 1.41338, 0.0], y)
    infrared = (3.1 * 0.574 - 0.527) * x**1.61
    extinction = np.where(x < _OPTICAL_ABOVE, infrared, 3.1 * a + b)
    return np.asarray(extinction / _MAGNITUDES_PER_OPTICAL_DEPTH)
