"""From scores to probabilities that can be taken at their word: a temperature, and an offset for each class.

Learnt with all classes weighing the same, scores know nothing of how frequent each is, so a temperature alone
would leave rare classes too probable: the offsets tell it again. Both are chosen by the likelihood of validation
rows, with their own frequencies (Guo et al. 2017, arXiv:1706.04599, "vector scaling" with one scale).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import minimize
from scipy.special import log_softmax

from components.train.boosted_trees.rows import Floats, Indices

_PRIOR_ROWS = 3.0
_STEEPEST = float(np.log(10.0))


@dataclass(frozen=True)
class Calibration:
    """How scores become probabilities.

    Attributes
    ----------
    temperature : float
        Divides the scores: above 1 where they were too sure.
    offsets : ndarray, shape (classes,)
        Added to them.
    """

    temperature: float
    offsets: Floats

    @classmethod
    def fit(cls, scores: Floats, truth: Indices, weights: Floats) -> "Calibration":
        """Learn from n objects.

        Parameters
        ----------
        scores : ndarray, shape (n, classes)
            Of a classifier that did not learn from these objects.
        truth : ndarray of int, shape (n,)
            Index of the class.
        weights : ndarray, shape (classes,)
            What a row of each class weighed when it was learnt: where the offsets begin, and where they stay for a
            class without rows.
        """
        begin = -np.log(weights)
        rows = np.arange(len(truth))

        def unlikelihood(values: Floats) -> tuple[float, Floats]:
            inverse, offsets = np.exp(-values[0]), values[1:]
            logarithm = log_softmax(scores * inverse + offsets, axis=1)
            excess = np.exp(logarithm)
            excess[rows, truth] -= 1.0
            pull = values - np.concatenate([[0.0], begin])
            loss = -logarithm[rows, truth].sum() + _PRIOR_ROWS / 2 * float(pull @ pull)
            slope = np.concatenate([[-(excess * scores).sum() * inverse], excess.sum(axis=0)])
            return loss / len(rows), (slope + _PRIOR_ROWS * pull) / len(rows)

        bounds = [(-_STEEPEST, _STEEPEST), *[(None, None)] * len(begin)]
        found = minimize(unlikelihood, np.concatenate([[0.0], begin]), jac=True, bounds=bounds, method="L-BFGS-B")
        return cls(float(np.exp(found.x[0])), np.asarray(found.x[1:]))

    def logarithms(self, scores: Floats) -> Floats:
        """Logarithms of the probabilities, shape (n, classes)."""
        return np.asarray(log_softmax(scores / self.temperature + self.offsets, axis=1))

    def to_json(self) -> dict[str, Any]:
        """Return the JSON-able form."""
        return {"temperature": self.temperature, "offsets": self.offsets.tolist()}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> "Calibration":
        """Read what `to_json` wrote."""
        return cls(float(stored["temperature"]), np.asarray(stored["offsets"], dtype=np.float64))
