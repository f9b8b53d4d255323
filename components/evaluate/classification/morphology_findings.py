"""What is found of a classifier of galaxies besides its scores: what it rests on, and how the classes differ."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.common.errors import InputError
from components.common.files import read_json
from components.evaluate.classification.explanation import Explanation, explain
from components.evaluate.classification.outcome import Model, Outcome
from components.train.boosted_trees.inference import EXPLAINED, BoostedTreesModel
from components.train.boosted_trees.rows import stack

COLUMNS = "columns.json"


@dataclass(frozen=True)
class Findings:
    """What `add_sections` draws.

    Attributes
    ----------
    explanation : Explanation
        Of the boosted trees.
    record : mapping
        How the classifiers were trained.
    settings : mapping
        Of the table.
    columns : sequence of mapping
        What preprocess decided about each column: `name`, `kept`, `reason` and `missing`; may be empty.
    """

    explanation: Explanation
    record: Mapping[str, Any]
    settings: Mapping[str, Any]
    columns: Sequence[Mapping[str, Any]]


def examine(dataset: Path, model: Model, outcome: Outcome, settings: Mapping[str, Any]) -> Findings:
    """Explain the boosted trees on the test objects, whether they were chosen or not."""
    if not isinstance(model, BoostedTreesModel) or EXPLAINED not in model.contenders:
        raise InputError("There are no boosted trees to explain.", "Train with boosting among the kinds.")
    values = stack(outcome.columns, model.features)
    contender = model.contenders[EXPLAINED]
    groups = settings.get("groups", {})
    found = explain(contender, model.features, model.classes, groups, values, outcome.truth)
    path = dataset / COLUMNS
    columns = read_json(path)["columns"] if path.is_file() else []
    return Findings(found, model.record, settings, columns)
