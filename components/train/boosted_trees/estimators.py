"""The classifiers, all behind one face: features with gaps in, one score for each class out.

Trees send a missing value to the side where it did best in training. The others see the median of the training
rows in its place, and a mark that it was missing; both are learnt inside `fit`, so that a fold of the
cross-validation knows nothing of the rows that are held out.
"""

from collections.abc import Mapping
from typing import Any, Protocol, Self

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupShuffleSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from components.common.errors import ParameterError
from components.train.boosted_trees.rows import Floats, Indices, Rows, Singles
from components.train.boosted_trees.weighted_bins import quick_bins

KINDS = ("boosting", "forest", "logistic", "network")

CLASS_WEIGHTS = ("balanced", "none")

_SMALLEST_PROBABILITY = 1e-6
_HELD_BACK = 0.12
_PATIENCE = 15
_TREES = 100
_LEAVES = 1024
_SHARE = 0.6


class Estimator(Protocol):
    """What can be tuned, trained and asked."""

    parameters: dict[str, Any]
    """Those of `candidates` that it was made of."""

    history: list[dict[str, float]]
    """`epoch`, `train_loss` and `validation_loss`, where it learns in steps."""

    def fit(self, rows: Rows, classes: int) -> Self:
        """Learn to tell so many classes apart."""

    def scores(self, features: Singles) -> Floats:
        """Unnormalised logarithms of the probabilities, shape (n, classes)."""


def candidates(kind: str) -> list[dict[str, Any]]:
    """List the hyperparameters that are tried for a kind of classifier."""
    own: Mapping[str, list[dict[str, Any]]] = {
        "boosting": [
            {"learning_rate": rate, "max_leaf_nodes": leaves, "min_samples_leaf": smallest}
            for rate, leaves, smallest in ((0.1, 4, 20), (0.1, 8, 20), (0.06, 6, 20), (0.1, 24, 60))
        ],
        "forest": [{"min_samples_leaf": 5, "max_features": 0.3}, {"min_samples_leaf": 15, "max_features": 0.3}],
        "logistic": [{"C": 0.03}, {"C": 1.0}],
        "network": [{"hidden": 48}, {"hidden": 128}],
    }
    return own[kind]


def make_estimator(
    kind: str, parameters: Mapping[str, Any], class_weight: str, iterations: int, epochs: int, seed: int
) -> Estimator:
    """Make a classifier that has learnt nothing yet.

    Parameters
    ----------
    kind : {"boosting", "forest", "logistic", "network"}
        Which one.
    parameters : mapping
        One of `candidates`.
    class_weight : {"balanced", "none"}
        `balanced`: all classes weigh the same however many rows they have.
    iterations, epochs : int
        Rounds of boosting and passes of the network, at most.
    seed : int
        Draws rows, features and weights.
    """
    if kind not in KINDS:
        raise ParameterError(f"There is no kind of classifier {kind!r}.", f"Choose of {', '.join(KINDS)}.")
    if kind == "network":
        from components.train.boosted_trees.network import NetworkEstimator  # imports torch

        return NetworkEstimator(parameters, class_weight, epochs, seed)
    return SklearnEstimator(kind, parameters, class_weight, iterations, seed)


