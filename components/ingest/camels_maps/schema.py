"""What the table of maps looks like, wherever the maps come from."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from components.common.tables import Columns, column, tensor_column
from components.physics.multifield import BOX_SIZE_MPC_H, FIELDS, MAPS_PER_SIMULATION, PARAMETERS

_DESCRIPTIONS = {
    "omega_m": "density of matter over the critical one",
    "sigma_8": "linear rms overdensity in spheres of 8 Mpc/h",
    "a_sn1": "energy of supernova feedback, 1 for the fiducial; NaN without feedback",
    "a_agn1": "energy of black-hole feedback, 1 for the fiducial; NaN without feedback",
    "a_sn2": "speed of supernova feedback, 1 for the fiducial; NaN without feedback",
    "a_agn2": "speed or burstiness of black-hole feedback, 1 for the fiducial; NaN without feedback",
}


def fields_of(names: Sequence[str], grid: int) -> tuple[pa.Field, ...]:
    """Fields of `dataset.parquet` for maps of these fields with `grid` pixels a side."""
    return (
        column("id", "string", "name of the map; unique"),
        column("simulation_id", "string", "suite, set and number of the simulation that 15 maps are cut from"),
        column("suite", "string", "code that made the simulation"),
        column("set", "string", "LH, CV, 1P or EX"),
        column("simulation", "int64", "number of the simulation in its set"),
        column(
            "map_index", "int64", "number of the map in the dataset's file: 15 times the simulation's, and more"
        ),
        column("phases", "string", "simulations that grew from the same initial conditions share it"),
        *(column(name, "float64", _DESCRIPTIONS[name]) for name in PARAMETERS),
        tensor_column("maps", (len(names), grid, grid), f"{', '.join(names)}, projected through 5 Mpc/h"),
    )


def settings_of(names: Sequence[str], grid: int) -> dict[str, Any]:
    """Return what later stages have to know about the maps."""
    return {
        "fields": list(names),
        "units": {name: FIELDS[name].unit for name in names},
        "box_size_mpc_h": BOX_SIZE_MPC_H,
        "grid": grid,
        "parameters": list(PARAMETERS),
    }


def rows_of(
    suite: str, camels_set: str, number: int, parameters: Sequence[float], maps: npt.NDArray[np.float32]
) -> Columns:
    """Lay out the maps of one simulation as rows.

    Parameters
    ----------
    suite, camels_set : str
        What it belongs to.
    number : int
        Its number there.
    parameters : sequence of float
        The six, in the order of `PARAMETERS`.
    maps : ndarray of float32, shape (15, fields, n, n)
        In physical units.
    """
    index = number * MAPS_PER_SIMULATION + np.arange(MAPS_PER_SIMULATION)
    name = f"{suite}_{camels_set}_{number}"

    def repeated(value: object) -> npt.NDArray[Any]:
        return np.full(MAPS_PER_SIMULATION, value, dtype=object)

    return {
        "id": np.array([f"{name}_{place:02d}" for place in range(MAPS_PER_SIMULATION)], dtype=object),
        "simulation_id": repeated(name),
        "suite": repeated(suite),
        "set": repeated(camels_set),
        "simulation": np.full(MAPS_PER_SIMULATION, number),
        "map_index": index,
        "phases": repeated(phases_of(suite, camels_set, number)),
        **{key: np.full(MAPS_PER_SIMULATION, value) for key, value in zip(PARAMETERS, parameters, strict=True)},
        "maps": maps,
    }


def phases_of(suite: str, camels_set: str, number: int) -> str:
    """Name the initial conditions of a simulation, of which the whole universe is a consequence.

    By the public tables of seeds (CosmoAstroSeed_*.txt): simulations of 1P all grew from one seed and those of
    EX from another, in every suite; CV has the seeds from 1 on in every suite, but for a few of SIMBA, and the
    hypercube of IllustrisTNG those from 0 on, so that they share them; SIMBA's and Astrid's hypercubes have
    their own. An N-body simulation has the seed of its twin with gas.
    """
    twin = suite.removeprefix("Nbody_")
    if camels_set == "1P":
        return "seed-67" if twin != "Armillary" else f"{twin}-1P"
    if camels_set == "EX":
        return "seed-13560" if twin != "Armillary" else f"{twin}-EX"
    if camels_set == "CV" and twin != "Armillary":
        return f"seed-{number + 1}"
    if twin == "IllustrisTNG":
        return f"seed-{number}"
    return f"{twin}-{camels_set}-{number}"
