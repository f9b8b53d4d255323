"""Prepare maps as a data set was prepared: for training, and for a new map alike."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from components.common.errors import InputError
from components.physics.multifield import coarsen
from components.preprocess.field_maps.logarithms import LogScaling


def scalings_of(settings: Mapping[str, Any]) -> list[LogScaling]:
    """Read from the settings of a prepared table how each of its fields is scaled.

    Raises
    ------
    InputError
        When the settings are not those of prepared maps.
    """
    try:
        return [LogScaling(**settings["scaling"][name]) for name in settings["fields"]]
    except (KeyError, TypeError) as error:
        raise InputError(
            f"The settings {dict(settings)} are not those of prepared maps: {error}.",
            "Give what preprocess of cosmic-parameters wrote.",
        ) from error


def prepare(maps: npt.NDArray[Any], settings: Mapping[str, Any]) -> npt.NDArray[np.float32]:
    """Take logarithms of maps and scale them.

    Parameters
    ----------
    maps : ndarray, shape (rows, fields, n, n)
        In physical units, the fields in the order of `settings["fields"]`; n is `settings["grid"]` or a multiple
        of it, from which pixels are averaged.
    settings : mapping
        Of the table that preprocess wrote: `fields`, `grid` and `scaling`.

    Returns
    -------
    ndarray of float32, shape (rows, fields, grid, grid)
        Decimal logarithms, less their mean in training, over their standard deviation there.

    Raises
    ------
    InputError
        When shapes do not fit, or a pixel is negative or no finite number; it names the map and the field.
    """
    scalings, names = scalings_of(settings), list(settings["fields"])
    if maps.ndim != 4 or maps.shape[1] != len(names) or maps.shape[2] != maps.shape[3]:
        raise InputError(
            f"Maps of shape {maps.shape} do not fit the fields {', '.join(names)}.",
            f"Give an array of shape (maps, {len(names)}, n, n) with the fields in that order.",
        )
    _refuse_impossible(maps, names)
    small = coarsen(np.asarray(maps, dtype=np.float32), int(settings["grid"]))
    return np.stack([scaling.apply(small[:, column]) for column, scaling in enumerate(scalings)], axis=1)


def _refuse_impossible(maps: npt.NDArray[Any], names: list[str]) -> None:
    # One comparison is false for NaN and for negative numbers, the other for infinite ones.
    possible = ((maps >= 0) & (maps < np.inf)).all((2, 3))
    if possible.all():
        return
    row, column = (int(index[0]) for index in np.nonzero(~possible))
    raise InputError(
        f"Map {row} of {names[column]} has pixels that are negative or no finite numbers.",
        "Look at the file: fields of the dataset are finite and never negative. The logarithm is taken here: give "
        "maps in physical units.",
    )