class SklearnEstimator:
    """A classifier of scikit-learn; parameters as of `make_estimator`."""

    def __init__(self, kind: str, parameters: Mapping[str, Any], class_weight: str, iterations: int, seed: int):
        self.kind, self.parameters, self.class_weight = kind, dict(parameters), class_weight
        self.iterations, self.seed = iterations, seed % 2**32
        self.classes = 0
        self.model: Any = None
        self.history: list[dict[str, float]] = []

    def fit(self, rows: Rows, classes: int) -> Self:
        """Learn to tell so many classes apart."""
        self.classes = classes
        weights = class_weights(rows.truth, classes, self.class_weight)[rows.truth]
        if self.kind == "boosting":
            with quick_bins():
                self._boost(rows, weights)
        elif self.kind == "forest":
            self.model = RandomForestClassifier(
                _TREES,
                max_leaf_nodes=_LEAVES,
                max_samples=_SHARE,
                random_state=self.seed,
                n_jobs=-1,
                **self.parameters,
            ).fit(rows.features, rows.truth, weights)
            # Threads add up the trees in the order in which they finish: the last digit would depend on it.
            self.model.set_params(n_jobs=1)
        else:
            self.model = make_pipeline(
                SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True),
                StandardScaler(),
                LogisticRegression(solver="newton-cholesky", max_iter=200, **self.parameters),
            ).fit(rows.features, rows.truth, logisticregression__sample_weight=weights)
        return self

    def scores(self, features: Singles) -> Floats:
        """Unnormalised logarithms of the probabilities, shape (n, classes)."""
        if self.kind != "forest":
            found = np.asarray(self.model.decision_function(features), dtype=np.float64)
            if found.ndim == 1:  # of two classes scikit-learn tells the difference alone
                found = np.stack([-found / 2, found / 2], axis=1)
        else:
            found = np.log(np.maximum(self.model.predict_proba(features), _SMALLEST_PROBABILITY))
        every = np.full((len(found), self.classes), found.min(axis=1, initial=0.0)[:, None] - 10.0)
        every[:, self.model.classes_] = found  # a fold may lack a class
        return every

    def _boost(self, rows: Rows, weights: Floats) -> None:
        """Boost until rows that are held back gain no more, then as many rounds on all rows."""
        learn, held = hold_back(rows, self.seed)
        trial = self._booster(self.iterations, early_stopping=True, n_iter_no_change=_PATIENCE).fit(
            rows.features[learn],
            rows.truth[learn],
            weights[learn],
            X_val=rows.features[held],
            y_val=rows.truth[held],
            sample_weight_val=weights[held],
        )
        losses = zip(-trial.train_score_[1:], -trial.validation_score_[1:], strict=True)
        self.history = [
            {"round": step + 1, "train_loss": float(learnt), "validation_loss": float(kept)}
            for step, (learnt, kept) in enumerate(losses)
        ]
        rounds = int(np.argmin([step["validation_loss"] for step in self.history])) + 1
        self.model = self._booster(rounds, early_stopping=False).fit(rows.features, rows.truth, weights)

    def _booster(self, rounds: int, **options: Any) -> HistGradientBoostingClassifier:
        return HistGradientBoostingClassifier(
            max_iter=rounds, l2_regularization=1.0, random_state=self.seed, **options, **self.parameters
        )


def class_weights(truth: Indices, classes: int, class_weight: str) -> Floats:
    """Weight of a row of each class, shape (classes,), such that their mean over the rows is one."""
    if class_weight == "none":
        return np.ones(classes)
    counts = np.bincount(truth, minlength=classes)
    present = max(1, int((counts > 0).sum()))
    return np.asarray(len(truth) / (present * np.maximum(counts, 1)))


def hold_back(rows: Rows, seed: int) -> tuple[Indices, Indices]:
    """Divide rows, by group, into those to learn from and those that say when to stop.

    Every class stays among the rows that are learnt from and, of two and more groups, among those held back.
    """
    cutting = GroupShuffleSplit(8, test_size=_HELD_BACK, random_state=seed % 2**32)
    wanted = np.unique(rows.truth).size
    best, most = None, -1
    for learn, held in cutting.split(rows.features, groups=rows.groups):
        known, kept = (np.unique(rows.truth[part]).size for part in (learn, held))
        if known == wanted and kept > most:
            best, most = (learn, held), kept
        if most == wanted:
            break
    if best is None:  # a class of one group: stop by the rows that are learnt from
        every = np.arange(len(rows))
        return every, every
    # Scores of a class that is never held back would not be defined: such rows are left out of neither part.
    absent = np.isin(rows.truth, np.setdiff1d(rows.truth, rows.truth[best[1]]))
    return best[0], np.sort(np.concatenate([best[1], np.flatnonzero(absent)]))
