"""What stands beside the classifier of galaxies: the majority, three questions, the others, and the bound."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.tree import DecisionTreeClassifier

from components.common.scores import Floats
from components.common.scores_classification import majority
from components.common.tables import Columns, read_settings, read_table
from components.evaluate.classification.morphology_ceiling import BAYES
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

TRUTH, POSTERIOR = "truth.parquet", "sim_posterior"
"""Table beside the data set, and its column of probabilities, in the order of the classes that it names."""

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
        self._truth, self._posterior = _read_truth(table, model.classes)
        self._others: Mapping[str, Any] = {}
        if isinstance(model, BoostedTreesModel):
            self._others = {kind: of for kind, of in model.contenders.items() if kind != model.name}

    @property
    def labels(self) -> Mapping[str, str]:
        """Names for a reader."""
        own = {"majority": "class frequencies", "questions": "three questions"}
        bound = {BAYES: "the Bayes rule"} if self._truth is not None else {}
        return own | {kind: NAMES[kind] for kind in self._others} | bound

    def predict(self, rows: Columns) -> dict[str, Floats]:
        """Probabilities of shape (n, classes) by method."""
        features = stack(rows, self.features)
        questions = np.zeros((len(features), len(self.classes)))
        questions[:, self._tree.classes_] = self._tree.predict_proba(features)
        found = {
            "majority": majority(self.truth, len(self.classes), len(features)),
            "questions": questions,
            **{kind: contender.predict(features) for kind, contender in self._others.items()},
        }
        if self._truth is not None:
            known = self._truth.get_indexer(pd.Index(rows["id"]))
            if (known >= 0).all():  # of galaxies from outside nobody knows the rule
                found[BAYES] = self._posterior[known]
        return found


def _read_truth(table: Path, classes: Sequence[str]) -> tuple[pd.Index | None, Floats]:
    """Read what the simulator knows, where there was one: ids, and probabilities in the order of `classes`."""
    path = table.parent / TRUTH
    if not path.is_file():
        return None, np.zeros((0, len(classes)))
    truth, order = read_table(path, ["id", POSTERIOR]), list(read_settings(path)["classes"])
    return pd.Index(truth["id"]), truth[POSTERIOR][:, [order.index(name) for name in classes]]
