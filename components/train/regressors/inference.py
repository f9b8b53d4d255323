"""A trained regressor with all that it takes to apply it, in memory and as a folder."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file, save_file

from components.common.errors import InputError
from components.common.files import write_json
from components.common.tables import Columns
from components.train.model_folder import reading
from components.train.regressors.estimators import Estimator, Prediction, SklearnEstimator
from components.train.regressors.familiarity import Familiarity
from components.train.regressors.features import TARGETS, Floats, Spectra, describe, from_target, to_target
from components.train.regressors.principal_components import PrincipalComponents
from components.train.regressors.uncertainty import Uncertainty, crps_of_quantiles

KIND = "regressor"
COMPONENTS, FAMILIAR = "components.safetensors", "familiar.safetensors"

_TRUSTED = ("sklearn.tree._tree.Tree",)
"""What skops does not know to be harmless, and scikit-learn's forests are made of: arrays of nodes."""


@dataclass(frozen=True)
class Answer:
    """What a regressor says about one target of n spectra.

    Attributes
    ----------
    value, low68, high68 : ndarray, shape (n,)
        Point estimate and the ends of the central 68.27 % interval.
    pit, crps : ndarray or None
        Predicted probability below the truth, and continuous ranked probability score, where the truth is known.
    """

    value: Floats
    low68: Floats
    high68: Floats
    pit: Floats | None = None
    crps: Floats | None = None

    @property
    def sigma(self) -> Floats:
        """Half the width of the interval."""
        return np.asarray((self.high68 - self.low68) / 2)


@dataclass(frozen=True)
class RegressorModel:
    """A trained regressor.

    Attributes
    ----------
    estimator : Estimator
        What predicts.
    uncertainty : tuple of Uncertainty
        One for each of `targets`.
    projection : PrincipalComponents or None
        Where it sees principal components.
    familiarity : Familiarity
        What the spectra look like that it can judge.
    preprocess_settings : dict
        Settings that spectra must be prepared with.
    record : dict
        How it was trained: settings, tuning, scores on validation rows, times and memory.
    """

    estimator: Estimator
    uncertainty: tuple[Uncertainty, ...]
    projection: PrincipalComponents | None
    familiarity: Familiarity
    preprocess_settings: dict[str, Any]
    record: dict[str, Any]

    @property
    def targets(self) -> tuple[str, ...]:
        """What it predicts."""
        return tuple(self.record["settings"].get("targets") or TARGETS)  # of models before there were others

    @property
    def name(self) -> str:
        """Kind and features, such as "ridge on pca"."""
        return f"{self.record['settings']['model_kind']} on {self.record['settings']['features']}"

    def predict(self, columns: Columns, truth: Floats | None = None) -> dict[str, Answer]:
        """Predict from prepared spectra.

        Parameters
        ----------
        columns : dict of str to ndarray
            `features.COLUMNS`.
        truth : ndarray, shape (n, targets), optional
            Labels of `targets`, such as redshifts and magnitudes, to be compared with.

        Returns
        -------
        dict of str to Answer
            By name of the target.
        """
        spectra = describe(columns)
        pixels = self.record["pixels"]
        if spectra.pixels.shape[1] != pixels:
            raise InputError(
                f"The spectra have {spectra.pixels.shape[1]} pixels, but the model knows {pixels}.",
                "Prepare them with the model's own preprocess settings.",
            )
        found = self.estimator.predict(spectra)
        seen = clues(found, spectra)
        return {
            name: _answer(
                name,
                found.points[:, k],
                seen,
                self.uncertainty[k],
                spectra,
                None if truth is None else truth[:, k],
            )
            for k, name in enumerate(self.targets)
        }


def clues(found: Prediction, spectra: Spectra) -> Floats:
    """Return what the size of an error is guessed from, shape (n, k)."""
    return np.column_stack([spectra.quality, found.points, found.doubt])


