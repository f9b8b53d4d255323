"""What a network's outputs mean: the loss they are trained with, and the distribution that they become."""

import dataclasses
from dataclasses import asdict, dataclass
from typing import Any, Protocol, Self

import numpy as np
import numpy.typing as npt
import torch
from scipy.optimize import minimize_scalar
from scipy.special import ndtr
from torch import Tensor
from torch.nn import functional

from components.common.distributions import ONE_SIGMA, BinnedDistribution
from components.common.errors import InputError
from components.train.conv1d.class_answer import ClassAnswer
from components.train.conv1d.redshift_bins import RedshiftBins

Floats = npt.NDArray[np.float64]

_POINT_BINS = 400
_TEMPERATURES = (0.3, 3.0)
_ROWS_AT_ONCE = 256


class Answer(Protocol):
    """How outputs are trained, calibrated and read."""

    def loss(self, outputs: Tensor, truth: Tensor) -> Tensor:
        """Mean loss of a minibatch: `outputs` (batch, outputs) and `truth` (batch,)."""

    def calibrated(self, outputs: npt.NDArray[np.float32], truth: Floats) -> Self:
        """Return a copy whose widths are right on validation rows."""

    def distribution(self, outputs: npt.NDArray[np.float32]) -> Any:
        """Turn outputs of shape (n, outputs) into distributions of the target, or probabilities of classes."""

    def to_json(self) -> dict[str, Any]:
        """Return the JSON-able form that `answer_from_json` reads."""


@dataclass(frozen=True)
class RedshiftAnswer:
    """A distribution over bins uniform in log10(1 + z).

    Attributes
    ----------
    bins : RedshiftBins
        The bins.
    temperature : float
        Divides the logits: above 1 where the network was too sure of itself on validation rows.
    """

    bins: RedshiftBins
    temperature: float = 1.0

    @classmethod
    def covering(cls, largest_redshift: float, pixel_step: float, subpixels: int) -> "RedshiftAnswer":
        """Cover redshifts from 0 to a little beyond the largest."""
        return cls(RedshiftBins.covering(largest_redshift, pixel_step, subpixels))

    def loss(self, outputs: Tensor, truth: Tensor) -> Tensor:
        """Cross entropy."""
        return self.bins.cross_entropy(outputs, truth)

    def calibrated(self, outputs: npt.NDArray[np.float32], truth: Floats) -> "RedshiftAnswer":
        """Choose the temperature at which central intervals of all levels hold what they claim.

        Temperature scaling (Guo et al. 2017, arXiv:1706.04599), but not by likelihood: a few catastrophic
        redshifts dominate that, and widen the intervals of all others.
        """

        def distance(log_temperature: float) -> float:
            tempered = dataclasses.replace(self, temperature=float(np.exp(log_temperature)))
            level = np.sort(np.abs(2.0 * tempered._cumulative(outputs, truth) - 1.0))
            uniform = (np.arange(len(level)) + 0.5) / len(level)
            return float(np.mean((level - uniform) ** 2))

        found = minimize_scalar(distance, bounds=np.log(_TEMPERATURES), method="bounded", options={"xatol": 0.01})
        return dataclasses.replace(self, temperature=float(np.exp(found.x)))

    def distribution(self, outputs: npt.NDArray[np.float32]) -> BinnedDistribution:
        """Softmax of the logits."""
        probability = functional.softmax(torch.from_numpy(outputs) / self.temperature, dim=1)
        return BinnedDistribution(self.bins.edges, probability.numpy())

    def to_json(self) -> dict[str, Any]:
        """Return the JSON-able form that `answer_from_json` reads."""
        return {"kind": "redshift", "bins": self.bins.to_json(), "temperature": self.temperature}

    def _cumulative(self, outputs: npt.NDArray[np.float32], truth: Floats) -> Floats:
        """Probability below the truths, a few rows at a time: distributions take far more memory than logits."""
        starts = range(0, len(outputs), _ROWS_AT_ONCE)
        parts = [slice(start, start + _ROWS_AT_ONCE) for start in starts]
        return np.concatenate([self.distribution(outputs[rows]).cdf(truth[rows]) for rows in parts])


@dataclass(frozen=True)
class PointAnswer:
    """One number, trained with the mean squared error of the label scaled to 0..1, as in the workshop paper.

    Attributes
    ----------
    lowest, highest : float
        Range of the training labels, which is mapped to 0..1.
    sigma : float
        Width of the normal distribution put around the number, from the errors on validation rows: the same for
        all objects, since a point estimate does not say which it doubts.
    """

    lowest: float
    highest: float
    sigma: float = 1.0

    @classmethod
    def for_labels(cls, labels: npt.NDArray[Any]) -> "PointAnswer":
        """Scale by the range of the training labels."""
        if labels.min() == labels.max():
            raise InputError(
                f"All training rows have the label {labels.min()}, so that there is nothing to learn.",
                "Give a data set whose labels differ.",
            )
        return cls(float(labels.min()), float(labels.max()))

    def loss(self, outputs: Tensor, truth: Tensor) -> Tensor:
        """Mean squared error of the scaled label."""
        scaled = (truth.to(outputs.dtype) - self.lowest) / (self.highest - self.lowest)
        return functional.mse_loss(outputs[:, 0], scaled)

    def calibrated(self, outputs: npt.NDArray[np.float32], truth: Floats) -> "PointAnswer":
        """Take the width that holds 68 % of the validation errors."""
        error = np.abs(self._values(outputs) - truth)
        # A width of zero, of labels met exactly, is no distribution.
        smallest = (self.highest - self.lowest) / _POINT_BINS
        return dataclasses.replace(self, sigma=max(smallest, float(np.quantile(error, ONE_SIGMA))))

    def distribution(self, outputs: npt.NDArray[np.float32]) -> BinnedDistribution:
        """Put a normal distribution around each number, cut off at the edges of the bins."""
        margin = 5 * self.sigma
        edges = np.linspace(self.lowest - margin, self.highest + margin, _POINT_BINS + 1)
        value = np.clip(self._values(outputs), edges[0], edges[-1])
        probability = np.diff(ndtr((edges - value[:, None]) / self.sigma), axis=1)
        return BinnedDistribution(edges, probability.astype(np.float32))

    def to_json(self) -> dict[str, Any]:
        """Return the JSON-able form that `answer_from_json` reads."""
        return {"kind": "point", **asdict(self)}

    def _values(self, outputs: npt.NDArray[np.float32]) -> Floats:
        return np.asarray(self.lowest + (self.highest - self.lowest) * outputs[:, 0].astype(np.float64))


def answer_from_json(stored: dict[str, Any]) -> Answer:
    """Read what `to_json` wrote."""
    if stored["kind"] == "redshift":
        return RedshiftAnswer(RedshiftBins(**stored["bins"]), stored["temperature"])
    if stored["kind"] == "classes":
        return ClassAnswer(tuple(stored["classes"]), tuple(stored["weights"]), stored["temperature"])
    return PointAnswer(stored["lowest"], stored["highest"], stored["sigma"])
