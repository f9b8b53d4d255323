"""Classes of galaxies: what an evaluation wrote, and what `predict/morphology` says of the same objects."""

from collections.abc import Iterator
from pathlib import Path

from components.common.scores import Floats
from components.promote.champion.answers import Answers, Applied, Rows
from components.promote.champion.classes import apply_by
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

    def answer() -> Iterator[tuple[Rows, Floats]]:
        for batch, which in find_objects(source, objects, "galaxies", needed(champion.features)):
            predicted = predict_table(batch, champion)
            yield which[predicted.rows], predicted.probability

    return apply_by(champion.classes, objects, answer)
