"""What can be asked of the preprocess stage."""

from dataclasses import dataclass
from typing import Any

from components.common.errors import ParameterError
from components.common.splits import Splitting


@dataclass(frozen=True)
class Settings(Splitting):
    """How maps are prepared.

    Attributes
    ----------
    fields : tuple of str
        Fields to keep, in this order; empty for all of the table.
    floor_quantile : float
        Where a field has zeros in training maps, what is below this quantile of its positive training pixels
        counts as being there.
    train_suites, train_sets : tuple of str
        Suites and sets to learn from; rows of others are for testing alone. Empty for all.
    validation_fraction, test_fraction : float
        Fractions of the universes in these splits.
    seed : int
        Of the split.
    """

    fields: tuple[str, ...] = ()
    floor_quantile: float = 0.01
    train_suites: tuple[str, ...] = ()
    train_sets: tuple[str, ...] = ()
    validation_fraction: float = 0.1
    test_fraction: float = 0.2
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("fields", "train_suites", "train_sets"):  # KFP hands over lists
            object.__setattr__(self, name, tuple(getattr(self, name)))
        if not 0 < self.floor_quantile < 0.5:
            raise ParameterError(
                f"floor_quantile is {self.floor_quantile}.", "Choose a small share above 0, such as 0.01."
            )
        if len(set(self.fields)) < len(self.fields):
            raise ParameterError(f"A field is named twice: {', '.join(self.fields)}.", "Name each once.")

    @property
    def split(self) -> dict[str, Any]:
        """Arguments of `splits_of`, and what is trained on: a model says by them what it has learnt from."""
        trained = {"train_suites": list(self.train_suites), "train_sets": list(self.train_sets)}
        return super().split | trained
