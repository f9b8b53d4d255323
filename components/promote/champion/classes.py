"""Classes of spectra: what an evaluation wrote, and what `predict/classes` says of the same objects."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from components.common.files import read_json
from components.common.scores import Floats
from components.common.scores_classification import ClassPredictions
from components.common.tables import read_table
from components.promote.champion.answers import Answers, Applied, OtherQuestionError, Rows
from components.promote.champion.objects import find_objects


def read_classes(results: Path) -> Answers:
    """Read the `predictions.parquet` of an evaluation of spectra."""
    return read_answers(results, "object_id")


def read_answers(results: Path, group: str) -> Answers:
    """Read the `predictions.parquet` of an evaluation, whose objects were split by the column `group`."""
    metrics = read_json(results / "metrics.json")
    classes = tuple(metrics["classes"])
    columns = [f"probability_{name}" for name in classes]
    table = read_table(results / "predictions.parquet", ["id", group, "truth", *columns])
    truth = pd.Index(classes).get_indexer(pd.Index(table["truth"])).astype(np.int64)
    probability = np.stack([table[name] for name in columns], axis=1)
    predictions = ClassPredictions(truth, probability, classes.index(metrics["positive"]), classes)
    return Answers(table["id"], table[group], predictions)


def apply_classes(model: Path, source: Path, objects: Answers) -> Applied:
    """Tell the classes of some objects of an ingested data set as `armillary predict` does.

    Parameters
    ----------
    model : Path
        Folder that a train stage wrote.
    source : Path
        Folder that the ingest stage wrote.
    objects : Answers
        Which spectra, and their true classes.
    """
    from components.predict.classes.prediction import predict_table
    from components.train.conv1d.inference import load_model  # imports torch

    network = load_model(model)

    def answer() -> Iterator[tuple[Rows, Floats]]:
        for batch, which in find_objects(source, objects, "spectra"):
            predicted = predict_table(batch, network)
            yield which[predicted.ready.rows], predicted.probability

    return apply_by(network.classes, objects, answer)


def apply_by(
    classes: Sequence[str], objects: Answers, answer: Callable[[], Iterable[tuple[Rows, Floats]]]
) -> Applied:
    """Gather what a model of classes says of some objects.

    Parameters
    ----------
    classes : sequence of str
        Those that it knows, in its order.
    objects : Answers
        Which objects, and their true classes.
    answer : callable
        Gives, batch by batch, which objects these are, and the probabilities of the classes.

    Raises
    ------
    OtherQuestionError
        Before anything is read, when the model knows other classes.
    """
    ours: ClassPredictions = objects.predictions
    if set(classes) != set(ours.names):
        raise OtherQuestionError(
            f"The champion knows the classes {', '.join(classes)}, not {', '.join(ours.names)}.",
            "Promote the new model by hand: `armillary models promote`.",
        )
    order = [classes.index(name) for name in ours.names]
    rows, parts = [np.empty(0, dtype=np.intp)], [np.empty((0, len(order)))]
    for which, probability in answer():
        rows.append(which)
        parts.append(probability[:, order])
    own = np.concatenate(rows)
    found = ClassPredictions(ours.truth[own], np.concatenate(parts), ours.positive, ours.names)
    return Applied(own, found)
