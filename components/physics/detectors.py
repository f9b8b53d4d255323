"""Where the detectors stand, how their arms lie, and what they measure of a wave from somewhere in the sky.

Positions and arms are LAL's, which has LIGO's from LIGO-T980044 and Virgo's from LIGO-T010110; Earth-fixed
Cartesian coordinates (WGS 84). Response and polarisations as in Anderson et al. 2001
(Phys. Rev. D 63, 042003), the convention of LAL. Checked against lal in `tests/physics/test_detectors.py`.
"""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

DETECTORS = ("H1", "L1", "V1")
"""Hanford, Livingston, Virgo: the order of the channels everywhere."""

_SPEED_OF_LIGHT_M_S = 299792458.0


@dataclass(frozen=True)
class Detector:
    """An interferometer.

    Attributes
    ----------
    position_m : ndarray, shape (3,)
        Of the beam splitter.
    x_arm, y_arm : ndarray, shape (3,)
        Unit vectors along the arms.
    """

    position_m: FloatArray
    x_arm: FloatArray
    y_arm: FloatArray

    @property
    def response(self) -> FloatArray:
        """The tensor whose product with a wave's metric perturbation is the strain that is measured."""
        return 0.5 * (np.outer(self.x_arm, self.x_arm) - np.outer(self.y_arm, self.y_arm))


GEOMETRY = {
    "H1": Detector(
        np.array([-2161414.92636, -3834695.17889, 4600350.22664]),
        np.array([-0.22389266154, 0.79983062746, 0.55690487831]),
        np.array([-0.91397818574, 0.02609403989, -0.40492342125]),
    ),
    "L1": Detector(
        np.array([-74276.0447238, -5496283.71971, 3224257.01744]),
        np.array([-0.95457412153, -0.14158077340, -0.26218911324]),
        np.array([0.29774156894, -0.48791033647, -0.82054461286]),
    ),
    "V1": Detector(
        np.array([4546374.09900, 842989.697626, 4378576.96241]),
        np.array([-0.70045821479, 0.20848948619, 0.68256166277]),
        np.array([-0.05379255368, -0.96908180549, 0.24080451708]),
    ),
}


@dataclass(frozen=True)
class Sky:
    """Directions and orientations of n sources, all in radians, each of shape (n,).

    Attributes
    ----------
    longitude, latitude : ndarray
        Where on Earth the source is overhead: declination, and right ascension less Greenwich sidereal time.
    polarisation : ndarray
        Of the orbital plane's trace on the sky, from north to east.
    cos_inclination : ndarray
        1 for an orbit seen face-on, turning counter-clockwise.
    """

    longitude: FloatArray
    latitude: FloatArray
    polarisation: FloatArray
    cos_inclination: FloatArray


def draw_sky(count: int, rng: np.random.Generator) -> Sky:
    """Draw sources all over the sky in all orientations."""
    return Sky(
        rng.uniform(-np.pi, np.pi, count),
        np.arcsin(rng.uniform(-1, 1, count)),
        rng.uniform(0, np.pi, count),
        rng.uniform(-1, 1, count),
    )


def antenna_patterns(sky: Sky) -> tuple[FloatArray, FloatArray]:
    """Response of every detector to the plus and the cross polarisation: twice shape (n, detectors)."""
    sin_lon, cos_lon = np.sin(sky.longitude), np.cos(sky.longitude)
    sin_lat, cos_lat = np.sin(sky.latitude), np.cos(sky.latitude)
    sin_psi, cos_psi = np.sin(sky.polarisation), np.cos(sky.polarisation)
    west = np.stack([sin_lon, -cos_lon, np.zeros_like(sin_lon)], 1)
    north = np.stack([-sin_lat * cos_lon, -sin_lat * sin_lon, cos_lat], 1)
    x = west * cos_psi[:, None] + north * sin_psi[:, None]
    y = -west * sin_psi[:, None] + north * cos_psi[:, None]
    # LAL's x-axis points west, its y-axis north, and z to the Earth: a right-handed wave frame.
    responses = np.stack([GEOMETRY[name].response for name in DETECTORS])
    plus = np.einsum("ni,dij,nj->nd", x, responses, x) - np.einsum("ni,dij,nj->nd", y, responses, y)
    cross = 2 * np.einsum("ni,dij,nj->nd", x, responses, y)
    return plus, cross


def arrival_delays(sky: Sky) -> FloatArray:
    """Seconds after the passage of the centre of the Earth at which a wave meets each detector: (n, detectors)."""
    towards = np.stack(
        [
            np.cos(sky.latitude) * np.cos(sky.longitude),
            np.cos(sky.latitude) * np.sin(sky.longitude),
            np.sin(sky.latitude),
        ],
        1,
    )
    positions = np.stack([GEOMETRY[name].position_m for name in DETECTORS])
    return -towards @ positions.T / _SPEED_OF_LIGHT_M_S


def light_travel_time(first: str, second: str) -> float:
    """Seconds that light, and a wave, takes at most from one detector to another."""
    apart = GEOMETRY[first].position_m - GEOMETRY[second].position_m
    return float(np.linalg.norm(apart) / _SPEED_OF_LIGHT_M_S)


LIGHT_TRAVEL_TIMES = {pair: light_travel_time(*pair) for pair in combinations(DETECTORS, 2)}
"""Seconds between each two detectors: 10.0 ms from Hanford to Livingston, 27.3 and 26.4 ms to Virgo."""
