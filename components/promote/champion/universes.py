"""Parameters of universes: what `evaluate/posterior` wrote, and what a champion says of the same maps."""

from pathlib import Path

import numpy as np

from components.common.tables import read_settings, read_table
from components.evaluate.posterior.scores import Posterior
from components.promote.champion.answers import Answers, Applied, OtherQuestionError
from components.promote.champion.objects import find_objects

_VALUES = ("truth", "mean", "width", "reference")


def read_posteriors(results: Path) -> Answers:
    """Read the `predictions.parquet` of an evaluation: maps of suites and sets that were trained on."""
    table = read_table(results / "predictions.parquet", ["id", "phases", "trained_on", *_VALUES])
    answers = Answers(table["id"], table["phases"], Posterior(*(table[name] for name in _VALUES)))
    return answers[np.flatnonzero(table["trained_on"])]


def apply_moments(model: Path, source: Path, objects: Answers) -> Applied:
    """Predict the parameters of some maps of an ingested data set as `armillary predict` does.

    Parameters
    ----------
    model : Path
        Folder that a train stage wrote.
    source : Path
        Folder that the ingest stage wrote.
    objects : Answers
        Which maps, their true parameters, and what power spectra say: both are held against these.

    Raises
    ------
    OtherQuestionError
        When the data have none of the champion's fields.
    """
    from components.predict.maps.prediction import predict_maps
    from components.train.moment_network.inference import load_model  # imports torch

    champion = load_model(model)
    fields = [str(name) for name in read_settings(source / "dataset.parquet")["fields"]]
    shown = [name for name in champion.fields if name in fields]
    if not shown:
        raise OtherQuestionError(
            f"The champion looks at {', '.join(champion.fields)}, and the data have {', '.join(fields)} alone.",
            "Promote by hand: `armillary models promote`.",
        )
    rows, parts = [np.empty(0, dtype=np.intp)], [np.empty((0, 2, 6))]
    for batch, which in find_objects(source, objects, "maps", ["maps"]):
        given = {name: batch["maps"][:, fields.index(name)] for name in shown}
        moments = predict_maps(batch["id"], given, champion).moments
        rows.append(which)
        parts.append(np.stack([moments.mean, moments.width], axis=1))
    found, order = np.concatenate(parts), np.concatenate(rows)
    own = objects.predictions[order]
    return Applied(order, Posterior(own.truth, found[:, 0], found[:, 1], own.reference))
