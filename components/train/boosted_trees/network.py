"""The small network: two hidden layers on standardised features, trained by the one loop."""

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from components.common.minibatches import HeldRows
from components.common.training import Schedule, fit, pick_device
from components.train.boosted_trees.estimators import class_weights, hold_back
from components.train.boosted_trees.rows import Floats, Rows, Singles

_BATCH = 128
_FARTHEST = 6.0


class FeatureNetwork(nn.Module):
    """Standardised features, and a mark for each that is missing, to one score for each class.

    Parameters
    ----------
    features, hidden, classes : int
        Inputs, neurons of a layer and outputs.
    """

    def __init__(self, features: int, hidden: int, classes: int):
        super().__init__()
        self.centre: Tensor
        self.spread: Tensor
        self.weights: Tensor
        self.register_buffer("centre", torch.zeros(features))
        self.register_buffer("spread", torch.ones(features))
        self.register_buffer("weights", torch.ones(classes))
        self.layers = nn.Sequential(
            nn.Linear(2 * features, hidden), nn.GELU(), nn.Dropout(0.1),
            nn.Linear(hidden, hidden), nn.GELU(), nn.Dropout(0.1),
            nn.Linear(hidden, classes),
        )  # fmt: skip

    def forward(self, features: Tensor) -> Tensor:
        """Return scores, shape (n, classes), of features with NaN where a value is missing."""
        missing = torch.isnan(features)
        scaled = ((features - self.centre) / self.spread).clamp(-_FARTHEST, _FARTHEST)
        shown = torch.cat([torch.where(missing, 0.0, scaled), missing.to(features.dtype)], dim=1)
        scores: Tensor = self.layers(shown)
        return scores


class NetworkEstimator:
    """The network as an estimator; parameters as of `estimators.make_estimator`."""

    def __init__(self, parameters: Mapping[str, Any], class_weight: str, epochs: int, seed: int):
        self.parameters, self.class_weight = dict(parameters), class_weight
        self.epochs, self.seed = epochs, seed
        self.network: FeatureNetwork | None = None
        self.history: list[dict[str, float]] = []

    def build(self, features: int, classes: int) -> FeatureNetwork:
        """Return a network with new weights."""
        torch.manual_seed(self.seed)
        return FeatureNetwork(features, int(self.parameters["hidden"]), classes)

    def fit(self, rows: Rows, classes: int) -> Self:
        """Learn to tell so many classes apart, and keep the epoch that does best on rows that are held back."""
        learn, held = hold_back(rows, self.seed)
        network = self.build(rows.features.shape[1], classes)
        centre, spread = standard(rows.features[learn])
        network.centre.copy_(torch.from_numpy(centre))
        network.spread.copy_(torch.from_numpy(spread))
        network.weights.copy_(torch.from_numpy(class_weights(rows.truth, classes, self.class_weight)))
        training, validation = (
            HeldRows({"features": rows.features[part], "truth": rows.truth[part]}, size)
            for part, size in ((learn, _BATCH), (held, 4 * _BATCH))
        )
        schedule = Schedule(self.epochs, 4e-3, weight_decay=0.03, patience=self.epochs, seed=self.seed)
        self.history = fit(network, _loss, training, validation, schedule)
        self.network = network
        return self

    @torch.no_grad()
    def scores(self, features: Singles) -> Floats:
        """Unnormalised logarithms of the probabilities, shape (n, classes)."""
        assert self.network is not None
        device = pick_device()
        network = self.network.to(device).eval()
        found = network(torch.tensor(features, dtype=torch.float32).to(device))
        return np.asarray(found.double().cpu().numpy())


def standard(features: Singles) -> tuple[Singles, Singles]:
    """Median and spread of each feature, where it is known; the spread resists outliers."""
    known = np.where(np.isfinite(features).any(axis=0), features, np.float32(0.0))
    low, centre, high = np.nanquantile(known, (0.16, 0.5, 0.84), axis=0)
    spread = (high - low) / 2
    deviation = np.nanstd(known, axis=0)
    spread = np.where(spread > 1e-9, spread, np.where(deviation > 1e-9, deviation, 1.0))
    return centre.astype(np.float32), spread.astype(np.float32)


def _loss(network: nn.Module, batch: dict[str, Tensor]) -> Tensor:
    assert isinstance(network, FeatureNetwork)
    return functional.cross_entropy(network(batch["features"]).float(), batch["truth"], network.weights)
