"""What the preprocess stage does to a table of galaxies."""

from dataclasses import dataclass

from components.common.checks import require_one_of
from components.common.errors import ParameterError
from components.common.splits import Splitting
from components.physics.gz2_classes import LEVELS
from components.preprocess.morphology_table.columns import TASK_NAMES


@dataclass(frozen=True)
class Settings(Splitting):
    """Which question is asked, and of which classes.

    Attributes
    ----------
    task : {"structure", "votes"}
        Features: photometry and structure, or votes. The class is computed from the votes, so that `votes` is a
        check of the machinery, and no result about galaxies.
    level : {"2", "3", "7", "n"}
        How many classes; see `components.physics.gz2_classes.merges`.
    minimum_members : int
        Rows of a class with fewer members are left out.
    correlation : float
        Features whose rank correlation is larger on average form a group.
    validation_fraction, test_fraction : float
        Fractions of the galaxies in these splits.
    seed : int
        Of the split.
    """

    task: str = "structure"
    level: str = "3"
    minimum_members: int = 30
    correlation: float = 0.6
    validation_fraction: float = 0.15
    test_fraction: float = 0.2
    seed: int = 0

    def __post_init__(self) -> None:
        require_one_of(TASK_NAMES, task=self.task)
        require_one_of(LEVELS, level=self.level)
        if self.minimum_members < 3:
            raise ParameterError(
                f"minimum_members is {self.minimum_members}.",
                "Give 3 or more: a class needs a member to learn from, one to tune by and one to test.",
            )
        if not 0 < self.correlation < 1:
            raise ParameterError(f"correlation is {self.correlation}.", "Give a number between 0 and 1.")
