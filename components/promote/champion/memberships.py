"""Clusters of stars: what an evaluation wrote, and which of the same stars the champion's clusters hold."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from components.common.clustering_scores import NONE, SCORES, ClusteringScore, Labels, Tables, match
from components.common.errors import InputError
from components.common.rejections import Rejections
from components.common.scores import Definition, Floats
from components.common.tables import read_provenance, read_settings, read_table
from components.promote.champion.answers import Answers, Applied, OtherQuestionError

_LIKELY = 0.5
_BY_HAND = "Look at both reports, and promote the better by hand: `armillary models promote`."


@dataclass(frozen=True, eq=False)
class Memberships:
    """Cluster of each of n stars, -1 for none.

    Attributes
    ----------
    truth, found : ndarray of int, shape (n,)
        The known one, and that which the star is more probably in than not.
    """

    truth: Labels
    found: Labels

    def __len__(self) -> int:
        return len(self.truth)

    def __getitem__(self, rows: npt.NDArray[Any]) -> "Memberships":
        return Memberships(self.truth[rows], self.found[rows])

    def tables(self, weights: Floats) -> Tables:
        """Count stars by true and found cluster under each row of weights, shape (resamples, n)."""
        shape = int(self.truth.max(initial=NONE)) + 2, int(self.found.max(initial=NONE)) + 2
        cells = (self.truth + 1) * shape[1] + self.found + 1
        counted = [np.bincount(cells, row, shape[0] * shape[1]) for row in weights]
        return np.reshape(counted, (len(weights), *shape))


def _weighted(score: ClusteringScore) -> Callable[[Any, Floats], Floats]:
    def compute(stars: Memberships, weights: Floats) -> Floats:
        pairs = match(stars.tables(np.ones((1, len(stars))))[0])
        return score.compute(stars.tables(weights), pairs)

    return compute


MEMBERSHIPS = tuple(Definition(s.name, s.label, "", s.direction, _weighted(s)) for s in SCORES)


def read_memberships(results: Path) -> Answers:
    """Read the `predictions.parquet` of an evaluation of clusters; each star is a group of its own."""
    table = read_table(results / "predictions.parquet", ["id", "source_id", "cluster", "probability", "truth"])
    found = np.where(table["probability"] > _LIKELY, table["cluster"], "")
    return Answers(table["id"], table["source_id"], Memberships(_numbered(table["truth"]), _numbered(found)))


def apply_memberships(model: Path, source: Path, objects: Answers) -> Applied:
    """Apply the champion's clusters to the stars of an ingested region as `armillary predict` does.

    Parameters
    ----------
    model : Path
        Folder that a train stage wrote.
    source : Path
        Folder that the ingest stage wrote.
    objects : Answers
        Which stars.

    Raises
    ------
    OtherQuestionError
        When the champion's clusters are of another sky, or nobody knows the members of any cluster.
    """
    from components.predict.stars.prediction import predict_table
    from components.train.clustering.inference import load_model

    champion, table = load_model(model), source / "dataset.parquet"
    _require_same_sky(champion.preprocess_settings["region"], json.loads(champion.record["data"]), table)
    if not (objects.predictions.truth != NONE).any():
        raise OtherQuestionError(
            "The members of clusters are not known here, so that no score tells which clusters are better.",
            _BY_HAND,
        )
    stars = read_table(table)
    tested = np.isin(stars["source_id"], objects.groups)
    if tested.sum() != len(objects):
        raise InputError(
            f"Of {len(objects)} stars that were tested, {tested.sum()} are in {source}.",
            "Give the raw data of the run that was evaluated.",
        )
    own = {name: values[tested] for name, values in stars.items()}
    answer = predict_table(own, champion, Rejections(), read_settings(table).get("release", ""))
    rows = pd.Index(objects.groups).get_indexer(pd.Index(answer["source_id"]))
    found = _numbered(np.where(answer["probability"] > _LIKELY, answer["cluster"], ""))
    return Applied(rows, Memberships(objects.predictions.truth[rows], found))


def _require_same_sky(region: dict[str, Any], learnt_from: dict[str, Any], table: Path) -> None:
    """Clusters are where they are: those of another region have no members here, and simulated ones neither."""
    data = read_provenance(table)
    same = region == read_settings(table)["region"]
    if "simulated" in (data.origin, learnt_from["origin"]):
        same = same and all(getattr(data, name) == learnt_from[name] for name in ("origin", "query", "seed"))
    if not same:
        raise OtherQuestionError("The champion's clusters are those of another sky.", _BY_HAND)


def _numbered(names: npt.NDArray[Any]) -> Labels:
    """Give names numbers from 0, and the empty one, which sorts first, that of none."""
    known, index = np.unique(names.astype(np.str_), return_inverse=True)
    return np.asarray(index - int("" in known), dtype=np.int64)
