"""What is known of the clusters of a region, and how what was found stands to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from components.common import clustering_scores
from components.common.clustering_scores import NONE, Labels
from components.common.errors import InputError
from components.common.tables import read_settings, read_table

PARAMETERS = ("ra", "dec", "pmra", "pmdec", "parallax")


@dataclass(frozen=True)
class Truth:
    """True clusters.

    Attributes
    ----------
    names : list of str
        Of the clusters.
    labels : ndarray of int, shape (n,)
        Cluster of each star; -1 for the field.
    parameters : dict of str to mapping
        Position, motion and parallax of the clusters for which they are known.
    """

    names: list[str]
    labels: Labels
    parameters: dict[str, Mapping[str, Any]]


def read_truth(dataset: Path, source_id: npt.NDArray[np.int64]) -> Truth | None:
    """Read `truth.parquet` beside a data set; None where nothing is known.

    Raises
    ------
    InputError
        When it is of other stars.
    """
    path = dataset / "truth.parquet"
    if not path.is_file():
        return None
    columns = read_table(path, ["source_id", "cluster"])
    if not np.array_equal(columns["source_id"], source_id):
        raise InputError(f"{path} is of other stars than the data set beside it.", "Run preprocess again.")
    names, index = np.unique(columns["cluster"].astype(str), return_inverse=True)
    number = np.cumsum(names != "") - 1
    number[names == ""] = NONE
    known = {entry["name"]: entry for entry in read_settings(path).get("clusters", ())}
    return Truth([str(name) for name in names if name], np.asarray(number[index]), known)


@dataclass(frozen=True)
class Matched:
    """A true cluster beside the found one that is most like it.

    Attributes
    ----------
    name : str
        Of the true cluster.
    found : int
        Index of the found one; -1 where there is none.
    stars : int
        True members in the data.
    purity, completeness, f1 : float
        Of the pair.
    pulls : dict of str to float
        By parameter, found minus true in units of the error.
    """

    name: str
    found: int
    stars: int
    purity: float
    completeness: float
    f1: float
    pulls: dict[str, float]


def match_clusters(truth: Truth, found: Labels, facts: Sequence[Mapping[str, Any]]) -> list[Matched]:
    """Pair true and found clusters."""
    table = clustering_scores.contingency(truth.labels, found)
    result = []
    for (row, column), name in zip(clustering_scores.match(table), truth.names, strict=True):
        one = table[None], (row, column)
        known = truth.parameters.get(name)
        pulls = pulls_of(known, facts[column - 1]) if known and 0 < column <= len(facts) else {}
        result.append(
            Matched(
                name,
                column - 1,
                int(table[row].sum()),
                float(clustering_scores.purity(*one)[0]),
                float(clustering_scores.completeness(*one)[0]),
                float(clustering_scores.f1(*one)[0]),
                pulls,
            )
        )
    return result


def pulls_of(known: Mapping[str, Any], facts: Mapping[str, Any]) -> dict[str, float]:
    """Return found minus known, in units of the found value's error with its systematic floor."""
    cosine = np.cos(np.radians(facts["dec"]))
    pulls = {}
    for name in PARAMETERS:
        if name not in known:
            continue
        error = facts["position_error"] if name in ("ra", "dec") else facts[f"{name}_error"]
        offset = float(facts[name]) - float(known[name])
        if name == "ra":
            offset = ((offset + 180) % 360 - 180) * cosine
        pulls[name] = float(offset / max(error, 1e-9))
    return pulls
