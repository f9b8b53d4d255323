"""What the sources of maps have in common."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from components.common.provenance import Provenance


@dataclass(frozen=True, eq=False)
class Simulation:
    """The maps of one simulation.

    Attributes
    ----------
    suite : str
        Code that made it.
    number : int
        Its number in its set.
    parameters : tuple of float
        The six; NaN where the suite does not have it.
    maps : ndarray of float32, shape (15, fields, n, n)
        As they are in the source.
    """

    suite: str
    number: int
    parameters: tuple[float, ...]
    maps: npt.NDArray[np.float32]


@dataclass
class Simulations:
    """Simulations on their way into the table.

    Attributes
    ----------
    provenance : Provenance
        Complete but for the counts.
    asked : int
        Simulations that will arrive.
    grid : int
        Pixels a side of the maps in the table.
    simulations : iterator of Simulation
        Not read before the table is written.
    """

    provenance: Provenance
    asked: int
    grid: int
    simulations: Iterator[Simulation]
