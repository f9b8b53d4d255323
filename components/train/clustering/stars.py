"""The stars of a region as arrays, and their geometry on the sky."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from components.common.errors import InputError
from components.common.tables import Columns, read_settings, read_table

Floats = npt.NDArray[np.float64]

ASTROMETRY = ("pmra", "pmdec", "parallax")
"""Order of the three dimensions in all vectors and matrices here; mas/yr, mas/yr, mas."""

COLUMNS = (
    "source_id",
    "ra",
    "dec",
    "pmra",
    "pmdec",
    "parallax",
    "pmra_error",
    "pmdec_error",
    "parallax_error",
    "pmra_pmdec_corr",
    "parallax_pmra_corr",
    "parallax_pmdec_corr",
    "phot_g_mean_mag",
    "bp_rp",
)
_POLAR = 75.0
_CORRELATIONS = {(0, 1): "pmra_pmdec_corr", (0, 2): "parallax_pmra_corr", (1, 2): "parallax_pmdec_corr"}


@dataclass(frozen=True)
class Stars:
    """Stars of a region.

    Attributes
    ----------
    columns : dict of str to ndarray, shape (n,)
        Those of `COLUMNS`; parallaxes are corrected for their zero point where that is known.
    features : ndarray of float32, shape (n, k)
        What distances between stars are measured in.
    """

    columns: Columns
    features: npt.NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.columns["source_id"])

    def __getitem__(self, rows: npt.NDArray[Any]) -> "Stars":
        return Stars({name: values[rows] for name, values in self.columns.items()}, self.features[rows])

    @property
    def astrometry(self) -> Floats:
        """Proper motions and parallax, shape (n, 3)."""
        return np.column_stack([self.columns[name] for name in ASTROMETRY]).astype(np.float64)

    @property
    def covariances(self) -> Floats:
        """Covariance of the errors of `astrometry`, shape (n, 3, 3); unknown correlations count as none."""
        sigma = np.column_stack([self.columns[f"{name}_error"] for name in ASTROMETRY]).astype(np.float64)
        matrix = np.zeros((len(self), 3, 3))
        for i in range(3):
            matrix[:, i, i] = sigma[:, i] ** 2
        for (i, j), name in _CORRELATIONS.items():
            matrix[:, i, j] = matrix[:, j, i] = np.nan_to_num(self.columns[name]) * sigma[:, i] * sigma[:, j]
        return matrix if "turn" not in self.columns else _turn_covariances(matrix, self.columns["turn"])

    @cached_property
    def _directions(self) -> Floats:
        return unit_vectors(self.columns["ra"], self.columns["dec"])

    def around(self, sky: tuple[float, float], reach: float) -> npt.NDArray[np.int64]:
        """Rows, ascending, of the stars up to an angle from a place, in degrees, and a few beyond it.

        Of ten million stars it takes the twentieth part of a second.
        """
        (towards,) = unit_vectors(np.array([sky[0]]), np.array([sky[1]]))
        least = np.cos(np.radians(min(reach * (1 + 1e-6) + 1e-6, 180.0)))
        return np.asarray(np.flatnonzero(self._directions @ towards >= least))

    def facing(self, centre: tuple[float, float] | None) -> "Stars":
        """Return the stars with proper motions along the axes of one place; as they are for None.

        Near a pole east and north turn from star to star, so that stars that move together seem not to.
        """
        if centre is None:
            return self
        angle = turn(self.columns["ra"], self.columns["dec"], centre)
        east, north = rotate(self.columns["pmra"], self.columns["pmdec"], angle)
        return Stars({**self.columns, "pmra": east, "pmdec": north, "turn": angle}, self.features)


def read_stars(table: Path) -> tuple[Stars, dict[str, Any]]:
    """Read a preprocessed star field and its settings.

    Raises
    ------
    InputError
        When the table does not say which of its columns are features.
    """
    settings = read_settings(table)
    names = settings.get("features")
    if not names:
        raise InputError(
            f"{table} does not say which columns its features are.", "Give the folder that preprocess wrote."
        )
    corrected = "parallax_corrected"
    columns = read_table(table, [*COLUMNS, corrected, *names])
    columns["parallax"] = columns.pop(corrected)
    features = np.column_stack([columns.pop(name) for name in names]).astype(np.float32)
    stars = Stars(columns, features.reshape(len(columns["source_id"]), len(names)))
    return stars.facing(polar_centre(settings)), settings


def polar_centre(settings: Mapping[str, Any]) -> tuple[float, float] | None:
    """Return the centre of a region that a pole is in or near; None for others, whose axes hardly turn."""
    region = settings.get("region") or {}
    ra, dec = float(region.get("ra", 0.0)), float(region.get("dec", 0.0))
    return (ra, dec) if abs(dec) + float(region.get("radius_deg") or 0.0) > _POLAR else None


def turn(ra: Floats, dec: Floats, centre: tuple[float, float]) -> Floats:
    """Angle in radians by which east and north at each place are turned against those of a centre."""
    east, north = _axes(np.atleast_1d(ra), np.atleast_1d(dec))
    (east_there,), (north_there,) = _axes(np.array([centre[0]]), np.array([centre[1]]))
    return np.asarray(np.arctan2(east @ north_there - north @ east_there, east @ east_there + north @ north_there))


def rotate(east: Floats, north: Floats, angle: Floats) -> tuple[Floats, Floats]:
    """Rotate vectors by angles in radians."""
    cosine, sine = np.cos(angle), np.sin(angle)
    return east * cosine - north * sine, east * sine + north * cosine


def _axes(ra: Floats, dec: Floats) -> tuple[Floats, Floats]:
    ra, dec = np.radians(ra), np.radians(dec)
    east = np.column_stack([-np.sin(ra), np.cos(ra), np.zeros(len(ra))])
    north = np.column_stack([-np.sin(dec) * np.cos(ra), -np.sin(dec) * np.sin(ra), np.cos(dec)])
    return east, north


def _turn_covariances(matrix: Floats, angle: Floats) -> Floats:
    rotation = np.zeros_like(matrix)
    rotation[:, 0, 0] = rotation[:, 1, 1] = np.cos(angle)
    rotation[:, 1, 0] = np.sin(angle)
    rotation[:, 0, 1] = -rotation[:, 1, 0]
    rotation[:, 2, 2] = 1.0
    return np.asarray(rotation @ matrix @ rotation.transpose(0, 2, 1))


def unit_vectors(ra: Floats, dec: Floats) -> Floats:
    """Directions on the sky as vectors, shape (n, 3); degrees."""
    ra, dec = np.radians(ra), np.radians(dec)
    return np.column_stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)])


def mean_direction(ra: Floats, dec: Floats, weights: Floats | None = None) -> tuple[float, float]:
    """Mean direction in degrees: neither RA 0 nor a pole is special."""
    x, y, z = np.average(unit_vectors(ra, dec), axis=0, weights=weights)
    return float(np.degrees(np.arctan2(y, x)) % 360), float(np.degrees(np.arctan2(z, np.hypot(x, y))))


def project(ra: Floats, dec: Floats, centre: tuple[float, float]) -> tuple[Floats, Floats]:
    """Offsets to east and north in degrees, at true angular distance from the centre (azimuthal equidistant).

    Unlike a gnomonic projection it is finite over the whole sky, and radii are exact.
    """
    towards = unit_vectors(np.asarray(ra), np.asarray(dec))
    ra0, dec0 = np.radians(centre[0]), np.radians(centre[1])
    east = np.array([-np.sin(ra0), np.cos(ra0), 0.0])
    north = np.array([-np.sin(dec0) * np.cos(ra0), -np.sin(dec0) * np.sin(ra0), np.cos(dec0)])
    middle = np.array([np.cos(dec0) * np.cos(ra0), np.cos(dec0) * np.sin(ra0), np.sin(dec0)])
    x, y, along = towards @ east, towards @ north, towards @ middle
    across = np.hypot(x, y)
    scale = np.divide(
        np.degrees(np.arctan2(across, along)), across, out=np.full_like(x, 180 / np.pi), where=across > 0
    )
    return x * scale, y * scale


def deproject(x: float, y: float, centre: tuple[float, float]) -> tuple[float, float]:
    """Right ascension and declination of an offset made by `project`."""
    radius = np.hypot(x, y)
    angle, ra0, dec0 = np.radians(radius), np.radians(centre[0]), np.radians(centre[1])
    if radius == 0:
        return centre
    sine = np.cos(angle) * np.sin(dec0) + y / radius * np.sin(angle) * np.cos(dec0)
    across = x / radius * np.sin(angle)
    along = np.cos(angle) * np.cos(dec0) - y / radius * np.sin(angle) * np.sin(dec0)
    return float(np.degrees(ra0 + np.arctan2(across, along)) % 360), float(
        np.degrees(np.arcsin(np.clip(sine, -1, 1)))
    )
