"""How far a model is from the Bayes rule, where a simulator knows the probabilities of the classes."""

from dataclasses import dataclass
from typing import Any

import numpy.typing as npt

from components.common.scores import Definition, Floats, Score, score
from components.common.scores_classification import ClassPredictions, macro_f1
from components.evaluate.classification.outcome import Outcome

BAYES = "bayes"
"""Name, among the baselines, of the rule that knows the simulator's probabilities of the classes."""


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


def ceiling_scores(outcome: Outcome, groups: npt.NDArray[Any], resamples: int, seed: int) -> dict[str, Score]:
    """Score the model beside the Bayes rule, both on the same resamples; empty where nobody knows the rule.

    The model may come out above the ceiling, by chance or because the rule is the best in accuracy, not in F1.
    """
    if BAYES not in outcome.baselines:
        return {}
    return score(_CEILING, _Both(outcome.predictions, outcome.baseline(BAYES)), groups, resamples, seed)
