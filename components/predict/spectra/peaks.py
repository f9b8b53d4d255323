"""The strongest peak of a distribution of redshifts, and the next one beside it."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from components.common.distributions import BinnedDistribution
from components.physics.constants import SPEED_OF_LIGHT_KM_S

Floats = npt.NDArray[np.float64]

_NEGLIGIBLE = 0.01


@dataclass(frozen=True)
class Peaks:
    """The two strongest peaks of n distributions, each of shape (n,).

    Attributes
    ----------
    redshift : ndarray of float
        The distribution's `peak_value`.
    mass : ndarray of float
        Probability within the distance from it that was asked for.
    second_redshift : ndarray of float
        The strongest peak farther away than that; NaN where less than one per cent is left for it.
    second_mass : ndarray of float
        Its probability within the same distance, less what belongs to the first peak.
    at_edge : ndarray of bool
        The first peak does not fall to a tenth of its height before the range of redshifts ends.
    """

    redshift: Floats
    mass: Floats
    second_redshift: Floats
    second_mass: Floats
    at_edge: npt.NDArray[np.bool_]


def find_peaks(distribution: BinnedDistribution, distance_km_s: float) -> Peaks:
    """Find the two strongest peaks.

    What is left beside a broad first peak is its own wing, not a second peak. So the first takes with it all bins
    on its way down to a tenth of its height, however far that is.

    Parameters
    ----------
    distribution : BinnedDistribution
        Of redshifts, n rows.
    distance_km_s : float
        Redshifts closer than this count as the same peak.
    """
    redshift = distribution.peak_value()
    own = distribution.peak_window()
    at_edge = own[:, 0] | own[:, -1]
    low, high = _window(redshift, distance_km_s)
    own |= (distribution.edges[1:] > low[:, None]) & (distribution.edges[:-1] < high[:, None])
    total = distribution.probability.sum(axis=1, dtype=np.float64)
    rest = np.where(own, np.float32(0), distribution.probability)
    left = rest.sum(axis=1, dtype=np.float64) / total
    rest[left <= 0] = 1  # any distribution: nothing of it is used
    others = BinnedDistribution(distribution.edges, rest)
    second = others.peak_value()
    return Peaks(
        redshift=redshift,
        mass=distribution.mass_within(low, high),
        second_redshift=np.where(left >= _NEGLIGIBLE, second, np.nan),
        second_mass=left * others.mass_within(*_window(second, distance_km_s)),
        at_edge=at_edge,
    )


def _window(redshift: Floats, distance_km_s: float) -> tuple[Floats, Floats]:
    reach = (1 + redshift) * distance_km_s / SPEED_OF_LIGHT_KM_S
    return redshift - reach, redshift + reach
