"""Redshifts of pictures: what `evaluate/regression` wrote, and what `predict/cutouts` says of the same."""

from pathlib import Path

import numpy as np

from components.common.scores import Predictions
from components.common.tables import read_table
from components.promote.champion.answers import Answers, Applied
from components.promote.champion.objects import find_objects


def read_pictures(results: Path) -> Answers:
    """Read the `predictions.parquet` of an evaluation, whose galaxies were split by the column `group_id`."""
    table = read_table(results / "predictions.parquet", ["id", "group_id", "truth", "redshift", "pit", "crps"])
    predictions = Predictions(table["truth"], table["redshift"], table["pit"], table["crps"])
    return Answers(table["id"], table["group_id"], predictions)


def apply_image_cnn(model: Path, source: Path, objects: Answers) -> Applied:
    """Predict the redshifts of some galaxies of an ingested data set as `armillary predict` does.

    Parameters
    ----------
    model : Path
        Folder that a train stage wrote.
    source : Path
        Folder that the ingest stage wrote.
    objects : Answers
        Which pictures, and their true redshifts.
    """
    from components.predict.cutouts.prediction import predict_table
    from components.train.image_cnn.inference import load_model  # imports torch

    network = load_model(model)
    rows = [np.empty(0, dtype=np.intp)]
    found: dict[str, list[np.ndarray]] = {name: [np.empty(0)] for name in ("value", "pit", "crps")}
    for batch, which in find_objects(source, objects, "pictures"):
        predicted = predict_table(batch, network)
        own = which[predicted.rows]
        truth = np.asarray(objects.predictions.truth[own], dtype=np.float64)
        answers = Predictions.of_distributions(truth, predicted.columns["redshift"], predicted.distribution)
        rows.append(own)
        for name, parts in found.items():
            parts.append(getattr(answers, name))
    every = np.concatenate(rows)
    joined = (np.concatenate(parts) for parts in found.values())
    return Applied(every, Predictions(objects.predictions.truth[every], *joined))
