"""What was decided about a new model, and the words for it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from components.common.champions import Champion
from components.common.models import Facts, Version

if TYPE_CHECKING:
    from components.promote.champion.comparison import Comparison

Outcome = Literal[
    "first model",
    "better",
    "not better",
    "other origin",
    "not compared",
    "no candidate",
    "champion already",
    "no store",
]


@dataclass(frozen=True)
class Decision:
    """What became of a challenger.

    Attributes
    ----------
    slug : str
        The exercise.
    outcome : str
        In a word or two.
    promoted : bool
        Whether this run made it the champion.
    reason : str
        Why, in words that continue "because".
    facts : Facts
        What is known of the challenger.
    challenger : Version or None
        As it is stored; None without a store.
    before : Champion or None
        The champion that it was held against.
    comparison : Comparison or None
        Where the two could be compared.
    tested : int
        Objects that the challenger was tested on.
    left_out : dict of str to int
        How many of these were left out of the comparison, by reason.
    """

    slug: str
    outcome: Outcome
    promoted: bool
    reason: str
    facts: Facts
    challenger: Version | None = None
    before: Champion | None = None
    comparison: "Comparison | None" = None
    tested: int = 0
    left_out: Mapping[str, int] = field(default_factory=dict)

    @property
    def champion(self) -> str:
        """Version of the champion afterwards; empty where nothing was decided."""
        if self.challenger is not None and self.promoted:
            return self.challenger.version
        return self.before.version if self.before else ""

    @property
    def summary(self) -> str:
        """One line for the terminal."""
        if not self.champion:
            return f"champion: none chosen ({self.reason})"
        stays = "" if self.promoted or self.outcome == "champion already" else " stays"
        return f"champion: {self.champion}{stays} ({self.reason})"

    def numbers(self) -> dict[str, float | None]:
        """Return the scalars that the Kubeflow UI lists; an improvement is positive whatever the score."""
        found = self.comparison
        return {
            "champion": found.champion.value if found else None,
            "challenger": found.challenger.value if found else self.facts.headline.get("value"),
            "difference": found.improvement if found else None,
            "low": found.low if found else None,
            "high": found.high if found else None,
            "promoted": float(self.promoted),
            "objects": float(found.objects if found else 0),
        }

    def to_json(self) -> dict[str, Any]:
        """Return the decision for programs, such as the one that shows its summary."""
        return {
            "slug": self.slug,
            "summary": self.summary,
            "outcome": self.outcome,
            "reason": self.reason,
            "champion_version": self.champion,
            "challenger_version": self.challenger.version if self.challenger else "",
            "left_out": dict(self.left_out),
            "numbers": self.numbers(),
        }


def describe_improvement(comparison: "Comparison") -> str:
    """Say by how much a challenger is better: `improvement of accuracy 0.012 [0.004, 0.02] on 900 objects`."""
    unit = f" {comparison.score.unit}" if comparison.score.unit else ""
    amount, low, high = (f"{value:.3g}" for value in (comparison.improvement, comparison.low, comparison.high))
    name = comparison.score.name
    return f"improvement of {name} {amount} [{low}, {high}]{unit} on {comparison.objects} objects"
