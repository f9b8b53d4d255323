"""Where stars of one age lie in the colour-magnitude diagram: main sequence, turn-off, giants, horizontal branch.

A sequence is a polyline over initial mass. It is schematic: points read off observed diagrams, not the result of
stellar evolution, which is enough for a field that a method shall find clusters in, and not for measuring ages.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

# Mass [Sun], M_G, BP - RP, effective temperature [K], log g of dwarfs of solar composition on the zero-age main
# sequence, after the table that goes with Pecaut & Mamajek 2013 (ApJS 208, 9), rounded.
_DWARFS = np.array(
    [
        (0.10, 13.8, 3.95, 2850, 5.2), (0.16, 12.1, 3.35, 3030, 5.1), (0.23, 10.9, 2.84, 3200, 5.0),
        (0.37, 9.7, 2.50, 3410, 4.9), (0.44, 9.1, 2.24, 3550, 4.8), (0.57, 8.1, 1.84, 3850, 4.7),
        (0.70, 6.9, 1.36, 4440, 4.6), (0.78, 6.2, 1.10, 5040, 4.6), (0.88, 5.6, 0.98, 5270, 4.5),
        (0.98, 4.9, 0.85, 5660, 4.5), (1.06, 4.4, 0.76, 5920, 4.4), (1.33, 3.4, 0.59, 6550, 4.3),
        (1.61, 2.6, 0.37, 7220, 4.3), (1.88, 1.9, 0.23, 8080, 4.3), (2.30, 1.0, 0.00, 9700, 4.2),
        (3.40, -0.2, -0.10, 12500, 4.2), (4.70, -0.9, -0.20, 15700, 4.1), (7.30, -2.0, -0.32, 20600, 4.0),
    ]
)  # fmt: skip
_HEAVIEST_TURNOFF = 5.0
# The same for an old, metal-poor globular ([Fe/H] about -1.2) from its dwarfs to the horizontal branch. The last
# masses differ little, because stars cross giant and horizontal branch fast.
_GLOBULAR = np.array(
    [
        (0.10, 12.6, 2.60, 3000, 5.3), (0.15, 11.6, 2.20, 3300, 5.2), (0.25, 10.2, 1.85, 3600, 5.1),
        (0.40, 8.6, 1.50, 3950, 5.0), (0.55, 7.0, 1.12, 4600, 4.8), (0.65, 5.7, 0.82, 5400, 4.7),
        (0.75, 4.6, 0.66, 6000, 4.5), (0.795, 3.9, 0.62, 6200, 4.2), (0.812, 3.5, 0.66, 6050, 4.0),
        (0.822, 3.2, 0.78, 5600, 3.7), (0.826, 3.0, 0.87, 5350, 3.5), (0.834, 2.0, 0.95, 5150, 3.0),
        (0.8385, 1.0, 1.02, 5000, 2.5), (0.8405, 0.0, 1.12, 4800, 1.9), (0.8415, -1.0, 1.27, 4500, 1.4),
        (0.8420, -2.0, 1.52, 4150, 0.9), (0.8422, -2.6, 1.85, 3850, 0.4), (0.84221, 0.5, 0.80, 5500, 2.5),
        (0.8433, 0.6, 0.45, 6900, 2.8), (0.8442, 0.7, 0.10, 8800, 3.2), (0.8446, 1.2, -0.05, 10500, 3.5),
    ]
)  # fmt: skip


@dataclass(frozen=True)
class StarSequence:
    """Stars of one age and composition.

    Attributes
    ----------
    masses : ndarray, shape (points,)
        Initial masses in solar masses, increasing; stars above the last have become remnants.
    values : ndarray, shape (points, 4)
        M_G, BP - RP, effective temperature [K] and log g at these masses.
    turnoff_mass : float
        Where hydrogen runs out.
    metallicity : float
        [M/H], for the record.
    """

    masses: FloatArray
    values: FloatArray
    turnoff_mass: float
    metallicity: float

    @property
    def turnoff(self) -> tuple[float, float]:
        """M_G and BP - RP of the turn-off."""
        magnitude, colour, _, _ = self.at(np.array([self.turnoff_mass]))
        return float(magnitude[0]), float(colour[0])

    def at(self, masses: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """M_G, BP - RP, temperature and log g of single stars; M_G is infinite for remnants."""
        dark = masses > self.masses[-1]
        magnitude, colour, temperature, gravity = (np.interp(masses, self.masses, v) for v in self.values.T)
        return np.where(dark, np.inf, magnitude), colour, temperature, gravity


def globular_sequence() -> StarSequence:
    """Return the sequence of an old, metal-poor globular cluster, with a horizontal branch red to blue."""
    return StarSequence(_GLOBULAR[:, 0], _GLOBULAR[:, 1:], 0.795, -1.2)


def open_sequence(turnoff_mass: float) -> StarSequence:
    """Return the sequence of a population of solar composition.

    Parameters
    ----------
    turnoff_mass : float
        In solar masses, 0.9 to 5: about 10 Gyr at 1.0, 1 Gyr at 2.1 and 0.2 Gyr at 3.7 (10 Gyr times M^-2.8).
    """
    top = min(max(turnoff_mass, 0.9), _HEAVIEST_TURNOFF)
    young = _DWARFS[_DWARFS[:, 0] < 0.8 * top]
    zero_age = [float(np.interp(top, _DWARFS[:, 0], _DWARFS[:, i])) for i in range(1, 5)]
    turnoff = (top, zero_age[0] - 0.9, zero_age[1] + 0.03, zero_age[2] * 0.98, zero_age[3] - 0.4)
    old = top < 1.8  # degenerate cores: a slow, populated giant branch up to its tip
    giants = _old_giants(turnoff) if old else _young_giants(turnoff)
    points = np.array([*map(tuple, young), turnoff, *giants])
    return StarSequence(points[:, 0], points[:, 1:], top, 0.0)


def turnoff_mass(age_gyr: float) -> float:
    """Mass in solar masses whose main-sequence life of 10 Gyr M^-2.8 ends at an age."""
    return float((age_gyr / 10) ** (-1 / 2.8))


def _old_giants(turnoff: Sequence[float]) -> list[tuple[float, ...]]:
    mass, magnitude, *_ = turnoff
    return [
        (mass * 1.020, magnitude - 0.2, 0.95, 5350, 3.8),
        (mass * 1.030, 3.0, 1.08, 5000, 3.4),
        (mass * 1.040, 2.0, 1.16, 4850, 3.0),
        (mass * 1.046, 1.0, 1.25, 4700, 2.5),
        (mass * 1.049, 0.0, 1.38, 4500, 2.0),
        (mass * 1.051, -1.5, 1.80, 4000, 1.2),
        (mass * 1.0515, -2.5, 2.60, 3600, 0.5),
        (mass * 1.0516, 0.5, 1.22, 4800, 2.5),
        (mass * 1.0560, 0.3, 1.28, 4700, 2.4),
    ]


def _young_giants(turnoff: Sequence[float]) -> list[tuple[float, ...]]:
    mass, magnitude, colour, *_ = turnoff
    clump = min(0.4, magnitude - 0.3)
    return [
        (mass * 1.010, magnitude - 0.5, colour + 0.1, 7500, 3.6),
        (mass * 1.012, magnitude - 0.3, 1.00, 5200, 3.0),
        (mass * 1.015, clump + 0.2, 1.15, 4950, 2.8),
        (mass * 1.045, clump, 1.20, 4900, 2.7),
        (mass * 1.047, clump - 1.5, 1.60, 4200, 1.5),
    ]
