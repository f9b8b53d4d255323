"""Labels: class strings at a level, how much the votes agreed, and classes with too few members."""

import numpy as np
import numpy.typing as npt

from components.common.errors import InputError
from components.common.rejections import Rejections
from components.common.tables import Columns
from components.common.telemetry import warn
from components.physics.gz2_classes import merges, parse, simplify
from components.physics.gz2_tasks import TASKS

Strings = npt.NDArray[np.object_]
Mask = npt.NDArray[np.bool_]

ARTEFACT, RARE = "artefact", "rare class"
AGREEMENT_TASKS = ("t01", "t02", "t03", "t05", "t07", "t09")


def labels_of(gz2_class: Strings, level: str) -> Strings:
    """Return the class of each row at a level, "" for artefacts."""
    return simplify(parse(gz2_class), level)


def without_rare(
    ids: Strings, labels: Strings, splits: npt.NDArray[np.str_], level: str, minimum: int, rejections: Rejections
) -> tuple[Mask, list[str]]:
    """Tell which rows have a class that can be learnt and tested, and name these classes in the level's order.

    A class with fewer members than `minimum`, or with none in one of the splits, is left out with its rows: it can
    be neither learnt nor tested, and to merge it into another would be a different question.

    Raises
    ------
    InputError
        When fewer than two classes are left.
    """
    keep = labels != ""
    rejections.add_many(ids[~keep], ARTEFACT, "gz2_class is A: a star or an artefact")
    classes = []
    for name in merges(level):
        own = labels == name
        parts = np.unique(splits[own]).size
        if own.sum() >= minimum and parts == np.unique(splits).size:
            classes.append(name)
        elif own.any():
            why = f"{own.sum()} members, in {parts} of 3 splits; {minimum} and all splits are needed"
            warn(f"Class {name} is left out: it has {why}.")
            rejections.add_many(ids[own], RARE, f"{name} has {why}")
            keep &= ~own
    if len(classes) < 2:
        raise InputError(
            f"Only {len(classes)} of the classes {', '.join(merges(level))} has {minimum} members or more.",
            "Give more galaxies, a coarser level of classes, or a smaller minimum_members.",
        )
    return keep, classes


def agreement(votes: Columns, level: str) -> npt.NDArray[np.float32]:
    """Return how much the votes agreed on the class at a level: 1 where nobody thought otherwise.

    The product of the winners' debiased fractions over the tasks that decide the class; NaN without votes.
    """
    columns = {task: TASKS[task].columns("debiased") for task in AGREEMENT_TASKS}
    rows = len(next(iter(votes.values())))
    if any(name not in votes for names in columns.values() for name in names):
        return np.full(rows, np.nan, dtype=np.float32)
    fractions = {t: np.column_stack([votes[name] for name in names]) for t, names in columns.items()}
    best = {t: np.argmax(values, axis=1) for t, values in fractions.items()}
    lead = {t: values[np.arange(rows), best[t]] for t, values in fractions.items()}
    smooth, edge_on = best["t01"] == 0, best["t02"] == 0
    one = np.ones(rows)
    of_smooth = lead["t07"] if level == "n" else one
    of_edge_on = lead["t02"] * (lead["t09"] if level == "n" else one)
    of_disc = lead["t02"] * lead["t03"] * (lead["t05"] if level in ("7", "n") else one)
    further = one if level == "2" else np.where(smooth, of_smooth, np.where(edge_on, of_edge_on, of_disc))
    return np.asarray(lead["t01"] * further, dtype=np.float32)
