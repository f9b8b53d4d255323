"""Redshifts of spectra: what `evaluate/regression` wrote, and what `predict/spectra` says of the same objects."""

from pathlib import Path

import numpy as np

from components.common.scores import Predictions
from components.common.tables import read_table
from components.promote.champion.answers import Answers, Applied
from components.promote.champion.objects import find_objects


def read_redshifts(results: Path) -> Answers:
    """Read the `predictions.parquet` of an evaluation."""
    table = read_table(results / "predictions.parquet", ["id", "object_id", "truth", "redshift", "pit", "crps"])
    predictions = Predictions(table["truth"], table["redshift"], table["pit"], table["crps"])
    return Answers(table["id"], table["object_id"], predictions)


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
    rows, parts = [np.empty(0, dtype=np.intp)], [_NOTHING]
    for batch, which in find_objects(source, objects, "spectra"):
        predicted = predict_table(batch, network)
        own = which[predicted.ready.rows]
        truth = np.asarray(objects.predictions.truth[own], dtype=np.float64)
        rows.append(own)
        parts.append(Predictions.of_distributions(truth, predicted.columns["redshift"], predicted.distribution))
    return Applied(np.concatenate(rows), _concatenate(parts))


_EMPTY = np.empty(0)
_NOTHING = Predictions(_EMPTY, _EMPTY, _EMPTY, _EMPTY)


def _concatenate(parts: list[Predictions]) -> Predictions:
    return Predictions(
        *(np.concatenate([getattr(p, name) for p in parts]) for name in ("truth", "value", "pit", "crps"))
    )
