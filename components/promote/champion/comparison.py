"""Two models on the same objects: their scores, and the interval of the difference."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from components.common.resampling import bootstrap_weights
from components.common.scores import INTERVAL_LEVEL, Definition, Score, score

LEAST_RESAMPLES = 1000
"""A smoke run draws 100 for its report. The ends of an interval that decides should not be so rough."""

LEAST_GROUPS = 30
"""Of fewer the bootstrap's intervals are too narrow, down to a point where all objects agree by chance."""


@dataclass(frozen=True)
class Comparison:
    """How champion and challenger did.

    Attributes
    ----------
    score : Definition
        What they were compared by.
    champion, challenger : Score
        On the objects that both could be tested on.
    improvement, low, high : float
        By how much the challenger is better, positive whatever the direction of the score, and the ends of its
        interval.
    objects : int
        Number of these objects.
    groups : int
        Number of independent ones among them.
    """

    score: Definition
    champion: Score
    challenger: Score
    improvement: float
    low: float
    high: float
    objects: int
    groups: int

    @property
    def is_better(self) -> bool:
        """Whether the interval of the improvement lies above zero."""
        return self.low > 0

    @property
    def difference(self) -> Mapping[str, float]:
        """The improvement as in `champion.json`."""
        return {"value": self.improvement, "low": self.low, "high": self.high}


def compare(
    definition: Definition,
    champion: Any,
    challenger: Any,
    groups: npt.NDArray[Any],
    resamples: int,
    seed: int,
) -> Comparison:
    """Compare the predictions of two models for the same objects with a paired bootstrap by group.

    Objects that are hard are hard for both. So the same resamples serve both and the interval is that of the
    difference, which is narrower than the two intervals beside each other suggest.

    Parameters
    ----------
    definition : Definition
        The score.
    champion, challenger : predictions
        As the definition takes them, in the same order of n objects.
    groups : ndarray, shape (n,)
        What is resampled as a whole.
    resamples : int
        Number of resamples, at least `LEAST_RESAMPLES` whatever is given.
    seed : int
        Of the resampling.
    """
    resamples = max(resamples, LEAST_RESAMPLES)
    ones = np.ones((1, len(groups)))
    drawn = [
        _improvement(definition, champion, challenger, weights)
        for weights in bootstrap_weights(groups, resamples, seed)
    ]
    tail = (1 - INTERVAL_LEVEL) / 2
    low, high = np.quantile(np.concatenate(drawn), [tail, 1 - tail])
    return Comparison(
        score=definition,
        champion=score([definition], champion, groups, resamples, seed)[definition.name],
        challenger=score([definition], challenger, groups, resamples, seed)[definition.name],
        improvement=float(_improvement(definition, champion, challenger, ones)[0]),
        low=float(low),
        high=float(high),
        objects=len(groups),
        groups=int(np.unique(groups).size),
    )


def _improvement(
    definition: Definition, champion: Any, challenger: Any, weights: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    before, after = (definition.loss(definition.compute(who, weights)) for who in (champion, challenger))
    return np.asarray(before - after)
