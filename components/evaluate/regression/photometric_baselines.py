"""What a practitioner would try before a network of pictures: trees and a small network on the magnitudes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestRegressor
from sklearn.impute import SimpleImputer
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, RobustScaler

from components.common.errors import InputError
from components.common.scores import Floats
from components.common.tables import Columns, read_table
from components.train.image_cnn.side_inputs import MAGNITUDES

FOREST, BOOSTING, NETWORK = "random_forest", "gradient_boosting", "magnitude_network"
PLAIN_FOREST = "random_forest_without_colours"

TRAINING_ROWS = 50_000
"""Most training rows that they see, drawn at random; with more the forest improves slowly."""

_TREES = 200
_LARGEST = 8.0
"""Scaled numbers beyond are cut off: far from all training rows, a network would answer anything."""

_EPOCHS = 100
_ENOUGH_TO_STOP_EARLY = 200


class PhotometricBaselines:
    """Regressions of ln(1 + z) on the magnitudes and colours of the training rows.

    Colours as well as magnitudes: trees cut along one number at a time, and find differences badly by themselves.
    Without them the forest's NMAD on simulated pictures is a fifth larger, which would flatter the model; such a
    forest is there as well, for whoever tried that one.

    Parameters
    ----------
    table : Path
        A preprocessed data set of pictures with magnitudes.
    seed : int
        Of the draw and of the methods.
    """

    def __init__(self, table: Path, seed: int):
        rows = read_table(table, [*MAGNITUDES, "redshift"], "train")
        self._truth = rows["redshift"].astype(np.float64)
        if not self._truth.size:
            raise InputError(
                f"{table} has no training row, so there is nothing to fit the baselines to.",
                "Preprocess with smaller fractions for validation and test.",
            )
        chosen = np.random.default_rng(seed % 2**64).permutation(self._truth.size)[:TRAINING_ROWS]
        shown, target = numbers(rows)[chosen], np.log1p(self._truth[chosen])
        self._methods: dict[str, Any] = {
            FOREST: _forest(seed),
            PLAIN_FOREST: _forest(seed),
            BOOSTING: HistGradientBoostingRegressor(
                learning_rate=0.06, max_iter=200, max_leaf_nodes=15, random_state=seed % 2**32
            ),
            NETWORK: make_pipeline(
                SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True),
                RobustScaler(quantile_range=(16, 84)),
                FunctionTransformer(np.clip, kw_args={"a_min": -_LARGEST, "a_max": _LARGEST}),
                MLPRegressor(
                    hidden_layer_sizes=(64, 64),
                    early_stopping=len(chosen) > _ENOUGH_TO_STOP_EARLY,
                    max_iter=_EPOCHS,
                    random_state=seed % 2**32,
                ),
            ),
        }
        # Around 0 and of unit scatter, as the network's first weights expect.
        self._centre, self._scale = float(target.mean()), float(target.std()) or 1.0
        for name, method in self._methods.items():
            method.fit(_given(name, shown), (target - self._centre) / self._scale)
        # Threads add up the trees in the order in which they finish: the last digit would depend on it.
        for name in (FOREST, PLAIN_FOREST):
            self._methods[name].set_params(n_jobs=1)

    @property
    def labels(self) -> Mapping[str, str]:
        """Names for a reader."""
        return {
            FOREST: "random forest",
            PLAIN_FOREST: "forest without colours",
            BOOSTING: "gradient boosting",
            NETWORK: "small network",
        }

    @property
    def training_truth(self) -> Floats:
        """Redshifts of all training rows."""
        return self._truth

    def predict(self, rows: Columns) -> dict[str, Floats]:
        """Redshifts of shape (n,) by method."""
        shown = numbers(rows)
        return {
            name: np.expm1(self._centre + self._scale * method.predict(_given(name, shown)))
            for name, method in self._methods.items()
        }


def _forest(seed: int) -> RandomForestRegressor:
    return RandomForestRegressor(
        _TREES, min_samples_leaf=2, max_features=0.5, n_jobs=-1, random_state=seed % 2**32
    )


def _given(name: str, shown: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return what a method is shown of `numbers`."""
    return shown[:, : len(MAGNITUDES)] if name == PLAIN_FOREST else shown


def numbers(rows: Columns) -> npt.NDArray[np.float64]:
    """Magnitudes and colours, shape (n, 9), NaN where missing."""
    m = np.stack([np.asarray(rows[name], dtype=np.float64) for name in MAGNITUDES], axis=1)
    return np.concatenate([m, m[:, :-1] - m[:, 1:]], axis=1)
