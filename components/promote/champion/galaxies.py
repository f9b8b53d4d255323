"""Redshifts of galaxies: what `evaluate/model_comparison` wrote, and what `predict/galaxies` says of the same."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from components.common.scores import Predictions
from components.promote.champion.answers import Answers, Applied, Rows
from components.promote.champion.objects import find_objects
from components.promote.champion.redshifts import gather, read_answers, truths


def read_galaxies(results: Path) -> Answers:
    """Read the `predictions.parquet` of an evaluation, whose objects were split by the column `group`."""
    return read_answers(results, "group")


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

    def answer() -> Iterator[tuple[Rows, Predictions]]:
        for batch, which in find_objects(source, objects, "spectra"):
            predicted = predict_table(batch, regressor)
            own = which[predicted.ready.rows]
            truth = truths(objects, own)
            # The magnitude is not compared: any number will do for its truth.
            found = regressor.predict(predicted.inputs, np.column_stack([truth, np.zeros_like(truth)]))["redshift"]
            assert found.pit is not None
            assert found.crps is not None
            yield own, Predictions(truth, found.value, found.pit, found.crps)

    return gather(answer())
