"""Stars, what was found among them, and what is known: all that an evaluation looks at."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from components.common.clustering_scores import NONE, Labels
from components.common.errors import InputError
from components.common.provenance import Provenance
from components.common.scores import Floats
from components.common.tables import Columns, read_provenance, read_table
from components.evaluate.clustering.truth import Truth, read_truth
from components.train.clustering.inference import ClusteringModel, load_model
from components.train.clustering.stars import Stars, read_stars

LIKELY = 0.5
"""Probability above which a star counts as a member."""

_EXTRA = ("teff_gspphot", "spectraltype_esphs")


@dataclass(frozen=True)
class Scene:
    """A region and its clusters.

    Attributes
    ----------
    stars : Stars
        Of the region.
    extra : dict of str to ndarray
        Temperature and spectral type.
    settings : dict
        Of the prepared table.
    provenance : Provenance
        Of the table.
    model : ClusteringModel
        What was found.
    which : ndarray of int, shape (n,)
        The cluster that each star most probably belongs to; -1 for none.
    probability : ndarray, shape (n,)
        Of that.
    comparison : dict of str to ndarray
        For each method the groups that it proposed, and the clusters that became of them.
    truth : Truth or None
        What is known.
    """

    stars: Stars
    extra: Columns
    settings: dict[str, Any]
    provenance: Provenance
    model: ClusteringModel
    which: Labels
    probability: Floats
    comparison: Columns
    truth: Truth | None

    @property
    def members(self) -> Labels:
        """Cluster of each star that is more probably in it than not; -1 for the others."""
        return np.where(self.probability > LIKELY, self.which, NONE)

    @property
    def facts(self) -> list[Mapping[str, Any]]:
        """What is known of each found cluster."""
        return [found.facts for found in self.model.clusters]

    @property
    def methods(self) -> list[str]:
        """Methods that were run, that of the model first."""
        return list(self.model.record["methods"])

    def column(self, name: str) -> npt.NDArray[Any]:
        """Return a column of the stars."""
        return self.stars.columns[name] if name in self.stars.columns else self.extra[name]

    def labels_of(self, method: str) -> tuple[Labels, Labels]:
        """Return the groups that a method proposed, and the members of the clusters that became of them."""
        cluster = self.comparison[f"{method}_cluster"].astype(np.int64)
        likely = self.comparison[f"{method}_probability"] > LIKELY
        return self.comparison[f"{method}_group"].astype(np.int64), np.where(likely, cluster, NONE)


def read_scene(dataset: Path, model: Path) -> Scene:
    """Read what preprocess and train wrote.

    Raises
    ------
    InputError
        When the clusters were found among other stars.
    """
    table = dataset / "dataset.parquet"
    stars, settings = read_stars(table)
    trained = load_model(model)
    comparison = read_table(model / "comparison.parquet")
    if not np.array_equal(comparison["source_id"], stars.columns["source_id"]):
        raise InputError(
            f"The clusters of {model} were found among other stars than those of {table}.",
            "Evaluate the model on the data set that it was made of.",
        )
    which, probability = trained.membership(stars)
    return Scene(
        stars,
        read_table(table, list(_EXTRA)),
        settings,
        read_provenance(table),
        trained,
        which,
        probability,
        comparison,
        read_truth(dataset, stars.columns["source_id"]),
    )
