"""Redshifts of pictures: what `evaluate/regression` wrote, and what `predict/cutouts` says of the same."""

from collections.abc import Iterator
from pathlib import Path

from components.common.scores import Predictions
from components.promote.champion.answers import Answers, Applied, Rows
from components.promote.champion.objects import find_objects
from components.promote.champion.redshifts import gather, read_answers, truths


def read_pictures(results: Path) -> Answers:
    """Read the `predictions.parquet` of an evaluation, whose galaxies were split by the column `group_id`."""
    return read_answers(results, "group_id")


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

    def answer() -> Iterator[tuple[Rows, Predictions]]:
        for batch, which in find_objects(source, objects, "pictures"):
            predicted = predict_table(batch, network)
            own = which[predicted.rows]
            truth = truths(objects, own)
            yield own, Predictions.of_distributions(truth, predicted.columns["redshift"], predicted.distribution)

    return gather(answer())
