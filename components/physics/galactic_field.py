"""The stars that are in the way: discs and halo along a line of sight, with their dust and motions."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from components.physics.celestial import galactic_to_icrs_vectors, icrs_to_galactic, unit_vectors
from components.physics.star_populations import (
    A_G_OVER_A_V,
    COLOUR_EXCESS_OVER_A_V,
    Starlight,
    distance_modulus,
    proper_motions,
    shine,
)
from components.physics.star_sequences import StarSequence, globular_sequence, open_sequence, turnoff_mass

FloatArray = npt.NDArray[np.float64]

SUN_TO_CENTRE_KPC, SUN_HEIGHT_KPC = 8.2, 0.02
CIRCULAR_SPEED_KM_S = 232.0
SUN_PECULIAR_KM_S = np.array([11.1, 12.24, 7.25])
"""U, V, W towards the centre, rotation and north pole (Schonrich, Binney & Dehnen 2010, MNRAS 403, 1829)."""
_DUST_HEIGHT_KPC, _DUST_V_PER_KPC = 0.1, 0.7
_NEAREST_KPC, _FARTHEST_KPC = 0.03, 30.0
_DISTANCES, _MASSES = 160, 240


@dataclass(frozen=True)
class Component:
    """A part of the Galaxy, of one age.

    Attributes
    ----------
    sequence : StarSequence
        Its stars.
    density : float
        Of stars near the Sun, relative to all; for the halo at the Sun's distance from the centre.
    length_kpc, height_kpc : float
        Of a double exponential; a height of 0 stands for a halo with density r^-3.4, flattened by 0.7.
    lag_km_s : float
        By which it rotates slower than the circular speed.
    dispersions_km_s : tuple of float
        Radial, along the rotation, vertical.
    """

    sequence: StarSequence
    density: float
    length_kpc: float
    height_kpc: float
    lag_km_s: float
    dispersions_km_s: tuple[float, float, float]


# Scale lengths and the height of the thick disc are those of Juric et al. 2008 (ApJ 673, 864). Its share is less
# than their 12 per cent of the thin disc, and the halo falls faster than their r^-2.8. Velocities are round, near
# the characteristic ones of Bensby et al. 2003 (A&A 410, 527, table 1). The thin disc is made of stars of four
# ages that were heated with time.
GALAXY = (
    Component(open_sequence(turnoff_mass(0.3)), 0.06, 2.6, 0.10, 2.0, (15, 10, 7)),
    Component(open_sequence(turnoff_mass(1.5)), 0.16, 2.6, 0.17, 5.0, (24, 16, 12)),
    Component(open_sequence(turnoff_mass(4.0)), 0.30, 2.6, 0.27, 10.0, (33, 22, 17)),
    Component(open_sequence(turnoff_mass(8.0)), 0.40, 2.6, 0.32, 15.0, (38, 26, 21)),
    Component(open_sequence(turnoff_mass(11.0)), 0.08, 3.6, 0.90, 45.0, (60, 45, 40)),
    Component(globular_sequence(), 0.004, 0.0, 0.0, 225.0, (140, 85, 80)),
)


@dataclass(frozen=True)
class FieldStars:
    """Field stars as they are; arrays of one shape (stars,).

    Attributes
    ----------
    distance_kpc, extinction_v : ndarray
        Along the line of sight.
    pmra, pmdec : ndarray
        In mas/yr.
    magnitude_g, colour : ndarray
        Apparent, with dust, without errors.
    light : Starlight
        At the star.
    metallicity : ndarray
        [M/H].
    """

    distance_kpc: FloatArray
    extinction_v: FloatArray
    pmra: FloatArray
    pmdec: FloatArray
    magnitude_g: FloatArray
    colour: FloatArray
    light: Starlight
    metallicity: FloatArray


def extinction_v(distance_kpc: npt.ArrayLike, latitude_deg: float) -> FloatArray:
    """A_V in mag of an even layer of dust, 0.7 mag/kpc in the plane and 100 pc high."""
    distance = np.asarray(distance_kpc, dtype=np.float64)
    sine = max(abs(np.sin(np.radians(latitude_deg))), 1e-3)
    path = _DUST_HEIGHT_KPC / sine * -np.expm1(-distance * sine / _DUST_HEIGHT_KPC)
    return np.asarray(_DUST_V_PER_KPC * path)


class LineOfSight:
    """The field in one direction, to be drawn from.

    Parameters
    ----------
    ra_deg, dec_deg : float
        Direction; the field does not change across a region, but for the perspective of motions.
    faintest_g : float
        Apparent magnitude to which stars are drawn.
    """

    def __init__(self, ra_deg: float, dec_deg: float, faintest_g: float):
        longitude, latitude = (float(angle) for angle in icrs_to_galactic(ra_deg, dec_deg))
        self.latitude_deg, self.faintest_g = latitude, faintest_g
        self._direction = unit_vectors(longitude, latitude)
        self._distance_edges = np.geomspace(_NEAREST_KPC, _FARTHEST_KPC, _DISTANCES + 1)
        self._mass_edges = [_mass_edges(component.sequence) for component in GALAXY]
        weights = np.concatenate([self._weights(i).ravel() for i in range(len(GALAXY))])
        self._cumulative = np.cumsum(weights) / weights.sum()

    def draw(
        self, ra_deg: FloatArray, dec_deg: FloatArray, binary_fraction: float, rng: np.random.Generator
    ) -> FieldStars:
        """Draw one star brighter than the limit for each place."""
        kind, distance, masses = self._draw_cells(len(ra_deg), rng)
        stars = self._shine(kind, distance, masses, binary_fraction, rng)
        faint = np.flatnonzero(stars[3] > self.faintest_g)
        while faint.size:  # the cells on the limit reach beyond it, and partners add light: few are drawn again
            redrawn = self._draw_cells(len(faint), rng)
            again = (*redrawn[:2], *self._shine(*redrawn, binary_fraction, rng))
            for old, new in zip((kind, distance, *stars), again, strict=True):
                old[faint] = new
            faint = faint[stars[3][faint] > self.faintest_g]
        magnitude, colour, temperature, apparent, reddened, pair, gravity = stars
        velocities = self._velocities(kind, distance, rng)
        pmra, pmdec = proper_motions(velocities, ra_deg, dec_deg, distance)
        metal = np.array([c.sequence.metallicity for c in GALAXY])[kind] + rng.normal(0, 0.2, len(kind))
        return FieldStars(
            distance,
            extinction_v(distance, self.latitude_deg),
            pmra,
            pmdec,
            apparent,
            reddened,
            Starlight(magnitude, colour, temperature, gravity, pair.astype(bool)),
            metal,
        )

    def _weights(self, index: int) -> FloatArray:
        """Return expected numbers in cells of distance and mass, zero where even a twin would be too faint."""
        component = GALAXY[index]
        edges = self._distance_edges
        middle = np.sqrt(edges[1:] * edges[:-1])
        number = _density(component, self._places(middle)) * middle**2 * np.diff(edges)
        masses = self._mass_edges[index]
        centre = (masses[1:] + masses[:-1]) / 2
        numbers = np.where(centre < 0.5, centre**-1.3, 0.5 * centre**-2.3) * np.diff(masses)
        # The brighter end of each cell in mass and in distance decides.
        ends = np.minimum(*(component.sequence.at(m)[0] for m in (masses[:-1], masses[1:])))
        nearest = distance_modulus(edges[:-1]) + A_G_OVER_A_V * extinction_v(edges[:-1], self.latitude_deg)
        seen = ends[None, :] + nearest[:, None] < self.faintest_g + 0.76
        return np.where(seen, number[:, None] * numbers[None, :], 0.0)

    def _places(self, distance_kpc: FloatArray) -> FloatArray:
        """Galactocentric places, shape (..., 3): towards the centre, along rotation, up; the Sun at -8.2 kpc."""
        return np.array([-SUN_TO_CENTRE_KPC, 0, SUN_HEIGHT_KPC]) + distance_kpc[..., None] * self._direction

    def _draw_cells(
        self, number: int, rng: np.random.Generator
    ) -> tuple[npt.NDArray[np.int64], FloatArray, FloatArray]:
        cells = np.minimum(np.searchsorted(self._cumulative, rng.random(number)), len(self._cumulative) - 1)
        kind, cell = np.divmod(cells, _DISTANCES * _MASSES)
        near, light = np.divmod(cell, _MASSES)
        edges = self._distance_edges
        distance = edges[near] * (edges[near + 1] / edges[near]) ** rng.random(number)
        masses = np.stack(self._mass_edges)
        low, high = masses[kind, light], masses[kind, light + 1]
        return kind, distance, low + (high - low) * rng.random(number)

    def _shine(
        self,
        kind: npt.NDArray[np.int64],
        distance: FloatArray,
        masses: FloatArray,
        binary_fraction: float,
        rng: np.random.Generator,
    ) -> tuple[FloatArray, ...]:
        magnitude, colour, temperature, gravity, pair = (np.empty(len(kind)) for _ in range(5))
        for index, component in enumerate(GALAXY):
            rows = np.flatnonzero(kind == index)
            light = shine(masses[rows], component.sequence, binary_fraction, rng)
            magnitude[rows], colour[rows] = light.magnitude, light.colour
            temperature[rows], gravity[rows], pair[rows] = light.temperature, light.gravity, light.is_pair
        colour += rng.normal(0, 0.03, len(kind))  # ages and metallicities differ within a component
        dust = extinction_v(distance, self.latitude_deg)
        apparent = magnitude + distance_modulus(distance) + A_G_OVER_A_V * dust
        return magnitude, colour, temperature, apparent, colour + COLOUR_EXCESS_OVER_A_V * dust, pair, gravity

    def _velocities(
        self, kind: npt.NDArray[np.int64], distance: FloatArray, rng: np.random.Generator
    ) -> FloatArray:
        """Velocities relative to the Sun in km/s, along the axes of ICRS."""
        spread = np.array([c.dispersions_km_s for c in GALAXY])[kind]
        outward, along, up = (rng.normal(size=(len(kind), 3)) * spread).T
        along = along + CIRCULAR_SPEED_KM_S - np.array([c.lag_km_s for c in GALAXY])[kind]
        return relative_velocities(outward, along, up, self._places(distance))


def relative_velocities(
    outward: npt.ArrayLike, along: npt.ArrayLike, up: npt.ArrayLike, places: FloatArray
) -> FloatArray:
    """Velocities relative to the Sun, ICRS axes, of stars with cylindrical galactic velocities.

    Parameters
    ----------
    outward, along, up : array_like, shape (stars,)
        In km/s: away from the axis of the Galaxy, in the sense of its rotation, to the north pole.
    places : ndarray, shape (stars, 3)
        Galactocentric, in kpc, with the Sun at (-8.2, 0, 0.02).
    """
    radius = np.hypot(places[:, 0], places[:, 1])
    cosine, sine = places[:, 0] / radius, places[:, 1] / radius
    # The Galaxy turns clockwise as seen from the north pole: at the Sun, (-1, 0), it moves towards +y.
    outward, along, up = (
        np.broadcast_to(np.asarray(v, dtype=np.float64), radius.shape) for v in (outward, along, up)
    )
    velocity = np.stack([outward * cosine + along * sine, outward * sine - along * cosine, up], axis=1)
    sun = SUN_PECULIAR_KM_S + np.array([0, CIRCULAR_SPEED_KM_S, 0])
    return galactic_to_icrs_vectors(velocity - sun)


def galactic_places(ra_deg: float, dec_deg: float, distance_kpc: float) -> FloatArray:
    """Galactocentric place, shape (1, 3), of something at a distance from the Sun."""
    longitude, latitude = icrs_to_galactic(ra_deg, dec_deg)
    sun = np.array([-SUN_TO_CENTRE_KPC, 0, SUN_HEIGHT_KPC])
    return np.atleast_2d(sun + distance_kpc * unit_vectors(longitude, latitude))


def _mass_edges(sequence: StarSequence) -> FloatArray:
    """Edges of cells in mass, evenly between dwarfs and by the sequence's own points above the turn-off."""
    evolved = sequence.masses[sequence.masses >= sequence.turnoff_mass]
    share = _MASSES // 2
    dwarfs = np.geomspace(sequence.masses[0], sequence.turnoff_mass, _MASSES - share + 1)
    fine = np.interp(np.linspace(0, len(evolved) - 1, share + 1), np.arange(len(evolved)), evolved)
    return np.concatenate([dwarfs, fine[1:]])


def _density(component: Component, places: FloatArray) -> FloatArray:
    x, y, z = np.moveaxis(places, -1, 0)
    radius = np.hypot(x, y)
    if component.height_kpc == 0:
        distance = np.sqrt(radius**2 + (z / 0.7) ** 2) / SUN_TO_CENTRE_KPC
        return np.asarray(component.density * np.maximum(distance, 0.1) ** -3.4)
    falls = -(radius - SUN_TO_CENTRE_KPC) / component.length_kpc - np.abs(z) / component.height_kpc
    return np.asarray(component.density * np.exp(falls))
