"""What a kind of model has to offer to be compared: its answers, and how they are scored."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from components.common.errors import InputError

Rows = npt.NDArray[np.intp]


class OtherQuestionError(InputError):
    """A champion was asked something else than the challenger, such as for other classes: neither is better."""


@dataclass(frozen=True)
class Answers:
    """What a model says about n objects.

    Attributes
    ----------
    ids : ndarray of str, shape (n,)
        Rows of the data set.
    groups : ndarray, shape (n,)
        What was split, and is resampled, as a whole: the object, the simulation.
    predictions : object
        What the definitions of the scores take: has a length of n, and gives a part for an array of rows.
    """

    ids: npt.NDArray[Any]
    groups: npt.NDArray[Any]
    predictions: Any

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, rows: Rows) -> "Answers":
        return Answers(self.ids[rows], self.groups[rows], self.predictions[rows])


@dataclass(frozen=True)
class Applied:
    """What a champion says about some of the objects of a challenger.

    Attributes
    ----------
    rows : ndarray of int, shape (m,)
        Which objects; the others it cannot use.
    predictions : object
        For these, as in `Answers`.
    """

    rows: Rows
    predictions: Any


@dataclass(frozen=True)
class Kind:
    """How models of one kind are compared.

    Attributes
    ----------
    scores : sequence
        Definitions with `name`, `label`, `unit`, `direction`, `compute(predictions, weights)` and `loss(values)`,
        as `components.common.scores.Definition`; the headline is one of them.
    read : callable
        Takes the folder of an evaluation, returns the `Answers` of the model that was evaluated.
    apply : callable
        Takes a model folder, the folder of the raw data and `Answers`, returns how that model, through its own
        preprocessing, answers for the same objects: `Applied`. An `InputError` says that the model is unreadable,
        or that the raw data lack the objects; an `OtherQuestionError`, that there is nothing to compare.
    learns_labels : bool
        Whether models of it see what is true of their training objects. Those that do not may be tested on all.
    """

    scores: Sequence[Any]
    read: Callable[[Path], Answers]
    apply: Callable[[Path, Path, Answers], Applied]
    learns_labels: bool = True
