"""What belongs together: rows of one galaxy, and features that say the same."""

import numpy as np
import numpy.typing as npt
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree
from scipy.spatial.distance import squareform
from scipy.stats import rankdata

from components.common.tables import Columns
from components.physics.celestial import unit_vectors

Strings = npt.NDArray[np.object_]

SAME_GALAXY_ARCSEC = 2.0
_ROWS_RANKED = 20000


def group_rows(object_id: Strings, ra_deg: npt.NDArray[np.float64], dec_deg: npt.NDArray[np.float64]) -> Strings:
    """Name the galaxy of each row: the same for rows with one identifier, or closer than 2 arc seconds.

    Stripe 82 was observed many times, and its galaxies are in the table once for the single exposure and again for
    the stack, under other identifiers.
    """
    _, member = np.unique(object_id.astype(np.str_), return_inverse=True)
    rows = np.arange(len(object_id))
    first = np.full(member.max() + 1, len(rows))
    np.minimum.at(first, member, rows)
    placed = np.flatnonzero(np.isfinite(ra_deg) & np.isfinite(dec_deg))
    pairs = np.empty((0, 2), dtype=np.int64)
    if placed.size > 1:
        tree = cKDTree(unit_vectors(ra_deg[placed], dec_deg[placed]))
        pairs = placed[tree.query_pairs(np.radians(SAME_GALAXY_ARCSEC / 3600), output_type="ndarray")]
    links = np.concatenate([np.column_stack([rows, first[member]]), pairs])
    graph = coo_array((np.ones(len(links), dtype=np.int8), links.T), shape=(len(rows), len(rows)))
    _, component = connected_components(graph, directed=False)
    leader = np.full(component.max() + 1, len(rows))
    np.minimum.at(leader, component, rows)
    return np.asarray(object_id[leader[component]], dtype=object)


def correlated(features: Columns, threshold: float) -> dict[str, list[str]]:
    """Group features by their rank correlation: average linkage, cut where it falls below `threshold`.

    Parameters
    ----------
    features : dict of str to ndarray
        Of the training rows; NaN counts as the median.
    threshold : float
        Absolute rank correlation, on average, within a group.

    Returns
    -------
    dict of str to list of str
        Every feature once, by the name of the first of its group.
    """
    names = list(features)
    if len(names) < 2:
        return {name: [name] for name in names}
    values = np.column_stack([features[name][:_ROWS_RANKED] for name in names]).astype(np.float64)
    values = np.where(np.isfinite(values).any(axis=0), values, 0.0)  # in these rows, unknown is alike
    values = np.where(np.isfinite(values), values, np.nanmedian(values, axis=0))
    ranks = rankdata(values, axis=0)
    ranks -= ranks.mean(axis=0)
    norm = np.sqrt((ranks**2).sum(axis=0))
    likeness = np.abs(ranks.T @ ranks) / np.maximum(np.outer(norm, norm), 1e-300)
    distance = np.clip(1 - likeness, 0, 1)
    np.fill_diagonal(distance, 0)
    number = fcluster(linkage(squareform(distance, checks=False), "average"), 1 - threshold, "distance")
    groups: dict[int, list[str]] = {}
    for name, group in zip(names, number.tolist(), strict=True):
        groups.setdefault(group, []).append(name)
    return {members[0]: members for members in groups.values()}
