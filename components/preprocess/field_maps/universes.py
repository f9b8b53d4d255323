"""Which maps may be learnt from and which are for testing, so that no universe is on both sides.

Fifteen maps show one universe, and simulations of different suites or sets show the same one where they grew from
the same initial conditions: all of a universe stays together.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from components.common.errors import InputError
from components.common.splits import SPLITS, splits_of
from components.preprocess.field_maps.settings import Settings

Names = npt.NDArray[np.object_]

NOT_WANTED = ""
"""Split of rows that can neither be trained on nor tested on."""


def split_universes(phases: Names, suites: Names, sets: Names, settings: Settings) -> npt.NDArray[np.str_]:
    """Assign each map to a split.

    Parameters
    ----------
    phases : ndarray of str, shape (rows,)
        Initial conditions: the group that stays together.
    suites, sets : ndarray of str, shape (rows,)
        Of the simulation.
    settings : Settings
        Fractions, and which suites and sets are trained on.

    Returns
    -------
    ndarray of str, shape (rows,)
        "train", "validation", "test", or `NOT_WANTED` for maps of a suite or set that is for testing alone, of a
        universe that is trained on.

    Raises
    ------
    InputError
        When a split is empty, or a suite or set to train on is not there.
    """
    _require("suite", settings.train_suites, suites)
    _require("set", settings.train_sets, sets)
    learnt = np.ones(len(phases), dtype=bool)
    if settings.train_suites:
        learnt &= np.isin(suites.astype(np.str_), settings.train_suites)
    if settings.train_sets:
        learnt &= np.isin(sets.astype(np.str_), settings.train_sets)
    chosen = splits_of(phases, settings.validation_fraction, settings.test_fraction, settings.seed).astype(object)
    trained_on = np.unique(phases[learnt & (chosen != "test")].astype(np.str_))
    chosen[~learnt] = "test"
    chosen[~learnt & np.isin(phases.astype(np.str_), trained_on)] = NOT_WANTED
    empty = [split for split in SPLITS if split not in chosen]
    if empty:
        raise InputError(
            f"The {len(np.unique(phases.astype(np.str_)))} universes leave no {', '.join(empty)} part.",
            "Give more simulations, larger fractions or another seed; 1P and EX are one universe each.",
        )
    return chosen.astype(np.str_)


def _require(kind: str, wanted: Sequence[str], there: Names) -> None:
    present = sorted({str(name) for name in there})
    if missing := sorted(set(wanted) - set(present)):
        raise InputError(
            f"There are no maps of the {kind} {', '.join(missing)} to train on, only of {', '.join(present)}.",
            f"Correct train_{kind}s, or ingest them too.",
        )
