"""What a table of slices says about itself."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from components.common.errors import InputError
from components.train.variational_autoencoder.inputs import Geometry


def geometry_of(settings: Mapping[str, Any], cells: int = 16) -> Geometry:
    """Read the grids of a table of slices from its settings."""
    try:
        channels, grid = int(settings["channels"]), int(settings["grid"])
        return Geometry((channels, grid, grid), float(settings["box_size_mpc_h"]), cells)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"The slices do not say how they were cut: {error!r}.",
            "Give the folder that the preprocess stage `density_slices` wrote.",
        ) from error


def cut_by(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return what has to be kept of a table's settings: how to cut alike, and which boxes were for what."""
    split = {name: settings["settings"][name] for name in ("validation_fraction", "test_fraction", "seed")}
    return {**settings, "split": split}


def overdensity_of(final: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
    """Overdensity of final slices as they are in the table."""
    return np.asarray(final, dtype=np.float32)
