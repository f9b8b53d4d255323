"""Redshifts of spectra: what an evaluation wrote, and what `predict/spectra` says of the same objects."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from components.common.scores import Predictions
from components.common.tables import read_table
from components.promote.champion.answers import Answers, Applied, Rows
from components.promote.champion.objects import find_objects

_NAMES = ("truth", "value", "pit", "crps")


def read_redshifts(results: Path) -> Answers:
    """Read the `predictions.parquet` of an evaluation of spectra."""
    return read_answers(results, "object_id")


def read_answers(results: Path, group: str) -> Answers:
    """Read the `predictions.parquet` of an evaluation, whose objects were split by the column `group`."""
    table = read_table(results / "predictions.parquet", ["id", group, "truth", "redshift", "pit", "crps"])
    predictions = Predictions(table["truth"], table["redshift"], table["pit"], table["crps"])
    return Answers(table["id"], table[group], predictions)


def apply_conv1d(model: Path, source: Path, objects: Answers) -> Applied:
    """Predict the redshifts of some objects of an ingested data set as `armillary predict` does.

    Parameters
    ----------
    model : Path
        Folder that a train stage wrote.
    source : Path
        Folder that the ingest stage wrote.
    objects : Answers
        Which spectra, and their true redshifts.
    """
    from components.predict.spectra.prediction import predict_table
    from components.train.conv1d.inference import load_model  # imports torch

    network = load_model(model)

    def answer() -> Iterator[tuple[Rows, Predictions]]:
        for batch, which in find_objects(source, objects, "spectra"):
            predicted = predict_table(batch, network)
            own = which[predicted.ready.rows]
            truth = truths(objects, own)
            yield own, Predictions.of_distributions(truth, predicted.columns["redshift"], predicted.distribution)

    return gather(answer())


def truths(objects: Answers, rows: Rows) -> np.ndarray:
    """Return the true redshifts of some objects."""
    return np.asarray(objects.predictions.truth[rows], dtype=np.float64)


def gather(answers: Iterable[tuple[Rows, Predictions]]) -> Applied:
    """Put together what a model says of some objects, batch by batch: which these are, and its predictions."""
    nothing = np.empty(0)
    rows, parts = [np.empty(0, dtype=np.intp)], [Predictions(nothing, nothing, nothing, nothing)]
    for which, predictions in answers:
        rows.append(which)
        parts.append(predictions)
    joined = (np.concatenate([getattr(part, name) for part in parts]) for name in _NAMES)
    return Applied(np.concatenate(rows), Predictions(*joined))
