"""Four ways to propose groups of stars, behind one interface: features in, a label for each star out.

The libraries are imported here, not where they are used: the methods run in threads, and two threads that import
scikit-learn at the same time can see a half of it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import hdbscan
import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree
from sklearn import cluster
from sklearn.cluster import KMeans
from sklearn.metrics import silhouette_score
from sklearn.mixture import GaussianMixture

from components.train.clustering.settings import Settings

Features = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]

NOISE = -1
"""Label of a star in no group."""

FEW = 100_000
"""Stars up to which `hdbscan` is taken by itself: compiling `fast_hdbscan` in a fresh pod takes longer."""

_SILHOUETTE_ROWS = 2000
_FIT_ROWS = 50_000
_KNEE_ROWS = 20_000
_KNEE_SHARE = 0.98  # a star far from all others would stretch the curve, and move its knee with it


@dataclass(frozen=True)
class Grouping:
    """What a method says.

    Attributes
    ----------
    labels : ndarray of int, shape (n,)
        Group of each star, from 0; `NOISE` for none.
    choices : dict
        What the method chose by itself, such as its length scale or its number of groups, and the curve by which.
    """

    labels: Labels
    choices: dict[str, Any] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """Number of groups."""
        return int(self.labels.max(initial=NOISE)) + 1


def group(method: str, features: Features, settings: Settings) -> Grouping:
    """Propose groups by one of `METHODS`; too few stars for a group have none."""
    if len(features) < max(settings.min_cluster_size, 2 * settings.min_samples, 4):
        return Grouping(np.full(len(features), NOISE, dtype=np.int64))
    return _METHODS[method](features, settings)


def by_hdbscan(features: Features, settings: Settings) -> Grouping:
    """Group by the persistence of dense regions over all scales (Campello, Moulavi & Sander 2013)."""
    options: dict[str, Any] = {
        "min_cluster_size": settings.min_cluster_size,
        "min_samples": settings.min_samples,
        "cluster_selection_method": settings.selection,
    }
    library = settings.library
    if library == "auto":
        library = "hdbscan" if len(features) <= FEW else "fast_hdbscan"
    labels = np.asarray(_hdbscan(library, options)(features), dtype=np.int64)
    return Grouping(labels, {"library": library})


def _hdbscan(library: str, options: dict[str, Any]) -> Callable[[Features], Any]:
    if library == "fast_hdbscan":
        return lambda features: _fast_hdbscan(features, options)
    if library == "hdbscan":
        # One process: joblib's workers would each take the memory of the whole.
        return lambda features: (
            hdbscan.HDBSCAN(core_dist_n_jobs=1, **options).fit(features.astype(np.float64)).labels_
        )
    return lambda features: cluster.HDBSCAN(copy=False, **options).fit(features.astype(np.float64)).labels_


def _fast_hdbscan(features: Features, options: dict[str, Any]) -> Labels:
    """Group by `fast_hdbscan`, given the stars in the order of a tree's leaves.

    The hierarchy does not depend on the order, but for ties; where neighbours lie together in memory too, they are
    found in half of the time.
    """
    import fast_hdbscan  # compiles for seconds, and is wanted for many stars alone

    order = cKDTree(features).indices
    labels = np.empty(len(features), dtype=np.int64)
    labels[order] = fast_hdbscan.HDBSCAN(**options).fit(features[order]).labels_
    return labels


def by_dbscan(features: Features, settings: Settings) -> Grouping:
    """Group stars that are closer than one length, which the knee of the k-distance curve gives.

    The connected parts of all core stars are read off the tree that HDBSCAN builds, cut at that length: the same
    as by lists of all neighbours, whose memory grows with the square of the stars where the length is large. The
    other stars within the length of a core star then go to the nearest (Ester et al. 1996 leave open to which).
    """
    distances = k_distances(features, settings.min_samples, settings.seed)
    eps = float(max(distances[knee(distances)], 1e-9))
    points = features.astype(np.float64)
    tree = hdbscan.HDBSCAN(
        min_samples=settings.min_samples - 1,  # which does not count the star itself, as DBSCAN does
        min_cluster_size=2,
        approx_min_span_tree=False,
        core_dist_n_jobs=1,
    ).fit(points)
    labels = tree.dbscan_clustering(eps, min_cluster_size=2)
    core, other = np.flatnonzero(labels >= 0), np.flatnonzero(labels < 0)
    if core.size and other.size:
        distance, nearest = cKDTree(points[core]).query(points[other], distance_upper_bound=eps)
        near = np.isfinite(distance)
        labels[other[near]] = labels[core[nearest[near]]]
    curve = distances[np.linspace(0, len(distances) - 1, 200).astype(int)]
    choices = {"eps": eps, "k_distances": curve.tolist()}
    return Grouping(_at_least(np.asarray(labels), settings.min_cluster_size), choices)


def k_distances(features: Features, k: int, seed: int) -> npt.NDArray[np.float64]:
    """Distances to the k-th neighbour, ascending, of all stars or of a sample of them among all."""
    rows = np.random.default_rng(seed).permutation(len(features))[:_KNEE_ROWS]
    found, _ = cKDTree(features).query(features[rows], k=[k + 1])
    return np.sort(found[:, 0])[: max(2, int(_KNEE_SHARE * len(rows)))]


def knee(ascending: npt.NDArray[np.float64]) -> int:
    """Index at which a curve lies farthest below the line between its ends (Satopaa et al. 2011)."""
    rise = ascending[-1] - ascending[0]
    if rise == 0:
        return len(ascending) - 1
    return int(np.argmax(np.linspace(0, 1, len(ascending)) - (ascending - ascending[0]) / rise))


def by_kmeans(features: Features, settings: Settings) -> Grouping:
    """Divide all stars among k centres, k by the silhouette; every star belongs to some group."""
    sample, judged = _samples(features, settings)
    tried = {}
    for k in _numbers(judged, settings):
        model = KMeans(k, n_init=3, random_state=settings.seed).fit(sample)
        labels = model.predict(judged)
        if np.unique(labels).size > 1:
            tried[k] = float(silhouette_score(judged, labels)), model
    if not tried:
        return Grouping(np.zeros(len(features), dtype=np.int64))
    best = max(tried, key=lambda k: tried[k][0])
    curve = {str(k): score for k, (score, _) in tried.items()}
    return Grouping(np.asarray(tried[best][1].predict(features), dtype=np.int64), {"k": best, "silhouette": curve})


def by_gaussian_mixture(features: Features, settings: Settings) -> Grouping:
    """Describe the density as a sum of k normal distributions, k by the Bayesian information criterion."""
    sample, judged = _samples(features, settings)
    tried = {}
    for k in _numbers(judged, settings):
        model = GaussianMixture(k, reg_covar=1e-4, random_state=settings.seed).fit(sample)
        tried[k] = float(model.bic(sample)), model
    best = min(tried, key=lambda k: tried[k][0])
    curve = {str(k): bic for k, (bic, _) in tried.items()}
    return Grouping(np.asarray(tried[best][1].predict(features), dtype=np.int64), {"k": best, "bic": curve})


def _numbers(judged: Features, settings: Settings) -> range:
    return range(2, min(settings.most_clusters, len(judged) - 1) + 1)


def _samples(features: Features, settings: Settings) -> tuple[Features, Features]:
    """Rows to fit to, and rows to judge the number of groups by, whose cost grows with their square."""
    rows = np.random.default_rng(settings.seed).permutation(len(features))
    return features[rows[:_FIT_ROWS]], features[rows[:_SILHOUETTE_ROWS]]


def _at_least(labels: npt.NDArray[Any], size: int) -> Labels:
    """Dissolve groups of fewer stars, and number the others anew."""
    counts = np.bincount(labels[labels >= 0]) if (labels >= 0).any() else np.zeros(0, dtype=int)
    number = np.full(counts.size + 1, NOISE, dtype=np.int64)
    number[:-1][counts >= size] = np.arange((counts >= size).sum())
    return np.asarray(number[labels])


_METHODS: Mapping[str, Callable[[Features, Settings], Grouping]] = {
    "hdbscan": by_hdbscan,
    "dbscan": by_dbscan,
    "kmeans": by_kmeans,
    "gaussian_mixture": by_gaussian_mixture,
}
