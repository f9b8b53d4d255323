"""What stands beside the classifier of galaxies: the majority, three cuts, and those it was chosen from."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.tree import DecisionTreeClassifier

from components.common.scores import Floats
from components.common.scores_classification import majority
from components.common.tables import Columns
from components.evaluate.classification.outcome import Model
from components.train.boosted_trees.inference import BoostedTreesModel
from components.train.boosted_trees.rows import read_plan, read_rows, stack

NAMES = {
    "boosting": "boosted trees",
    "forest": "random forest",
    "logistic": "logistic regression",
    "network": "small network",
}
"""Classifiers for a reader."""

_MOST_ROWS = 50_000
_QUESTIONS = 3
_SMALLEST_LEAF = 0.005


class MorphologyBaselines:
    """Simpler methods fitted to training rows, and the classifiers that were not chosen, as they were trained.

    Parameters
    ----------
    table : Path
        A preprocessed data set.
    model : Model
        With what it was chosen from, if anything.
    seed : int
        Of the draw of the rows.
    """

    def __init__(self, table: Path, model: Model, seed: int):
        plan = read_plan(table)
        rows = read_rows(table, plan, "train", _MOST_ROWS, seed)
        self.features, self.classes = plan.features, model.classes
        order = [plan.classes.index(name) for name in model.classes]
        self.truth = np.argsort(order)[rows.truth]
        smallest = max(1, round(_SMALLEST_LEAF * len(rows)))
        self._tree = DecisionTreeClassifier(max_depth=_QUESTIONS, min_samples_leaf=smallest, random_state=0)
        self._tree.fit(rows.features, self.truth)
        self._others: Mapping[str, Any] = {}
        if isinstance(model, BoostedTreesModel):
            self._others = {kind: of for kind, of in model.contenders.items() if kind != model.name}

    @property
    def labels(self) -> Mapping[str, str]:
        """Names for a reader."""
        own = {"majority": "class frequencies", "questions": "three questions"}
        return own | {kind: NAMES[kind] for kind in self._others}

    def predict(self, rows: Columns) -> dict[str, Floats]:
        """Probabilities of shape (n, classes) by method."""
        features = stack(rows, self.features)
        questions = np.zeros((len(features), len(self.classes)))
        questions[:, self._tree.classes_] = self._tree.predict_proba(features)
        return {
            "majority": majority(self.truth, len(self.classes), len(features)),
            "questions": questions,
            **{kind: contender.predict(features) for kind, contender in self._others.items()},
        }
