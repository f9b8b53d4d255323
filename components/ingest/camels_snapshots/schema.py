"""The table of simulations that every source of this component writes, the simulator included."""

import pyarrow as pa

from components.common.tables import column, tensor_column


def fields(grid: int) -> tuple[pa.Field, ...]:
    """Fields of `dataset.parquet` for densities of so many cells a side."""
    return (
        column("id", "string", "name of the simulation, such as LH_12; unique"),
        column("simulation_id", "string", "simulations of one initial field share it: the group of the split"),
        column("set", "string", "set of simulations that it belongs to"),
        column("suite", "string", "suite of simulations, or the simulator"),
        column("seed", "int64", "of the initial field"),
        column("omega_m", "float64", "density of matter over the critical density, today"),
        column("sigma_8", "float64", "linear rms overdensity in spheres of 8 Mpc/h, today"),
        column("redshift_initial", "float64", "of the target"),
        column("redshift_final", "float64", "of what is given"),
        column("lattice", "int64", "particles of dark matter a side; 0 if they are on no lattice"),
        tensor_column("initial", (grid,) * 3, "density of matter over its mean at the initial redshift"),
        tensor_column("final", (grid,) * 3, "density of matter over its mean at the final redshift"),
    )
