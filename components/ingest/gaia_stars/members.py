"""A catalogue of members: the truth, as somebody published it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from components.common.errors import InputError
from components.common.tables import Columns
from components.ingest.gaia_stars.filling import to_identifiers, to_numbers
from components.ingest.gaia_stars.names import find_columns
from components.ingest.gaia_stars.table_file import TableFile
from components.physics.celestial import unit_vectors

MATCH_ARCSEC = 1.0
_CLUSTER = ("cluster", "cluster_name", "name")
_PROBABILITY = ("probability", "pmemb", "proba", "prob", "membership_probability", "p_memb")
_FINAL_NAME_PARTS = ("_members", "-members")


@dataclass(frozen=True)
class Members:
    """Members of one or more clusters.

    Attributes
    ----------
    catalogue : str
        File that they are from.
    source_id : ndarray of int64 or None
        Sorted with the other columns; None where the catalogue has positions alone.
    places : ndarray, shape (members, 3)
        Unit vectors.
    cluster : ndarray of object
        Names.
    probability : ndarray of float32
        1 where the catalogue gives none.
    """

    catalogue: str
    source_id: npt.NDArray[np.int64] | None
    places: npt.NDArray[np.float64]
    cluster: npt.NDArray[np.object_]
    probability: npt.NDArray[np.float32]

    def of(self, stars: Columns) -> Columns:
        """Tell the cluster and the probability of stars."""
        which = self._by_identifier(stars) if self.source_id is not None else self._by_place(stars)
        found = which >= 0
        return {
            "cluster": np.where(found, self.cluster[which], "").astype(object),
            "probability": np.where(found, self.probability[which], 0).astype(np.float32),
        }

    def describe(self) -> dict[str, Any]:
        """Return what the table of truth says about the catalogue."""
        names, counts = np.unique(self.cluster.astype(np.str_), return_counts=True)
        clusters = [{"name": str(name), "listed": int(n)} for name, n in zip(names, counts, strict=True)]
        by = "source_id" if self.source_id is not None else f"position within {MATCH_ARCSEC:g} arcsec"
        return {"catalogue": self.catalogue, "matched_by": by, "clusters": clusters}

    def _by_identifier(self, stars: Columns) -> npt.NDArray[np.int64]:
        assert self.source_id is not None
        at = np.minimum(np.searchsorted(self.source_id, stars["source_id"]), len(self.source_id) - 1)
        return np.where(self.source_id[at] == stars["source_id"], at, -1)

    def _by_place(self, stars: Columns) -> npt.NDArray[np.int64]:
        """Match the nearest star to each member: a star beside a member is no member too."""
        which = np.full(len(stars["ra"]), -1, dtype=np.int64)
        if not len(which):
            return which
        good = np.flatnonzero(np.isfinite(stars["ra"]) & np.isfinite(stars["dec"]))
        places = unit_vectors(stars["ra"][good], stars["dec"][good])
        chord = 2 * np.sin(np.radians(MATCH_ARCSEC / 3600) / 2)
        distance, nearest = cKDTree(places).query(self.places, distance_upper_bound=chord)
        matched = np.flatnonzero(np.isfinite(distance))
        which[good[nearest[matched]]] = matched
        return which


def read_members(path: Path) -> Members:
    """Read a catalogue of members, in any format and with any names that stars may have.

    Raises
    ------
    InputError
        When it has neither identifiers nor positions, or is empty.
    """
    if not path.is_file():
        raise InputError(f"There is no catalogue {path}.", "Set members to a file, or to nothing.")
    file = TableFile(path)
    names = find_columns(file.names, ("source_id", "ra", "dec"))
    plain = {name.lower(): name for name in file.names}
    for ours, choices in (("cluster", _CLUSTER), ("probability", _PROBABILITY)):
        if match := next((plain[choice] for choice in choices if choice in plain), None):
            names[ours] = match
    if "source_id" not in names and not {"ra", "dec"} <= set(names):
        raise InputError(
            f"{path} has neither source_id nor ra and dec; it has {', '.join(file.names)}.",
            "Give a catalogue with one of them.",
        )
    read = file.read(names.values())
    return _members(path, {ours: read[theirs] for ours, theirs in names.items()})


def _members(path: Path, columns: Columns) -> Members:
    rows = len(next(iter(columns.values())))
    if not rows:
        raise InputError(f"{path} lists no member.", "Give a catalogue with rows.")
    for name in {"ra", "dec", "probability"} & set(columns):
        columns[name] = to_numbers(columns[name], name).astype(np.float64)
    identifiers = to_identifiers(columns["source_id"]) if "source_id" in columns else np.full(rows, -1)
    if (identifiers < 0).all():
        return _by_place(path, columns)
    order = np.argsort(identifiers, kind="stable")
    order = order[identifiers[order] >= 0]
    return _listed(path, columns, identifiers[order], np.zeros((len(order), 3)), order)


def _by_place(path: Path, columns: Columns) -> Members:
    """Match by position: there is no identifier, or none that a program left whole."""
    good = np.zeros(0, dtype=bool)
    if {"ra", "dec"} <= set(columns):
        good = np.isfinite(columns["ra"]) & (np.abs(columns["dec"]) <= 90)
    if not good.any():
        raise InputError(
            f"{path} identifies no member: source_id is null or a rounded float, and ra and dec are no degrees.",
            "Write source_id as a whole number or as text, or give ra and dec in degrees.",
        )
    order = np.flatnonzero(good)
    return _listed(path, columns, None, unit_vectors(columns["ra"][order], columns["dec"][order]), order)


def _listed(
    path: Path,
    columns: Columns,
    identifiers: npt.NDArray[np.int64] | None,
    places: npt.NDArray[np.float64],
    order: npt.NDArray[np.int64],
) -> Members:
    rows = len(next(iter(columns.values())))
    stem = path.name.split(".")[0]
    for part in _FINAL_NAME_PARTS:
        stem = stem.split(part)[0]
    names = columns.get("cluster", np.full(rows, stem, dtype=object)).astype(str).astype(object)
    probability = columns.get("probability", np.ones(rows)).astype(np.float32)
    return Members(path.name, identifiers, places, names[order], np.nan_to_num(probability[order], nan=1.0))
