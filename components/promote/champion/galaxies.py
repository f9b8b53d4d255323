"""Redshifts of galaxies: what `evaluate/model_comparison` wrote, and what `predict/galaxies` says of the same."""

from pathlib import Path

import numpy as np
import pandas as pd

from components.common.errors import InputError
from components.common.scores import Predictions
from components.common.tables import read_batches, read_table
from components.common.telemetry import report_progress
from components.promote.champion.answers import Answers, Applied


def read_galaxies(results: Path) -> Answers:
    """Read the `predictions.parquet` of an evaluation, whose objects were split by the column `group`."""
    table = read_table(results / "predictions.parquet", ["id", "group", "truth", "redshift", "pit", "crps"])
    predictions = Predictions(table["truth"], table["redshift"], table["pit"], table["crps"])
    return Answers(table["id"], table["group"], predictions)


def apply_regressor(model: Path, source: Path, objects: Answers) -> Applied:
    """Predict the redshifts of some objects of an ingested data set as `armillary predict` does.

    Spectra with warnings count as all others: a score is of what the model says, not of what it is sure of.

    Parameters
    ----------
    model : Path
        Folder that a train stage wrote.
    source : Path
        Folder that the ingest stage wrote.
    objects : Answers
        Which spectra, and their true redshifts.
    """
    from components.predict.galaxies.prediction import predict_table
    from components.train.regressors.inference import load_model  # imports torch where the model is a network

    regressor = load_model(model)
    wanted = pd.Index(objects.ids)
    seen = 0
    rows, values, pits, crps = [np.empty(0, dtype=np.intp)], *([np.empty(0)] for _ in range(3))
    for batch in read_batches(source / "dataset.parquet"):
        position = wanted.get_indexer(pd.Index(batch["id"]))
        chosen = np.flatnonzero(position >= 0)
        if not chosen.size:
            continue
        seen += chosen.size
        predicted = predict_table({name: column[chosen] for name, column in batch.items()}, regressor)
        own = position[chosen[predicted.rows]]
        truth = np.asarray(objects.predictions.truth[own], dtype=np.float64)
        # The magnitude is not compared: any number will do for its truth.
        found = regressor.predict(predicted.inputs, np.column_stack([truth, np.zeros_like(truth)]))["redshift"]
        assert found.pit is not None
        assert found.crps is not None
        rows.append(own)
        values.append(found.value)
        pits.append(found.pit)
        crps.append(found.crps)
        report_progress(seen, len(objects), "spectra")
    if seen != len(objects):
        raise InputError(
            f"Of {len(objects)} spectra that were tested, {seen} are in {source}.",
            "Give the raw data of the run that was evaluated.",
        )
    which = np.concatenate(rows)
    answers = (np.concatenate(parts) for parts in (values, pits, crps))
    return Applied(which, Predictions(objects.predictions.truth[which], *answers))
