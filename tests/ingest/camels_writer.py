"""Files in the layout of the CAMELS Multifield Dataset, with fewer and smaller maps."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

MAPS = 15


def write_suite(
    folder: Path,
    suite: str = "IllustrisTNG",
    camels_set: str = "LH",
    fields: Sequence[str] = ("Mtot", "HI"),
    simulations: int = 4,
    side: int = 16,
    seed: int = 0,
) -> dict[str, npt.NDArray[np.float32]]:
    """Write maps of fields and their table of parameters, and return the maps."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    maps = {}
    for field in fields:
        values = 10 ** rng.normal(11, 1, (simulations * MAPS, side, side))
        maps[field] = values.astype(np.float32)
        save(folder, maps[field], field, suite, camels_set)
    write_table(folder, parameters(simulations, seed), suite, camels_set)
    return maps


def save(folder: Path, maps: npt.NDArray[Any], field: str, suite: str, camels_set: str) -> Path:
    """Write the file of one field."""
    path = folder / f"Maps_{field}_{suite}_{camels_set}_z=0.00.npy"
    np.save(path, maps)
    return path


def parameters(simulations: int, seed: int = 0) -> npt.NDArray[np.float64]:
    """Draw the six parameters of simulations, with as many digits as the dataset's tables have."""
    rng = np.random.default_rng((seed, 1))
    cosmology = rng.uniform((0.1, 0.6), (0.5, 1.0), (simulations, 2))
    feedback = np.array([4, 4, 2, 2]) ** rng.uniform(-1, 1, (simulations, 4))
    return np.round(np.hstack([cosmology, feedback]), 5)


def write_table(folder: Path, table: npt.NDArray[np.float64], suite: str, camels_set: str) -> Path:
    """Write a table of parameters under the name that the dataset gives it."""
    path = folder / f"params_{camels_set}_{suite}.txt"
    np.savetxt(path, table, fmt="%.5f")
    return path
