"""Real galaxies from a folder, on which a classifier of galaxies is validated."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from components.common.errors import InputError
from components.common.provenance import Provenance
from components.common.rejections import Rejections
from components.common.tables import Columns, read_table
from components.evaluate.classification.kinds import External
from components.evaluate.classification.outcome import LABEL, Baselines, Model, predict_batches
from components.ingest.galaxy_zoo.files_source import read_whole
from components.ingest.galaxy_zoo_folder.folder import look_over
from components.physics.gz2_classes import is_valid, parse, simplify
from components.predict.morphology.prediction import predict_table
from components.preprocess.morphology_table.labels import agreement
from components.train.boosted_trees.inference import BoostedTreesModel

UNKNOWN, OTHER, LEARNT = "unknown class string", "other class", "learnt from"


def validate(
    carried: Sequence[str], group: str, dataset: Path, folder: Path, model: Model, baselines: Baselines
) -> External:
    """Predict for the galaxies of a folder that are of the model's classes.

    Galaxies that it was trained or tuned on are left out: one survey's tables share most of theirs.

    Parameters
    ----------
    carried : sequence of str
        Columns of the predictions; those that the tables lack are missing.
    group : str
        Column that says which rows are of one object.
    dataset, folder, model, baselines
        As `Kind.external` takes them.
    """
    assert isinstance(model, BoostedTreesModel)
    rejections, parts, notes = Rejections(), [], []
    known = read_table(dataset, ["id", "split"])
    learnt = known["id"][known["split"] != "test"].astype(np.str_)
    for stream in look_over(str(folder)):
        table = read_whole(stream.path, ("dr7objid", "gz2_class"))
        table, labels = _labelled(table, model, learnt, rejections)
        if not len(labels):
            continue
        predicted = predict_table(table, model, stream.path.name)
        for row in predicted.rejected:
            rejections.add(*row)
        rows = {name: np.asarray(values)[predicted.rows] for name, values in table.items()}
        rows |= {name: predicted.features[:, k] for k, name in enumerate(model.features)}
        rows |= {"id": predicted.columns["id"], group: predicted.columns["id"], LABEL: labels[predicted.rows]}
        rows |= {"agreement": agreement(rows, model.preprocess_settings["level"])}
        nothing = np.full(len(predicted.rows), np.nan, dtype=np.float32)
        parts.append({name: rows.get(name, nothing) for name in dict.fromkeys([*carried, LABEL])})
        notes += [str(text) for text in predicted.columns["warnings"]]
    if not notes:
        raise InputError(
            f"None of the galaxies in {folder} can be used: {rejections.in_words}.",
            f"Give tables with the features of the model, such as {', '.join(model.features[:3])}, and gz2_class.",
        )
    outcome = predict_batches(parts, model, baselines, model.features, carried, model.classes[0])
    provenance = Provenance(
        origin="real",
        archive=f"folder {folder}",
        query=f"galaxies of the classes {', '.join(model.classes)}",
        requested=len(outcome) + len(rejections),
        received=len(outcome),
        rejected=rejections.counts,
    )
    return External(outcome, rejections, provenance, tuple(notes))


def _labelled(
    table: Columns, model: BoostedTreesModel, learnt: np.ndarray, rejections: Rejections
) -> tuple[Columns, np.ndarray]:
    """Keep the galaxies that are of a class of the model and were not learnt from, and return their labels."""
    names = table["dr7objid"].astype(np.str_).astype(object)
    valid = np.array([is_valid(text) for text in table["gz2_class"].tolist()], dtype=bool)
    labels = np.full(len(names), "", dtype=object)
    labels[valid] = simplify(parse(table["gz2_class"][valid]), model.preprocess_settings["level"])
    known = np.isin(labels.astype(np.str_), model.classes)
    rejections.add_many(names[~valid], UNKNOWN, "gz2_class is not in the grammar of Galaxy Zoo 2")
    rejections.add_many(names[valid & ~known], OTHER, f"it is none of {', '.join(model.classes)}")
    seen = known & np.isin(names.astype(np.str_), learnt)
    rejections.add_many(names[seen], LEARNT, "the model was trained or tuned on this galaxy")
    known &= ~seen
    return {name: values[known] for name, values in table.items()}, labels[known]
