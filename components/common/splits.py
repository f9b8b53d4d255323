"""Train, validation or test: decided once for each group, so that no object is learnt from and tested on."""

from typing import Any

import numpy as np
import numpy.typing as npt

from components.common.errors import InputError, ParameterError

SPLITS = ("test", "validation", "train")

_FNV_OFFSET = np.uint64(0xCBF29CE484222325)
_FNV_PRIME = np.uint64(0x100000001B3)


def assign_splits(
    groups: npt.ArrayLike, validation_fraction: float, test_fraction: float, seed: int
) -> npt.NDArray[np.str_]:
    """Assign each row to a split by its group.

    The split of a group depends on its name and the seed alone, so that rows which are added later move no
    other row, and two data sets with the same seed agree on the objects they share.

    Parameters
    ----------
    groups : array_like of str or int, shape (rows,)
        What must not be divided: the sky object, the plate, the simulation.
    validation_fraction, test_fraction : float
        Expected fractions of the groups; the numbers reached scatter binomially around them.
    seed : int
        Another seed, another assignment.

    Returns
    -------
    ndarray of str, shape (rows,)
        "train", "validation" or "test".

    Raises
    ------
    ParameterError
        When the fractions are not above 0 and their sum below 1.
    InputError
        When there are so few groups that a split would be empty.
    """
    names, member = np.unique(np.asarray(groups).astype(np.str_), return_inverse=True)
    chosen = splits_of(names, validation_fraction, test_fraction, seed)
    empty = [split for split in SPLITS if split not in chosen]
    if empty:
        raise InputError(
            f"The {len(names)} groups leave no {', '.join(empty)} part.",
            "Give more objects, larger fractions or another seed.",
        )
    return np.asarray(chosen[member.reshape(-1)])


class Splitting:
    """What the settings of stages that split have in common: dataclasses with these three fields."""

    validation_fraction: float
    test_fraction: float
    seed: int

    @property
    def split(self) -> dict[str, Any]:
        """Arguments of `splits_of`: a model says by them what it has learnt from."""
        return {
            "validation_fraction": self.validation_fraction,
            "test_fraction": self.test_fraction,
            "seed": self.seed,
        }


class Splits:
    """The group and the split of every row of a table; of the splits, a byte a row.

    Parameters
    ----------
    groups : ndarray of str, shape (rows,)
        What must not be divided.
    validation_fraction, test_fraction, seed
        As for `assign_splits`.
    """

    def __init__(
        self, groups: npt.NDArray[np.object_], validation_fraction: float, test_fraction: float, seed: int
    ):
        self.groups = groups
        names = assign_splits(groups, validation_fraction, test_fraction, seed)
        self._names, codes = np.unique(names, return_inverse=True)
        self._codes = codes.astype(np.uint8)

    def of_rows(self, rows: slice) -> npt.NDArray[np.object_]:
        """Return the splits of some rows."""
        return np.asarray(self._names[self._codes[rows]], dtype=object)


def splits_of(
    groups: npt.ArrayLike, validation_fraction: float, test_fraction: float, seed: int
) -> npt.NDArray[np.str_]:
    """Tell in which split `assign_splits` puts each group, of any number of groups."""
    fractions = np.array([test_fraction, validation_fraction], dtype=np.float64)
    if not (np.all(fractions > 0) and fractions.sum() < 1):
        raise ParameterError(
            f"Fractions of {validation_fraction} (validation) and {test_fraction} (test) leave a split empty.",
            "Choose both above 0 and their sum below 1.",
        )
    names = np.asarray(groups).astype(np.str_)
    return np.asarray(SPLITS)[np.searchsorted(np.cumsum(fractions), _uniform(names, seed), side="right")]


def _uniform(names: npt.NDArray[np.str_], seed: int) -> npt.NDArray[np.float64]:
    """Hash names to numbers uniform in [0, 1): FNV-1a over the characters, then the finaliser of splitmix64."""
    points = (
        np.ascontiguousarray(names)
        .view(np.uint32)
        .reshape(len(names), names.dtype.itemsize // 4)
        .astype(np.uint64)
    )
    state = np.full(len(names), _FNV_OFFSET ^ _scramble(np.array([seed % 2**64], dtype=np.uint64))[0])
    for point in points.T:  # over the characters of the longest name, not over the rows
        state = np.where(point != 0, (state ^ point) * _FNV_PRIME, state)  # 0 is numpy's padding
    return (_scramble(state) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def _scramble(state: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    state = state + np.uint64(0x9E3779B97F4A7C15)
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))
