"""The thirteen fields of the CAMELS Multifield Dataset, and the six parameters that its maps depend on."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from components.common.errors import InputError

MAPS_PER_SIMULATION = 15
"""Five slabs along each of three axes."""
SLABS = 5
BOX_SIZE_MPC_H = 25.0
SLAB_MPC_H = BOX_SIZE_MPC_H / SLABS

_SURFACE_DENSITY = "Msun/h / (Mpc/h)^2"


@dataclass(frozen=True)
class MapField:
    """One of the fields.

    Attributes
    ----------
    unit : str
        Of its maps, as the dataset's documentation gives it: those in the paper (arXiv 2109.10915) lack factors
        for `ne` and `P`.
    description : str
        What it is.
    """

    unit: str
    description: str


FIELDS = {
    "Mgas": MapField(_SURFACE_DENSITY, "surface density of gas"),
    "Vgas": MapField("km/s", "speed of gas, its mean by mass"),
    "T": MapField("K", "temperature of gas, its mean by mass"),
    "P": MapField("h^2 Msun (km/s)^2 / kpc^3", "pressure of gas, its mean by volume"),
    "Z": MapField("", "metals in gas, share of its mass"),
    "HI": MapField(_SURFACE_DENSITY, "surface density of neutral hydrogen"),
    "ne": MapField("h^2/cm^3 Mpc/h", "column of electrons"),
    "B": MapField("G", "magnetic field, its mean by mass"),
    "MgFe": MapField("", "magnesium over iron in gas, by mass"),
    "Mcdm": MapField(_SURFACE_DENSITY, "surface density of dark matter"),
    "Vcdm": MapField("km/s", "speed of dark matter, its mean by mass"),
    "Mstar": MapField(_SURFACE_DENSITY, "surface density of stars"),
    "Mtot": MapField(_SURFACE_DENSITY, "surface density of all matter"),
}
"""By the names in the dataset's files. No field is ever negative."""

COSMOLOGICAL = ("omega_m", "sigma_8")
ASTROPHYSICAL = ("a_sn1", "a_agn1", "a_sn2", "a_agn2")
PARAMETERS = (*COSMOLOGICAL, *ASTROPHYSICAL)
"""In the order of the dataset's tables."""

PRIOR = {
    "omega_m": (0.1, 0.5),
    "sigma_8": (0.6, 1.0),
    "a_sn1": (0.25, 4.0),
    "a_agn1": (0.25, 4.0),
    "a_sn2": (0.5, 2.0),
    "a_agn2": (0.5, 2.0),
}
"""Ranges of the latin hypercubes: uniform, those of the four of feedback in the logarithm.

Answers are in units of them, and not bound to them: in Astrid a_agn2 goes from 0.25 to 4.
"""


def coarsen(maps: npt.NDArray[Any], grid: int) -> npt.NDArray[Any]:
    """Average square blocks of pixels.

    For densities that is the map a coarser grid would have had. For what is a mean by mass it is not quite: the
    pixels of a block count alike, however much mass is in them.

    Parameters
    ----------
    maps : ndarray, shape (..., n, n)
        Of any number of fields.
    grid : int
        Pixels a side that are wanted; has to divide n.

    Raises
    ------
    InputError
        When it does not.
    """
    side = maps.shape[-1]
    if grid == side:
        return maps
    if grid < 1 or side % grid:
        raise InputError(
            f"Maps of {side} x {side} pixels cannot be averaged to {grid} x {grid}.",
            f"Choose a number of pixels that divides {side}.",
        )
    block = side // grid
    blocks = maps.reshape(*maps.shape[:-2], grid, block, grid, block)
    return np.asarray(blocks.mean(axis=(-3, -1), dtype=np.float64).astype(maps.dtype))
