"""The regressors of scikit-learn, all behind one face, on pixels or on principal components."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, Self

import numpy as np
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.multioutput import MultiOutputRegressor
from sklearn.svm import SVR

from components.train.regressors.features import Floats, Singles, Spectra
from components.train.regressors.principal_components import PrincipalComponents

COMPONENT_COUNTS = (5, 10, 25, 50, 100)
"""Numbers of principal components that are tried."""

KERNEL_ROWS = 3000
"""Most rows that a support vector regression learns from: its cost grows with the square of them."""

_TREES = 60


@dataclass(frozen=True)
class Prediction:
    """What an estimator says about n spectra, in the terms of `features.to_targets`.

    Attributes
    ----------
    points : ndarray, shape (n, targets)
        Such as ln(1 + z) and relative magnitude.
    doubt : ndarray, shape (n, d)
        Clues of the estimator's own to how wrong it may be; d may be 0.
    """

    points: Floats
    doubt: Floats


class Estimator(Protocol):
    """What can be tuned, trained and asked."""

    def fit(self, spectra: Spectra, targets: Floats, held_out: tuple[Spectra, Floats]) -> Self:
        """Learn from spectra; `held_out` may choose when to stop, and is never learnt from."""

    def predict(self, spectra: Spectra) -> Prediction:
        """Predict."""


def candidates(kind: str, of_components: bool) -> list[dict[str, Any]]:
    """List the hyperparameters that are tried for a kind of regressor."""
    own: Mapping[str, list[dict[str, Any]]] = {
        "linear": [{}],
        "ridge": [{"alpha": alpha} for alpha in (1.0, 10.0, 100.0, 1000.0)],
        "forest": [{"max_features": share} for share in ((0.33,) if of_components else (0.05, 0.15))],
        # A wide kernel goes with a weak penalty of errors: the other two pairs were never chosen.
        "svr": [{"gamma": 0.3, "C": 30.0 if of_components else 3.0}, {"gamma": 1.0, "C": 3.0}],
        "network": [{"hidden": hidden} for hidden in ((512,) if of_components else (256, 512))],
    }
    counts = [{"components": count} for count in COMPONENT_COUNTS] if of_components else [{}]
    return [{**count, **parameters} for count in counts for parameters in own[kind]]


def features(spectra: Spectra, projection: PrincipalComponents | None, components: int) -> Singles:
    """Return what scikit-learn is given: pixels, or the first principal components on a common scale."""
    if projection is None:
        return spectra.pixels
    # One scale for all components: whitened, the noise of the last would weigh as much as the signal of the first.
    return np.asarray(projection.project(spectra.pixels)[:, :components] / np.sqrt(projection.variance[0]))


class SklearnEstimator:
    """A regressor of scikit-learn.

    Parameters
    ----------
    kind : {"linear", "ridge", "forest", "svr"}
        Which one.
    parameters : mapping
        One of `candidates`.
    projection : PrincipalComponents or None
        What the pixels are projected on.
    seed : int
        Of the forest, and of the rows that a support vector regression sees.
    """

    def __init__(
        self, kind: str, parameters: Mapping[str, Any], projection: PrincipalComponents | None, seed: int
    ):
        self.kind, self.parameters, self.projection, self.seed = kind, dict(parameters), projection, seed
        self.model: Any = None
        self.centre, self.spread = np.zeros(2), np.ones(2)

    def fit(self, spectra: Spectra, targets: Floats, held_out: tuple[Spectra, Floats]) -> Self:
        """Learn from spectra."""
        del held_out  # nothing here is stopped early
        rows = np.arange(len(spectra))
        if self.kind == "svr" and rows.size > KERNEL_ROWS:
            rows = np.random.default_rng(self.seed).choice(rows, KERNEL_ROWS, replace=False)
        self.centre, self.spread = targets.mean(axis=0), targets.std(axis=0) + 1e-12
        inputs = self._inputs(spectra[rows])
        wanted = (targets[rows] - self.centre) / self.spread
        self.model = self._make(inputs).fit(inputs, wanted[:, 0] if self._is_alone(wanted) else wanted)
        if self.kind == "forest":
            # Threads add up the trees in the order in which they finish: the last digit would depend on it.
            self.model.set_params(n_jobs=1)
        return self

    def predict(self, spectra: Spectra) -> Prediction:
        """Predict, with the spread between the trees of a forest as its doubt."""
        inputs = self._inputs(spectra)
        found = np.asarray(self.model.predict(inputs), dtype=np.float64).reshape(len(inputs), -1)
        points = found * self.spread + self.centre
        doubt = np.zeros((len(spectra), 0))
        if self.kind == "forest":
            trees = np.stack([tree.predict(inputs) for tree in self.model.estimators_[::3]])
            doubt = np.log(trees.std(axis=0) + 1e-6).reshape(len(inputs), -1)
        return Prediction(points, doubt)

    def _is_alone(self, wanted: Floats) -> bool:
        """Whether there is one target and the regressor takes it as a vector."""
        return wanted.shape[1] == 1 and self.kind == "forest"

    def _inputs(self, spectra: Spectra) -> Singles:
        return features(spectra, self.projection, int(self.parameters.get("components", 0)))

    def _make(self, inputs: Singles) -> Any:
        own = {name: value for name, value in self.parameters.items() if name != "components"}
        if self.kind == "linear":
            return LinearRegression()
        if self.kind == "ridge":
            return Ridge(**own)
        if self.kind == "forest":
            return RandomForestRegressor(
                _TREES, min_samples_leaf=2, max_samples=0.7, n_jobs=-1, random_state=self.seed, **own
            )
        own["gamma"] /= float(inputs.var(axis=0).sum()) + 1e-12  # relative to the typical distance of two spectra
        return MultiOutputRegressor(SVR(epsilon=0.02, cache_size=500, **own))
