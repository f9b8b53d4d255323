"""Trained classifiers with all that it takes to apply them, in memory and as a folder."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from components.common.errors import InputError
from components.common.files import write_json
from components.train.boosted_trees.calibration import Calibration
from components.train.boosted_trees.estimators import Estimator, SklearnEstimator, make_estimator
from components.train.boosted_trees.rows import Floats, Singles
from components.train.model_folder import reading

KIND, DATA = "boosted_trees", "morphology"
EXPLAINED = "boosting"
"""The kind whose answers are divided among the features."""

_TRUSTED = (
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.tree._tree.Tree",
    "numpy.dtype",
)
"""What skops does not know to be harmless, and trees and imputers are made of: arrays of nodes and their type."""


@dataclass(frozen=True)
class Contender:
    """A trained classifier and what makes its scores probabilities."""

    kind: str
    estimator: Estimator
    calibration: Calibration

    def predict(self, features: Singles) -> Floats:
        """Probabilities of shape (n, classes)."""
        if not len(features):
            return np.zeros((0, len(self.calibration.offsets)))
        return np.asarray(np.exp(self.calibration.logarithms(self.estimator.scores(features))))


@dataclass(frozen=True)
class BoostedTreesModel:
    """The classifier that was chosen, and those that it was chosen from.

    Attributes
    ----------
    contenders : mapping of str to Contender
        By kind.
    features, classes : tuple of str
        Names of the columns that it is given, in this order, and of the classes.
    preprocess_settings : dict
        How the features were made.
    record : dict
        How it was trained: settings, tuning, scores on validation rows, times.
    """

    contenders: Mapping[str, Contender]
    features: tuple[str, ...]
    classes: tuple[str, ...]
    preprocess_settings: dict[str, Any]
    record: dict[str, Any]

    @property
    def chosen(self) -> Contender:
        """The one that predicts."""
        return self.contenders[self.record["chosen"]]

    @property
    def name(self) -> str:
        """Kind of the one that predicts."""
        return self.chosen.kind

    def predict(self, *data: npt.NDArray[Any]) -> Floats:
        """Predict the probabilities of the classes.

        Parameters
        ----------
        *data : ndarray
            The features as one array of shape (n, features), or each as one of shape (n,), in their order; NaN
            where a value is missing.

        Returns
        -------
        ndarray, shape (n, classes)
        """
        features = np.column_stack([np.asarray(values, dtype=np.float32) for values in data])
        if features.shape[1] != len(self.features):
            raise InputError(
                f"There are {features.shape[1]} features, but the model knows {len(self.features)}: "
                f"{', '.join(self.features)}.",
                "Prepare the table with the model's own preprocess settings.",
            )
        return self.chosen.predict(np.where(np.isfinite(features), features, np.float32(np.nan)))


def save_model(folder: Path, model: BoostedTreesModel) -> None:
    """Write `model.json`, `history.json`, and each classifier, into a folder that is created."""
    import skops.io

    folder.mkdir(parents=True, exist_ok=True)
    stored: dict[str, Any] = {}
    for kind, contender in model.contenders.items():
        estimator = contender.estimator
        if isinstance(estimator, SklearnEstimator):
            skops.io.dump(estimator.model, folder / f"{kind}.skops")
        else:
            _save_network(folder / f"{kind}.safetensors", estimator)
        stored[kind] = {"parameters": estimator.parameters, "calibration": contender.calibration.to_json()}
    write_json(folder / "history.json", model.chosen.estimator.history)
    write_json(
        folder / "model.json",
        {
            "kind": KIND,
            "target": "label",
            "data": DATA,
            "features": list(model.features),
            "classes": list(model.classes),
            "contenders": stored,
            "preprocess": model.preprocess_settings,
            "training": model.record,
        },
    )


def load_model(folder: Path, rivals: bool = True) -> BoostedTreesModel:
    """Read a model folder.

    Parameters
    ----------
    folder : Path
        What a training wrote.
    rivals : bool
        Read those that were not chosen, too. Without them there is what predicts, and the trees that explain.

    Raises
    ------
    InputError
        When the folder is not a whole model of this kind.
    """
    with reading(folder, KIND) as stored:
        features, classes = tuple(stored["features"]), tuple(stored["classes"])
        contenders = {
            kind: Contender(
                kind,
                _load_estimator(folder, kind, own, stored, (len(features), len(classes))),
                Calibration.from_json(own["calibration"]),
            )
            for kind, own in stored["contenders"].items()
            if rivals or kind in (stored["training"]["chosen"], EXPLAINED)
        }
        model = BoostedTreesModel(contenders, features, classes, stored["preprocess"], stored["training"])
        if model.record["chosen"] not in contenders:
            raise InputError(f"It lacks the classifier {model.record['chosen']!r} that was chosen.", "")
        return model


def _save_network(path: Path, estimator: Any) -> None:
    from safetensors.torch import save_file

    weights = estimator.network.state_dict()
    save_file({name: value.detach().cpu().contiguous() for name, value in weights.items()}, path)


def _load_estimator(
    folder: Path, kind: str, own: Mapping[str, Any], stored: Mapping[str, Any], shape: tuple[int, int]
) -> Estimator:
    settings = stored["training"]["settings"]
    estimator = make_estimator(
        kind,
        own["parameters"],
        settings["class_weight"],
        settings["iterations"],
        settings["epochs"],
        settings["seed"],
    )
    if not isinstance(estimator, SklearnEstimator):
        _load_network(folder / f"{kind}.safetensors", estimator, shape)
        return estimator
    import skops.io

    file = folder / f"{kind}.skops"
    if unknown := sorted(set(skops.io.get_untrusted_types(file=file)) - set(_TRUSTED)):
        raise InputError(f"{file} holds objects that are not scikit-learn's: {', '.join(unknown)}.", "")
    estimator.model = skops.io.load(file, trusted=list(_TRUSTED))
    estimator.classes = shape[1]
    return estimator


def _load_network(path: Path, estimator: Any, shape: tuple[int, int]) -> None:
    from safetensors.torch import load_file

    estimator.network = estimator.build(*shape)
    estimator.network.load_state_dict(load_file(path))
