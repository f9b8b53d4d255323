"""Cubes of density as a model's slices, for simulations that come without a preprocess stage."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from components.common.errors import InputError
from components.common.tables import Columns
from components.physics.cosmology import Cosmology
from components.preprocess.density_slices.slicing import overdensity_slabs

Field = npt.NDArray[np.float32]


def cut(simulation: Columns, axis: str, settings: Mapping[str, Any]) -> tuple[Field, Field]:
    """Cut one simulation as the preprocess stage does.

    Parameters
    ----------
    simulation : dict of str to ndarray
        One row of the ingest stage.
    axis : {"x", "y", "z"}
        Along which slices follow each other.
    settings : mapping
        The model's preprocess settings.

    Returns
    -------
    final, initial : ndarray, shape (1, slices, rows, columns)
        Overdensities, the initial one scaled to the final time by linear growth.

    Raises
    ------
    InputError
        When the density is on another grid.
    """
    side = simulation["final"].shape[1]
    if settings.get("grid") != side:
        raise InputError(
            f"The model knows densities on {settings.get('grid')} cells a side, not {side}.",
            "Ingest simulations with the model's grid.",
        )
    cosmology = Cosmology(omega_m=float(simulation["omega_m"][0]))
    times = [1 / (1 + max(float(simulation[f"redshift_{which}"][0]), 0.0)) for which in ("initial", "final")]
    early, late = cosmology.growth(times).first
    channels = int(settings["channels"])
    final, initial = (overdensity_slabs(simulation[name][0], axis, channels) for name in ("final", "initial"))
    return final[None], (initial / np.float32(early / late))[None]
