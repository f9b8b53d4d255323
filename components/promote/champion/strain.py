"""Classes of strain: what an evaluation wrote, and what a champion says of the same windows."""

from collections.abc import Iterator
from pathlib import Path

from components.common.scores import Floats
from components.preprocess.strain.whitening import Whitening
from components.promote.champion.answers import Answers, Applied, Rows
from components.promote.champion.classes import apply_by, read_answers
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
    whitening = Whitening.from_settings(network.preprocess_settings)

    def answer() -> Iterator[tuple[Rows, Floats]]:
        for batch, which in find_objects(source, objects, "windows", ["strain"]):
            yield which, network.predict(whitening.apply(batch["strain"]))

    return apply_by(network.classes, objects, answer)
