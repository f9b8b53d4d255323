"""How far a model is from the Bayes rule, where a simulator knows the probabilities of the classes."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from components.common.scores import Definition, Floats, Score, score
from components.common.scores_classification import ClassPredictions, macro_f1
from components.evaluate.classification.outcome import Outcome

POSTERIOR = "sim_posterior"
"""Column with the probabilities that the simulator gives the classes of an object, knowing all its features."""


@dataclass(frozen=True)
class _Both:
    """What the model says and what the Bayes rule says of the same objects."""

    model: ClassPredictions
    bayes: ClassPredictions

    def __len__(self) -> int:
        return len(self.model)


def _below(both: _Both, weights: Floats) -> Floats:
    return macro_f1(both.bayes, weights) - macro_f1(both.model, weights)


_CEILING = (
    Definition("macro_f1_below_ceiling", "F1 below that of the Bayes rule", "", "lower", _below),
    Definition(
        "macro_f1_ceiling",
        "F1 of the Bayes rule",
        "",
        "higher",
        lambda both, weights: macro_f1(both.bayes, weights),
    ),
)


def bayes_rule(outcome: Outcome) -> ClassPredictions | None:
    """Return the answers of the simulator's posterior, to be scored; None where there is no simulator."""
    posterior = outcome.columns.get(POSTERIOR)
    if posterior is None or not np.isfinite(posterior).all():
        return None
    return ClassPredictions(outcome.truth, np.asarray(posterior, dtype=np.float64), outcome.positive)


def ceiling_scores(outcome: Outcome, groups: npt.NDArray[Any], resamples: int, seed: int) -> dict[str, Score]:
    """Score the model beside the Bayes rule, both on the same resamples; empty where nobody knows the rule.

    The model may come out above the ceiling, by chance or because the rule is the best in accuracy, not in F1.
    """
    bayes = bayes_rule(outcome)
    if bayes is None:
        return {}
    return score(_CEILING, _Both(outcome.predictions, bayes), groups, resamples, seed)
