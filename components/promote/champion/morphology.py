"""Classes of galaxies: what an evaluation wrote, and what `predict/morphology` says of the same objects."""

from pathlib import Path

import numpy as np

from components.common.errors import InputError
from components.common.scores_classification import ClassPredictions
from components.promote.champion.answers import Answers, Applied
from components.promote.champion.objects import find_objects


def apply_morphology(model: Path, source: Path, objects: Answers) -> Applied:
    """Tell the classes of some galaxies of an ingested data set as `armillary predict` does.

    Parameters
    ----------
    model : Path
        Folder that a train stage wrote.
    source : Path
        Folder that the ingest stage wrote.
    objects : Answers
        Which galaxies, and their true classes.
    """
    from components.predict.morphology.prediction import predict_table
    from components.preprocess.morphology_table.columns import needed
    from components.train.boosted_trees.inference import load_model

    champion = load_model(model, rivals=False)
    ours: ClassPredictions = objects.predictions
    if set(champion.classes) != set(ours.names):
        raise InputError(
            f"The champion knows the classes {', '.join(champion.classes)}, not {', '.join(ours.names)}.",
            "Promote the new model by hand: `armillary models promote`.",
        )
    order = [champion.classes.index(name) for name in ours.names]
    rows, parts = [np.empty(0, dtype=np.intp)], [np.empty((0, len(order)))]
    for batch, which in find_objects(source, objects, "galaxies", needed(champion.features)):
        predicted = predict_table(batch, champion)
        rows.append(which[predicted.rows])
        parts.append(predicted.probability[:, order])
    own = np.concatenate(rows)
    found = ClassPredictions(ours.truth[own], np.concatenate(parts), ours.positive, ours.names)
    return Applied(own, found)