def _answer(
    name: str, points: Floats, seen: Floats, uncertainty: Uncertainty, spectra: Spectra, truth: Floats | None
) -> Answer:
    def back(values: Floats) -> Floats:
        """Turn a target's own terms into redshift or magnitude."""
        brightness = spectra.brightness if values.ndim == 1 else spectra.brightness[:, None]
        return from_target(name, values, brightness)

    low, high = (back(end) for end in uncertainty.interval(points, seen))
    if truth is None:
        return Answer(back(points), low, high)
    own = to_target(name, truth, spectra.brightness)
    every = back(uncertainty.every_quantile(points, seen))
    return Answer(back(points), low, high, uncertainty.cdf(points, seen, own), crps_of_quantiles(every, truth))


def save_model(folder: Path, model: RegressorModel) -> None:
    """Write `model.json`, and `estimator.skops` or `weights.safetensors`, into a folder that is created."""
    import skops.io

    folder.mkdir(parents=True, exist_ok=True)
    stored: dict[str, Any] = {
        "kind": KIND,
        "target": model.targets[0],
        "targets": list(model.targets),
        "uncertainty": [entry.to_json() for entry in model.uncertainty],
        "preprocess": model.preprocess_settings,
        "training": model.record,
    }
    _save_projection(folder / FAMILIAR, model.familiarity.projection)
    stored["familiarity"] = model.familiarity.to_json()
    if model.projection is not None:
        _save_projection(folder / COMPONENTS, model.projection)
        stored["total_variance"] = model.projection.total_variance
    if isinstance(model.estimator, SklearnEstimator):
        own = model.estimator
        skops.io.dump(own.model, folder / "estimator.skops")
        stored["estimator"] = {
            "parameters": own.parameters,
            "centre": own.centre.tolist(),
            "spread": own.spread.tolist(),
        }
    else:
        from components.train.regressors.network_files import save_network

        stored["estimator"] = save_network(folder, model.estimator)
    write_json(folder / "model.json", stored)


def load_model(folder: Path) -> RegressorModel:
    """Read a model folder.

    Raises
    ------
    InputError
        When the folder is not a whole model of this kind.
    """
    with reading(folder, KIND) as stored:
        projection = None
        if "total_variance" in stored:
            projection = _load_projection(folder / COMPONENTS, stored["total_variance"])
        familiar = stored["familiarity"]
        known = _load_projection(folder / FAMILIAR, familiar["total_variance"])
        settings = stored["training"]["settings"]
        if settings["model_kind"] == "network":
            from components.train.regressors.network_files import load_network

            estimator: Estimator = load_network(folder, stored, projection)
        else:
            estimator = _load_sklearn(folder, stored, projection)
        uncertainty = tuple(Uncertainty.from_json(entry) for entry in stored["uncertainty"])
        familiarity = Familiarity(known, familiar["block"], familiar["limit"])
        return RegressorModel(
            estimator, uncertainty, projection, familiarity, stored["preprocess"], stored["training"]
        )


def _save_projection(path: Path, projection: PrincipalComponents) -> None:
    arrays = {name: getattr(projection, name) for name in ("mean", "axes", "variance")}
    save_file({name: np.ascontiguousarray(array) for name, array in arrays.items()}, path)


def _load_projection(path: Path, total_variance: float) -> PrincipalComponents:
    return PrincipalComponents(**load_file(path), total_variance=total_variance)


def _load_sklearn(
    folder: Path, stored: dict[str, Any], projection: PrincipalComponents | None
) -> SklearnEstimator:
    import skops.io

    file = folder / "estimator.skops"
    unknown = sorted(set(skops.io.get_untrusted_types(file=file)) - set(_TRUSTED))
    if unknown:
        raise InputError(f"{file} holds objects that are not scikit-learn's: {', '.join(unknown)}.", "")
    own, settings = stored["estimator"], stored["training"]["settings"]
    estimator = SklearnEstimator(settings["model_kind"], own["parameters"], projection, settings["seed"])
    estimator.model = skops.io.load(file, trusted=list(_TRUSTED))
    estimator.centre, estimator.spread = np.array(own["centre"]), np.array(own["spread"])
    return estimator
