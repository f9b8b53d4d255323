"""The density of a snapshot: its files one after the other, their particles part by part, onto one grid."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from components.common.errors import InputError
from components.ingest.camels_snapshots.settings import Settings, require_divisor
from components.ingest.camels_snapshots.snapshot_file import open_snapshot
from components.ingest.camels_snapshots.snapshot_header import Header, SnapshotFile
from components.physics.density_grid import add

DARK = 1
"""The type of dark matter, in every code."""
_TOLERANCE = 0.01
_SMALLEST_SPREAD = 0.5
_FEW = 1000
"""So many black holes may well be in one half of the box."""
_MOST_TYPES = 32
_WEAKEST_LATTICE = 0.05
_SAMPLED = 16

Offset = tuple[float, float, float]


@dataclass(frozen=True, eq=False)
class Density:
    """What is kept of a snapshot.

    Attributes
    ----------
    grid : ndarray of float32, shape (grid, grid, grid)
        Density over its mean.
    header : Header
        Of its first file.
    offset : tuple of float
        By which all particles were shifted, in Mpc/h.
    """

    grid: npt.NDArray[np.float32]
    header: Header
    offset: Offset


def read_density(
    files: Iterable[Path], settings: Settings, offset: Offset | None = None, workers: int = 1
) -> Density:
    """Paint a snapshot.

    Parameters
    ----------
    files : iterable of Path
        All files of the snapshot. The next one is asked for when one is done with.
    settings : Settings
        Grid, box and which particles count.
    offset : tuple of float, optional
        Shift of all particles, in Mpc/h. By default the one that brings a lattice that can still be seen halfway
        between the grid's nodes, where cloud-in-cell paints small displacements as they are; else none.
    workers : int
        Threads.

    Raises
    ------
    InputError
        When a file is broken, of another box, or not all of the snapshot is there.
    """
    grid = np.zeros((settings.grid,) * 3, dtype=np.float32)
    seen: npt.NDArray[np.int64] | None = None
    extents = [_Extent() for _ in range(_MOST_TYPES)]
    first: Header | None = None
    last: Path | None = None
    for path in files:
        last = path
        with open_snapshot(path) as file:
            _check(path, file.header, settings)
            if first is None:
                first = file.header
                offset = lattice_offset(file, settings.box_size_mpc_h) if offset is None else offset
            _paint(path, file, grid, settings, offset or (0.0, 0.0, 0.0), workers, extents)
            seen = file.header.counts + (0 if seen is None else seen)
    if first is None or seen is None or offset is None:
        raise InputError("A snapshot has no file.", "Fetch the simulation again.")
    if not np.array_equal(seen, first.totals):
        raise InputError(
            f"The files of the snapshot {last} hold {_counts(seen)} particles, but it has "
            f"{_counts(first.totals)}.",
            f"Give all of its files: its header says that there are {first.files}.",
        )
    for extent in extents:
        extent.check(last, settings.box_size_mpc_h)
    mean = float(grid.mean(dtype=np.float64))
    if not mean > 0:
        raise InputError(f"The particles of {last} have no mass.", "Mend the file, or leave this simulation out.")
    grid *= np.float32(1 / mean)
    return Density(grid, first, offset)


def lattice_offset(file: SnapshotFile, box_size: float) -> Offset:
    """Shift that brings the lattice of dark matter halfway between nodes, in Mpc/h; 0 where none is seen."""
    side = file.header.lattice
    if not side:
        return (0.0, 0.0, 0.0)
    spacing = box_size / side
    total, count = np.zeros(3, dtype=np.complex128), 0
    for part in file.parts(DARK):
        some = part.positions[::_SAMPLED].astype(np.float64) * (file.header.unit / spacing)
        with np.errstate(invalid="ignore"):  # what is no number is found when it is painted
            total += np.exp(2j * np.pi * some).sum(axis=0)
        count += len(some)
    mean = total / max(count, 1)
    if not np.all(np.abs(mean) > _WEAKEST_LATTICE):
        return (0.0, 0.0, 0.0)
    phase = np.angle(mean) / (2 * np.pi)  # where in its cell of the lattice a particle is at rest
    shift = (np.mod(0.5 - phase + 0.5, 1) - 0.5) * spacing
    return (float(shift[0]), float(shift[1]), float(shift[2]))


class _Extent:
    """Where particles are, to notice coordinates in other units than the box's."""

    def __init__(self) -> None:
        self._low, self._high, self._count = np.inf, -np.inf, 0

    def see(self, positions: npt.NDArray[np.float64], unit: float) -> None:
        self._count += len(positions)
        self._low = min(self._low, float(positions.min()) * unit)
        self._high = max(self._high, float(positions.max()) * unit)

    def check(self, path: object, box_size: float) -> None:
        inside = -_TOLERANCE * box_size <= self._low and self._high <= (1 + _TOLERANCE) * box_size
        narrow = self._count > _FEW and self._high - self._low < _SMALLEST_SPREAD * box_size
        if self._count and (narrow or not inside):
            raise InputError(
                f"Particles of {path} lie between {self._low:g} and {self._high:g} Mpc/h in a box of "
                f"{box_size:g}: they are in other units than the box, or not counted from its corner.",
                "Mend the file, or leave this simulation out.",
            )


def _check(path: Path, header: Header, settings: Settings) -> None:
    if abs(header.box_size / settings.box_size_mpc_h - 1) > _TOLERANCE:
        raise InputError(
            f"{path} says that its box is {header.box_size:g} Mpc/h wide, not {settings.box_size_mpc_h:g}.",
            "Set box_size_mpc_h to that of the simulations, or give a box as wide as those that a model learnt "
            "from; a file in other units than kpc/h must say so.",
        )
    if header.lattice:
        require_divisor(settings.grid, header.lattice)


def _paint(
    path: Path,
    file: SnapshotFile,
    grid: npt.NDArray[np.float32],
    settings: Settings,
    offset: Offset,
    workers: int,
    extents: list[_Extent],
) -> None:
    unit = file.header.unit
    kinds = range(len(file.header.counts)) if settings.matter == "all" else (DARK,)
    for kind in kinds:
        for part in file.parts(kind):
            _named(
                path,
                lambda part=part: add(  # type: ignore[misc]
                    grid,
                    part.positions,
                    settings.box_size_mpc_h / unit,
                    workers,
                    part.mass,
                    (offset[0] / unit, offset[1] / unit, offset[2] / unit),
                ),
            )
            extents[kind].see(part.positions, unit)


def _named(path: Path, action: Callable[[], None]) -> None:
    """Say of which file an error is."""
    try:
        action()
    except InputError as error:
        raise InputError(f"{path}: {error.problem}", error.remedy) from error


def _counts(counts: npt.NDArray[np.int64]) -> str:
    return " + ".join(str(count) for count in counts.tolist() if count) or "no"
