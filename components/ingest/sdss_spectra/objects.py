"""Which spectra show the same object on the sky, so that no object is trained on and tested on."""

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

MATCH_RADIUS_ARCSEC = 1.0
"""Half the width of a BOSS fibre; repeat observations agree to 0.1 arcsec."""


def group_objects(
    ids: npt.NDArray[np.object_],
    thing_id: npt.NDArray[np.int64],
    ra: npt.NDArray[np.float64],
    dec: npt.NDArray[np.float64],
) -> npt.NDArray[np.object_]:
    """Name the object of each spectrum.

    Spectra belong together that share a THING_ID, or lie within an arcsecond, also through others (friends of
    friends).

    Parameters
    ----------
    ids : ndarray of str, shape (n,)
        Unique for each observation.
    thing_id : ndarray, shape (n,)
        SDSS's number of the object; not positive where there is none.
    ra, dec : ndarray, shape (n,)
        Degrees, NaN where unknown.

    Returns
    -------
    ndarray of str, shape (n,)
        `thing-<smallest THING_ID of the group>`, else the smallest id of the group.
    """
    ids = np.asarray(ids, dtype=object)
    n = len(ids)
    if n == 0:
        return ids
    pairs = np.concatenate([_same_thing(thing_id), _close(ra, dec)])
    links = coo_array((np.ones(len(pairs), dtype=np.int8), (pairs[:, 0], pairs[:, 1])), shape=(n, n))
    groups, group = connected_components(links, directed=False)
    return _names(ids, np.asarray(thing_id, dtype=np.int64), group, groups)


def _same_thing(thing_id: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    known = np.flatnonzero(np.asarray(thing_id) > 0)
    _, first, inverse = np.unique(np.asarray(thing_id)[known], return_index=True, return_inverse=True)
    return np.column_stack([known, known[first][inverse]])


def _close(ra: npt.NDArray[np.float64], dec: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    known = np.flatnonzero(np.isfinite(ra) & np.isfinite(dec))
    if known.size < 2:
        return np.empty((0, 2), dtype=np.int64)
    longitude, latitude = np.radians(np.asarray(ra)[known]), np.radians(np.asarray(dec)[known])
    unit = np.column_stack(
        [np.cos(latitude) * np.cos(longitude), np.cos(latitude) * np.sin(longitude), np.sin(latitude)]
    )
    chord = 2 * np.sin(np.radians(MATCH_RADIUS_ARCSEC / 3600) / 2)
    return np.asarray(known[cKDTree(unit).query_pairs(chord, output_type="ndarray")], dtype=np.int64)


def _names(
    ids: npt.NDArray[np.object_], thing_id: npt.NDArray[np.int64], group: npt.NDArray[np.int32], groups: int
) -> npt.NDArray[np.object_]:
    order = np.argsort(ids.astype(str), kind="stable")
    smallest_id = np.empty(groups, dtype=object)
    smallest_id[group[order[::-1]]] = ids[order[::-1]]  # the last assignment stays, which is the smallest
    smallest_thing = np.full(groups, np.iinfo(np.int64).max)
    np.minimum.at(smallest_thing, group[thing_id > 0], thing_id[thing_id > 0])
    has_thing = smallest_thing < np.iinfo(np.int64).max
    names = smallest_id.copy()
    names[has_thing] = np.char.add("thing-", smallest_thing[has_thing].astype(str)).astype(object)
    return np.asarray(names[group])
