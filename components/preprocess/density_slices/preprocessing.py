"""The preprocess stage: cubes of density as stacks of slabs, the beginning scaled to today by linear growth."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from components.common.errors import InputError, ParameterError
from components.common.files import whole
from components.common.rejections import Noun, Rejections
from components.common.shards import Shard
from components.common.splits import assign_splits
from components.common.tables import (
    Columns,
    TableWriter,
    column,
    open_table,
    read_batches,
    read_provenance,
    read_settings,
    read_table,
    tensor_column,
)
from components.common.telemetry import report_counts, report_progress, stage, warn
from components.physics.cosmology import Cosmology
from components.preprocess.dataset import grouped
from components.preprocess.density_slices.slicing import AXES, overdensity_slabs, require_slabs

__all__ = ["Settings", "preprocess"]

DATASET, REJECTED = "dataset.parquet", "rejected.parquet"
_CUBES = ("initial", "final")
_CARRIED = ("simulation_id", "set", "suite", "seed", "omega_m", "sigma_8", "redshift_initial", "redshift_final")
SIMULATIONS = Noun("simulation", "simulations", "Look at what rejected.parquet of the ingest stage says.")
_NEEDED = ("id", "lattice", *_CARRIED, *_CUBES)
_MEAN_TOLERANCE = 1e-3
_TARGET_TOLERANCE = 0.02
"""Of 1 + z: runs of one code differ by less, and linear growth takes care of that."""


@dataclass(frozen=True)
class Settings:
    """What the stage does to cubes.

    Attributes
    ----------
    channels : int
        Slabs that a cube is cut into; divides its grid. All of them are given to a model together, because matter
        moves by about 2 Mpc/h, across their borders.
    axes : str
        Axes along which it is cut, of x, y and z: each gives a row, of the same split.
    validation_fraction, test_fraction : float
        Shares of the simulations.
    seed : int
        Of the split.
    """

    channels: int = 8
    axes: str = AXES
    validation_fraction: float = 0.15
    test_fraction: float = 0.15
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.axes or set(self.axes) - set(AXES) or len(set(self.axes)) != len(self.axes):
            raise ParameterError(f"There are no axes {self.axes!r}.", "Give some of x, y and z, each once: xyz.")
        if self.channels < 1:
            raise ParameterError(f"channels is {self.channels}.", "Give the number of slabs, such as 8.")


def preprocess(snapshots: Path, output: Path, settings: Settings) -> None:
    """Cut cubes into slabs, along each axis.

    Both columns stay overdensities: how they are best shown to a network is the training's choice. The table is
    read one simulation at a time.

    All targets are of one redshift, stored as `target_redshift`: that of most simulations, the earlier one of two
    equal halves. Growth since then would scale those of another to today too, but in them gravity has done another
    part of its work: CAMELS' first snapshot is at z = 15, and was at z = 6 in the sets that it simulated first.

    Parameters
    ----------
    snapshots : Path
        Folder with the `dataset.parquet` of the ingest stage.
    output : Path
        Folder to create, with `dataset.parquet` and `rejected.parquet`.
    settings : Settings
        What to do.

    Raises
    ------
    InputError
        When the grid does not divide the particles' lattice, or no simulation is left.
    """
    with stage("preprocess", output), whole(output) as folder:
        source = snapshots / DATASET
        about = read_settings(source)
        _require(source, about, settings)
        splits = _Splits(source, settings)
        rejections = Rejections()
        stored = {
            **Shard.without(about),
            "channels": settings.channels,
            "axes": settings.axes,
            "target_redshift": splits.target_redshift,
            "settings": asdict(settings),
        }
        provenance = read_provenance(source)
        done = 0
        with TableWriter(folder / DATASET, _fields(about["grid"], settings), provenance, stored) as writer:
            usable = _usable(source, splits, rejections)
            for rows in grouped(row for simulation in usable for row in _rows(simulation, splits, settings)):
                writer.write(rows)
                done = writer.rows // len(settings.axes) + len(rejections)
                report_progress(done, splits.rows, SIMULATIONS.many, rejected=len(rejections))
            rejections.require_rest(writer.rows, source, SIMULATIONS)
            writer.provenance = provenance.with_rejected(rejections.counts)
        rejections.write(folder / REJECTED, writer.provenance)
        report_counts(rows_in=splits.rows, rows_out=writer.rows, rejected=len(rejections))


class _Splits:
    """The split of each simulation, where those that begin alike stay together, and the redshift of targets."""

    def __init__(self, source: Path, settings: Settings):
        names = read_table(source, ["id", "simulation_id", "redshift_initial"])
        chosen = assign_splits(
            names["simulation_id"], settings.validation_fraction, settings.test_fraction, settings.seed
        )
        self.rows = len(chosen)
        redshifts = names["redshift_initial"]
        self.target_redshift = float(np.sort(redshifts)[self.rows // 2])
        if others := int(_is_another(redshifts, self.target_redshift).sum()):
            warn(
                f"Targets are at redshift {self.target_redshift:.4g}, as those of most simulations or the earlier "
                f"half: {others} of {self.rows} are left out, whose are at others."
            )
        self._of = dict(zip(names["id"].tolist(), chosen.tolist(), strict=True))

    def __getitem__(self, name: str) -> str:
        return str(self._of[name])


def _require(source: Path, about: dict[str, Any], settings: Settings) -> None:
    with open_table(source) as file:
        missing = sorted(set(_NEEDED) - set(file.schema_arrow.names))
    if missing or "grid" not in about:
        raise InputError(
            f"{source} has no {', '.join(missing) or 'grid in its settings'}.",
            "Give the folder that the ingest stage of snapshots wrote.",
        )
    grid = about["grid"]
    require_slabs(grid, settings.channels)
    lattices = np.unique(read_table(source, ["lattice"])["lattice"])
    if bad := [int(lattice) for lattice in lattices if lattice and lattice % grid]:
        raise InputError(
            f"The grid of {grid} cells in {source} does not divide a lattice of {bad[0]} particles a side: the "
            "early density is a moire pattern of the two.",
            "Ingest again with a grid of 32, 64, 128 or 256 that divides the lattice.",
        )


def _fields(grid: int, settings: Settings) -> list[pa.Field]:
    shape = (settings.channels, grid, grid)
    return [
        column("id", "string", "simulation and axis; unique"),
        column("simulation_id", "string", "simulations of one initial field share it: the group of the split"),
        column("set", "string", "set of simulations that it belongs to"),
        column("suite", "string", "suite of simulations, or the simulator"),
        column("axis", "string", "x, y or z: along which slabs follow each other"),
        column("split", "string", "train, validation or test; one for all axes of what began alike"),
        column("seed", "int64", "of the initial field"),
        column("omega_m", "float64", "density of matter over the critical density, today"),
        column("sigma_8", "float64", "linear rms overdensity in spheres of 8 Mpc/h, today"),
        column("redshift_initial", "float64", "of the target"),
        column("redshift_final", "float64", "of what is given"),
        column("growth", "float64", "linear growth between the two, below 1: what the target was divided by"),
        tensor_column("final", shape, "overdensity of the slabs at the final redshift"),
        tensor_column(
            "initial",
            shape,
            "overdensity of the slabs at the initial redshift, over growth: in linear theory the final one",
        ),
    ]


def _usable(source: Path, splits: _Splits, rejections: Rejections) -> Iterator[Columns]:
    """Yield simulations one by one; those whose cubes are no densities, or of another time, are left out."""
    for batch in read_batches(source, _NEEDED):
        for row in range(len(batch["id"])):
            problem = _problem(batch, row, splits.target_redshift)
            if problem is None:
                yield {name: values[row : row + 1] for name, values in batch.items()}
            else:
                rejections.add(batch["id"][row], *problem)


def _is_another(redshift: Any, target: float) -> Any:
    return abs(redshift - target) > _TARGET_TOLERANCE * (1 + target)


def _problem(batch: Columns, row: int, target: float) -> tuple[str, str] | None:
    redshift = float(batch["redshift_initial"][row])
    if _is_another(redshift, target):
        return "another target", f"Its target is at redshift {redshift:.4g}, that of the others at {target:.4g}."
    for name in _CUBES:
        cube = batch[name][row]
        mean = float(cube.mean(dtype=np.float64))
        if not np.isfinite(mean):
            return "not finite", f"The {name} density has cells that are not finite numbers."
        if cube.min() < 0:
            return "negative", f"The {name} density is negative in {int((cube < 0).sum())} cells."
        if abs(mean - 1) > _MEAN_TOLERANCE:
            return "wrong mean", f"The mean of the {name} density is {mean:g}, not 1."
    return None


def _growth(simulation: Columns) -> float:
    cosmology = Cosmology(omega_m=float(simulation["omega_m"][0]))
    times = [1 / (1 + float(simulation[f"redshift_{which}"][0])) for which in _CUBES]
    early, late = cosmology.growth(np.minimum(times, 1.0)).first
    return float(early / late)


def _rows(simulation: Columns, splits: _Splits, settings: Settings) -> Iterator[Columns]:
    growth = _growth(simulation)
    name = str(simulation["id"][0])
    for axis in settings.axes:
        slabs = {which: overdensity_slabs(simulation[which][0], axis, settings.channels) for which in _CUBES}
        new = {"id": f"{name}-{axis}", "axis": axis, "split": splits[name], "growth": growth}
        yield {
            **{key: simulation[key] for key in _CARRIED},
            **{key: np.array([value]) for key, value in new.items()},
            "final": slabs["final"][None],
            "initial": (slabs["initial"] / np.float32(growth))[None],
        }
