"""Found clusters with all that it takes to apply them to stars, in memory and as a folder."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors.numpy import load_file, save_file

from components.common.errors import InputError
from components.common.files import write_json
from components.train.clustering.mixture import Cluster, Field
from components.train.clustering.plummer import Plummer
from components.train.clustering.stars import Floats, Stars, project
from components.train.model_folder import reading

KIND = "clustering"
TARGET = "membership"

_ARRAYS = "clusters.safetensors"


@dataclass(frozen=True)
class FoundCluster:
    """A cluster with its field.

    Attributes
    ----------
    cluster, field
        Densities in astrometry and on the sky.
    sky : tuple of float
        Right ascension and declination, in degrees, of the origin of the profile's offsets.
    centre, half_width : ndarray, shape (3,)
        Window in proper motions and parallax that the field was fitted in.
    reach : float
        Angle from `sky` up to which it was, degrees.
    facts : dict
        What a person wants to know: position, motion, parallax with errors, radius, tests.
    """

    cluster: Cluster
    field: Field
    sky: tuple[float, float]
    centre: Floats
    half_width: Floats
    reach: float
    facts: dict[str, Any]

    def probability(self, stars: Stars) -> Floats:
        """Probability of membership of each star, 0 outside the window."""
        found = np.zeros(len(stars))
        rows = self._near(stars)
        near = stars[rows]
        x, y = project(near.columns["ra"], near.columns["dec"], self.sky)
        inside = np.hypot(x, y) <= self.reach
        rows, near, x, y = rows[inside], near[np.flatnonzero(inside)], x[inside], y[inside]
        if rows.size:
            values, errors = near.astrometry, near.covariances
            own = self.cluster.density(x, y, values, errors)
            found[rows] = own / np.maximum(own + self.field.density(values, errors), 1e-300)
        return found

    def _near(self, stars: Stars) -> npt.NDArray[np.int64]:
        near = np.ones(len(stars), dtype=bool)
        for k, name in enumerate(("pmra", "pmdec", "parallax")):
            near &= np.abs(stars.columns[name] - self.centre[k]) <= self.half_width[k]
        return np.asarray(np.flatnonzero(near))


@dataclass(frozen=True)
class ClusteringModel:
    """Clusters found in a region.

    Attributes
    ----------
    clusters : tuple of FoundCluster
        Largest first; may be empty, as a region may have none.
    preprocess_settings : dict
        How stars must be prepared.
    record : dict
        How they were found.
    """

    clusters: tuple[FoundCluster, ...]
    preprocess_settings: dict[str, Any]
    record: dict[str, Any]

    @property
    def names(self) -> list[str]:
        """Names of the clusters."""
        return [str(found.facts["name"]) for found in self.clusters]

    def membership(self, stars: Stars) -> tuple[npt.NDArray[np.int64], Floats]:
        """Return for each star the cluster that it most probably belongs to, and that probability.

        Returns
        -------
        ndarray of int, shape (n,)
            Index of the cluster; -1 where none has any probability.
        ndarray, shape (n,)
            Probability of it, 0 where there is none.
        """
        best, which = np.zeros(len(stars)), np.full(len(stars), -1, dtype=np.int64)
        for number, found in enumerate(self.clusters):
            probability = found.probability(stars)
            better = probability > best
            best[better], which[better] = probability[better], number
        return which, best


def save_model(folder: Path, model: ClusteringModel) -> None:
    """Write `model.json` and `clusters.safetensors` into a folder, which is created."""
    folder.mkdir(parents=True, exist_ok=True)
    arrays: dict[str, npt.NDArray[Any]] = {"count": np.array([len(model.clusters)])}
    for number, found in enumerate(model.clusters):
        arrays |= {f"{number}.{name}": value for name, value in _to_arrays(found).items()}
    save_file(arrays, folder / _ARRAYS)
    write_json(
        folder / "model.json",
        {
            "kind": KIND,
            "target": TARGET,
            "method": model.record.get("settings", {}).get("method", ""),
            "settings": model.record.get("settings", {}),
            "preprocess": model.preprocess_settings,
            "clusters": [found.facts for found in model.clusters],
            "training": model.record,
        },
    )


def load_model(folder: Path) -> ClusteringModel:
    """Read a model folder.

    Raises
    ------
    InputError
        When the folder is not a whole model of this kind.
    """
    with reading(folder, KIND) as stored:
        arrays = load_file(folder / _ARRAYS)
        facts = stored["clusters"]
        if int(arrays["count"][0]) != len(facts):
            raise InputError(f"{_ARRAYS} holds {int(arrays['count'][0])} clusters, not {len(facts)}.", "")
        clusters = tuple(_from_arrays(arrays, number, entry) for number, entry in enumerate(facts))
        return ClusteringModel(clusters, stored["preprocess"], stored["training"])


def _to_arrays(found: FoundCluster) -> dict[str, npt.NDArray[Any]]:
    cluster, field, profile = found.cluster, found.field, found.cluster.profile
    return {
        "mean": np.ascontiguousarray(cluster.mean),
        "covariance": np.ascontiguousarray(cluster.covariance),
        "profile": np.array([profile.x, profile.y, profile.radius, profile.radius_error, profile.normalisation]),
        "numbers": np.array([cluster.stars, cluster.tail, field.per_square_degree, *found.sky, found.reach]),
        "field_weight": np.ascontiguousarray(field.weight),
        "field_mean": np.ascontiguousarray(field.mean),
        "field_covariance": np.ascontiguousarray(field.covariance),
        "window": np.stack([found.centre, found.half_width]),
    }


def _from_arrays(arrays: dict[str, npt.NDArray[Any]], number: int, facts: dict[str, Any]) -> FoundCluster:
    def of(name: str) -> npt.NDArray[Any]:
        return arrays[f"{number}.{name}"]

    stars, tail, per_square_degree, ra, dec, reach = (float(value) for value in of("numbers"))
    x, y, radius, radius_error, normalisation = (float(value) for value in of("profile"))
    profile = Plummer(x, y, radius, radius_error, normalisation)
    return FoundCluster(
        Cluster(stars, of("mean"), of("covariance"), profile, tail),
        Field(of("field_weight"), of("field_mean"), of("field_covariance"), per_square_degree),
        (ra, dec),
        of("window")[0],
        of("window")[1],
        reach,
        facts,
    )
