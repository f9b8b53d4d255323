"""How far a prediction may be off: the same for every regressor, learnt from its errors on validation rows.

The logarithm of the error is fitted, linearly, to what makes a spectrum hard: its noise, its coverage, where the
prediction lies, and the regressor's own doubt where it has one. Errors relative to that expectation then have one
distribution, whose quantiles are taken as they are (normalised conformal prediction; Lei et al. 2018, JASA 113,
1094). No shape is assumed, and a regressor that is often far off says so.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from components.common.distributions import ONE_SIGMA

Floats = npt.NDArray[np.float64]

LEVELS = np.concatenate([[0.001, 0.005], np.linspace(0.01, 0.99, 99), [0.995, 0.999]])
"""Probabilities at which the distribution of the errors is kept."""

_SMALLEST = 1e-6
_LARGEST_FACTOR = 20.0
_SHRINKAGE = 10.0


@dataclass(frozen=True)
class Uncertainty:
    """Width and shape of the errors of one target.

    Attributes
    ----------
    centre, spread : ndarray, shape (k,)
        Mean and standard deviation of the clues on validation rows.
    weights : ndarray, shape (k + 1,)
        ln of the expected error is the first of them plus the others times the standardised clues.
    quantiles : ndarray, shape (levels,)
        Of the error relative to its expectation, at `LEVELS`.
    """

    centre: Floats
    spread: Floats
    weights: Floats
    quantiles: Floats

    @classmethod
    def fit(cls, clues: Floats, error: Floats) -> "Uncertainty":
        """Learn from errors, truth minus prediction, shape (n,), and clues, shape (n, k)."""
        centre, spread = clues.mean(axis=0), clues.std(axis=0) + 1e-9
        design = np.column_stack([np.ones(len(error)), (clues - centre) / spread])
        size = np.log(np.abs(error) + _SMALLEST)
        penalty = _SHRINKAGE * np.eye(design.shape[1])
        penalty[0, 0] = 0.0
        weights = np.linalg.solve(design.T @ design + penalty, design.T @ size)
        unfinished = cls(centre, spread, weights, np.zeros(len(LEVELS)))
        quantiles = np.quantile(error / unfinished.expected(clues), LEVELS)
        # Equal quantiles, of few rows or of labels met exactly, are no distribution function.
        return cls(centre, spread, weights, quantiles + 1e-9 * np.arange(len(LEVELS)))

    def expected(self, clues: Floats) -> Floats:
        """Return the scale of the error of each prediction, shape (n,)."""
        reach = np.log(_LARGEST_FACTOR)
        departure = ((clues - self.centre) / self.spread) @ self.weights[1:]
        return np.asarray(np.exp(self.weights[0] + np.clip(departure, -reach, reach)))

    def quantile(self, value: Floats, clues: Floats, level: float) -> Floats:
        """Value that the truth is below with probability `level`, shape (n,)."""
        return value + self.expected(clues) * np.interp(level, LEVELS, self.quantiles)

    def interval(self, value: Floats, clues: Floats) -> tuple[Floats, Floats]:
        """Return the ends of the central 68.27 % interval, each of shape (n,)."""
        return self.quantile(value, clues, (1 - ONE_SIGMA) / 2), self.quantile(value, clues, (1 + ONE_SIGMA) / 2)

    def cdf(self, value: Floats, clues: Floats, truth: Floats) -> Floats:
        """Return the probability below the truths, shape (n,)."""
        relative = (truth - value) / self.expected(clues)
        return np.asarray(np.interp(relative, self.quantiles, LEVELS, left=0.0, right=1.0))

    def every_quantile(self, value: Floats, clues: Floats) -> Floats:
        """Return the values at all of `LEVELS`, shape (n, levels)."""
        return np.asarray(value[:, None] + self.expected(clues)[:, None] * self.quantiles)

    def to_json(self) -> dict[str, Any]:
        """Return the JSON-able form."""
        return {name: getattr(self, name).tolist() for name in ("centre", "spread", "weights", "quantiles")}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> "Uncertainty":
        """Read what `to_json` wrote."""
        return cls(**{name: np.asarray(values, dtype=np.float64) for name, values in stored.items()})


def crps_of_quantiles(quantiles: Floats, truth: Floats) -> Floats:
    """Continuous ranked probability score of distributions given by their quantiles at `LEVELS`, shape (n,).

    Twice the pinball loss, integrated over the levels (Laio & Tamea 2007, HESS 11, 1267).
    """
    error = truth[:, None] - quantiles
    pinball = np.maximum(LEVELS * error, (LEVELS - 1) * error)
    edges = np.concatenate([[0.0], (LEVELS[1:] + LEVELS[:-1]) / 2, [1.0]])
    return np.asarray(2 * pinball @ np.diff(edges))
