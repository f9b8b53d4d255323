"""Stars of a cluster: masses, partners, places and motions within it."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from components.physics.celestial import directions, tangent_axes, unit_vectors
from components.physics.star_sequences import StarSequence

FloatArray = npt.NDArray[np.float64]

KM_S_PER_MAS_YR_KPC = 4.740470463533349
"""Tangential velocity in km/s of 1 mas/yr at 1 kpc."""
A_G_OVER_A_V, COLOUR_EXCESS_OVER_A_V = 0.789, 0.413
"""A_G / A_V and E(BP - RP) / A_V for a medium star (Wang & Chen 2019, ApJ 877, 116)."""

_LIGHTEST, _BREAK, _HEAVIEST = 0.10, 0.5, 8.0
_LOW_SLOPE, _HIGH_SLOPE = 1.3, 2.3
_LARGEST_RADIUS = 8.0


@dataclass(frozen=True)
class Starlight:
    """What the light of stars or unresolved pairs looks like before dust and distance; arrays of one shape.

    Attributes
    ----------
    magnitude, colour : ndarray
        M_G and BP - RP.
    temperature, gravity : ndarray
        Of the brighter star: effective temperature in K, log g.
    is_pair : ndarray of bool
        Whether there are two.
    """

    magnitude: FloatArray
    colour: FloatArray
    temperature: FloatArray
    gravity: FloatArray
    is_pair: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Cluster:
    """A star cluster as it is, not as it is measured.

    Attributes
    ----------
    name : str
        How truth calls it.
    ra_deg, dec_deg, distance_kpc : float
        Its centre.
    pmra, pmdec : float
        Its motion in mas/yr; pmra includes cos(dec).
    half_mass_radius_deg : float
        Projected, of a Plummer sphere: the radius within which half of the stars are seen.
    dispersion_km_s : float
        One-dimensional, the same everywhere.
    sequence : StarSequence
        Its stars.
    extinction_v : float
        A_V in mag, the same for all.
    """

    name: str
    ra_deg: float
    dec_deg: float
    distance_kpc: float
    pmra: float
    pmdec: float
    half_mass_radius_deg: float
    dispersion_km_s: float
    sequence: StarSequence
    extinction_v: float


def kroupa_masses(
    number: int, rng: np.random.Generator, lightest: float = _LIGHTEST, heaviest: float = _HEAVIEST
) -> FloatArray:
    """Draw initial masses in Suns, with slopes -1.3 below 0.5 and -2.3 above (Kroupa 2001, MNRAS 322, 231)."""
    low = _integral(lightest, _BREAK, _LOW_SLOPE) if lightest < _BREAK else 0.0
    start = max(lightest, _BREAK)
    # Continuous at the break: m^-1.3 there equals m^-2.3 times the break.
    high = _BREAK ** (_HIGH_SLOPE - _LOW_SLOPE) * _integral(start, heaviest, _HIGH_SLOPE)
    is_low = rng.random(number) < low / (low + high)
    share = rng.random(number)
    light = _draw(share, lightest, _BREAK, _LOW_SLOPE) if lightest < _BREAK else share
    return np.where(is_low, light, _draw(share, start, heaviest, _HIGH_SLOPE))


def shine(
    masses: FloatArray, sequence: StarSequence, binary_fraction: float, rng: np.random.Generator
) -> Starlight:
    """Give stars their light, and a share of them an unresolved partner of the same age.

    Mass ratios are uniform; twins are 0.75 mag above the sequence.
    """
    magnitude, colour, temperature, gravity = sequence.at(masses)
    is_pair = (rng.random(masses.shape) < binary_fraction) & np.isfinite(magnitude)
    partner = masses * rng.uniform(0.1, 1.0, masses.shape)
    faint, red, _, _ = sequence.at(np.maximum(partner, sequence.masses[0]))
    # Light adds up in G, and in BP and RP, whose mean is near enough to G for the colour of a pair.
    one, two = (10 ** (-0.4 * m) for m in (magnitude, faint))
    blue_light = one * 10 ** (-0.2 * colour) + two * 10 ** (-0.2 * red)
    red_light = one * 10 ** (0.2 * colour) + two * 10 ** (0.2 * red)
    with np.errstate(divide="ignore", invalid="ignore"):
        both, mixed = -2.5 * np.log10(one + two), -2.5 * np.log10(blue_light / red_light)
    return Starlight(
        np.where(is_pair, both, magnitude), np.where(is_pair, mixed, colour), temperature, gravity, is_pair
    )


def plummer_positions(number: int, rng: np.random.Generator) -> FloatArray:
    """Draw places in a Plummer sphere, in units of its scale radius (which is the projected half-mass radius).

    Returns
    -------
    ndarray, shape (number, 3)
        Cut off at 8 radii, beyond which a real cluster's stars are lost to the Galaxy.
    """
    share = rng.random(number) * (1 + _LARGEST_RADIUS**-2) ** -1.5
    radius = 1 / np.sqrt(share ** (-2 / 3) - 1)
    vectors = rng.normal(size=(number, 3))
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True) * radius[:, None])


def place_members(
    cluster: Cluster, number: int, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray]:
    """Draw places and motions of members.

    Returns
    -------
    ra, dec, distance_kpc, pmra, pmdec : ndarray, shape (number,)
        In degrees and mas/yr. The motion is one vector in space for all, so that a wide cluster's proper motions
        converge; stars move at random around it.
    """
    centre = unit_vectors(cluster.ra_deg, cluster.dec_deg)
    size = cluster.distance_kpc * np.tan(np.radians(cluster.half_mass_radius_deg))
    places = cluster.distance_kpc * centre + size * plummer_positions(number, rng)
    distance = np.linalg.norm(places, axis=1)
    ra, dec = directions(places)
    east, north = tangent_axes(cluster.ra_deg, cluster.dec_deg)
    kms = KM_S_PER_MAS_YR_KPC * cluster.distance_kpc
    velocity = kms * (cluster.pmra * east + cluster.pmdec * north)
    velocities = velocity + rng.normal(0, cluster.dispersion_km_s, (number, 3))
    pmra, pmdec = proper_motions(velocities, ra, dec, distance)
    return ra, dec, distance, pmra, pmdec


def proper_motions(
    velocities_km_s: FloatArray, ra_deg: FloatArray, dec_deg: FloatArray, distance_kpc: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return pmra (with cos(dec)) and pmdec in mas/yr of velocities relative to the Sun, ICRS axes, (n, 3)."""
    east, north = tangent_axes(ra_deg, dec_deg)
    scale = 1 / (KM_S_PER_MAS_YR_KPC * distance_kpc)
    return np.sum(velocities_km_s * east, axis=1) * scale, np.sum(velocities_km_s * north, axis=1) * scale


def distance_modulus(distance_kpc: npt.ArrayLike) -> FloatArray:
    """Return m - M in mag."""
    return np.asarray(5 * np.log10(np.asarray(distance_kpc, dtype=np.float64)) + 10)


def _integral(low: float, high: float, slope: float) -> float:
    return float((low ** (1 - slope) - high ** (1 - slope)) / (slope - 1))


def _draw(share: FloatArray, low: float, high: float, slope: float) -> FloatArray:
    """Invert the cumulative distribution of a power law."""
    a, b = low ** (1 - slope), high ** (1 - slope)
    return np.asarray((a + share * (b - a)) ** (1 / (1 - slope)))
