"""Classes of strain: what an evaluation wrote, and what a champion says of the same windows."""

from pathlib import Path

import numpy as np

from components.common.errors import InputError
from components.common.scores_classification import ClassPredictions
from components.preprocess.strain.whitening import Whitening
from components.promote.champion.answers import Answers, Applied
from components.promote.champion.classes import read_answers
from components.promote.champion.objects import find_objects


def read_strain(results: Path) -> Answers:
    """Read the `predictions.parquet` of an evaluation."""
    return read_answers(results, "group_id")


def apply_strain(model: Path, source: Path, objects: Answers) -> Applied:
    """Whiten some windows of an ingested data set by the model's own noise, and tell their classes.

    Parameters
    ----------
    model : Path
        Folder that a train stage wrote.
    source : Path
        Folder that the ingest stage wrote.
    objects : Answers
        Which windows, and their true classes.
    """
    from components.train.conv1d.inference import load_model  # imports torch

    network = load_model(model)
    ours: ClassPredictions = objects.predictions
    if set(network.classes) != set(ours.names):
        raise InputError(
            f"The champion knows the classes {', '.join(network.classes)}, not {', '.join(ours.names)}.",
            "Promote the new model by hand: `armillary models promote`.",
        )
    order = [network.classes.index(name) for name in ours.names]
    whitening = Whitening.from_settings(network.preprocess_settings)
    rows, parts = [np.empty(0, dtype=np.intp)], [np.empty((0, len(order)))]
    for batch, which in find_objects(source, objects, "windows", ["strain"]):
        rows.append(which)
        parts.append(network.predict(whitening.apply(batch["strain"]))[:, order])
    own = np.concatenate(rows)
    found = ClassPredictions(ours.truth[own], np.concatenate(parts), ours.positive, ours.names)
    return Applied(own, found)
