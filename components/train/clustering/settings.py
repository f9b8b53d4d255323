"""What to look for, and how."""

from dataclasses import dataclass

from components.common.checks import require_at_least, require_one_of
from components.common.errors import ParameterError

METHODS = ("hdbscan", "dbscan", "kmeans", "gaussian_mixture")
LIBRARIES = ("auto", "fast_hdbscan", "hdbscan", "scikit-learn")
SELECTIONS = ("leaf", "eom")


@dataclass(frozen=True)
class Settings:
    """How to search a region for clusters.

    Attributes
    ----------
    method : {"hdbscan", "dbscan", "kmeans", "gaussian_mixture"}
        What proposes the candidates of the model.
    compare : {"hdbscan", "dbscan", "kmeans", "gaussian_mixture"}
        Methods that are run besides, for the comparison in the report.
    library : {"auto", "fast_hdbscan", "hdbscan", "scikit-learn"}
        Which HDBSCAN; all three do the same, see `tests/benchmarks/bench_clustering.py`. By itself `hdbscan` for
        few stars and `fast_hdbscan` for many, see `methods.FEW`.
    selection : {"leaf", "eom"}
        Clusters of HDBSCAN: the leaves of its tree, or those with the largest excess of mass.
    min_cluster_size : int
        Fewer stars than this are no cluster.
    min_samples : int
        Neighbours that make a density, in HDBSCAN and DBSCAN.
    most_clusters : int
        Largest number that k-means and the Gaussian mixture try.
    significance : float
        Standard deviations above the local field that a candidate must reach, in space and in density.
    cmd_score : float
        Standard deviations by which its colours and magnitudes must differ from those of the local field. Not
        asked for where no star has a colour.
    most_candidates : int
        Groups that are fitted, those with the largest excess on the sky first; in regions of more than 200 000
        stars one for each 5000.
    epochs : int
        Rounds of expectation and maximisation for each candidate.
    seed : int
        Draws subsamples, starts and null samples.
    """

    method: str = "hdbscan"
    compare: tuple[str, ...] = ()
    library: str = "auto"
    selection: str = "leaf"
    min_cluster_size: int = 20
    min_samples: int = 10
    most_clusters: int = 10
    significance: float = 5.0
    cmd_score: float = 2.0
    most_candidates: int = 40
    epochs: int = 40
    seed: int = 0

    def __post_init__(self) -> None:
        require_one_of(METHODS, method=self.method)
        require_one_of(LIBRARIES, library=self.library)
        require_one_of(SELECTIONS, selection=self.selection)
        if unknown := set(self.compare) - set(METHODS):
            raise ParameterError(
                f"There is no method {sorted(unknown)[0]!r} to compare with.",
                f"Choose among {', '.join(METHODS)}.",
            )
        require_at_least(2, min_cluster_size=self.min_cluster_size, min_samples=self.min_samples)
        require_at_least(2, most_clusters=self.most_clusters)
        require_at_least(1, epochs=self.epochs)
