"""From the votes of Galaxy Zoo 2 to a class string, as the published table does it.

Each task goes to the answer with the largest debiased fraction, the first of the tied; then the next task of that
branch is looked at. A fraction that is missing (NaN) wins: that is what the published strings of such rows show.
On the 400 real rows at hand this gives the published string of every one; with a threshold of 0.42 or 0.5 on odd
features instead, as papers have it, 15 rows or one would differ.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from components.physics.gz2_tasks import TASKS

Strings = npt.NDArray[np.object_]

ROUNDNESS, BULGE_SHAPE, BULGE, NUMBER, WINDING, ODD = "ric", "rbn", "dcba", "1234+?", "tml", "rldiomu"
"""Letters of the answers, in the order of the columns."""


def winners(
    votes: Mapping[str, npt.NDArray[Any]], task: str, statistic: str = "debiased"
) -> npt.NDArray[np.int64]:
    """Return the number of the winning answer of a task such as "t01" for each row."""
    fractions = np.column_stack([votes[name] for name in TASKS[task].columns(statistic)])
    return np.asarray(np.argmax(fractions, axis=1), dtype=np.int64)


def class_of(votes: Mapping[str, npt.NDArray[Any]], statistic: str = "debiased") -> Strings:
    """Return the class string that votes come to.

    Parameters
    ----------
    votes : mapping of str to ndarray, shape (n,)
        Columns by their names in the table of Hart et al. (2016).
    statistic : {"debiased", "weighted_fraction", "fraction"}
        Of which columns; the published strings are of the debiased ones.
    """
    best = {task: winners(votes, task, statistic) for task in TASKS}
    smooth, artefact = best["t01"] == 0, best["t01"] == 2
    arms = _letters(NUMBER, best["t11"]) + _letters(WINDING, best["t10"])
    disc = np.where(best["t03"] == 0, "SB", "S").astype(object) + _letters(BULGE, best["t05"])
    disc = disc + np.where(best["t04"] == 0, arms, "")
    featured = np.where(best["t02"] == 0, "Se" + _letters(BULGE_SHAPE, best["t09"]), disc)
    trunk = np.where(smooth, "E" + _letters(ROUNDNESS, best["t07"]), featured)
    odd = np.where(best["t06"] == 0, "(" + _letters(ODD, best["t08"]) + ")", "")
    return np.asarray(np.where(artefact, "A", trunk + odd), dtype=object)


def _letters(alphabet: str, index: npt.NDArray[np.int64]) -> Strings:
    return np.array(list(alphabet), dtype=object)[index]
