"""From particles to grids and back: cloud-in-cell weights in a periodic box.

The nodes of a grid lie at whole multiples of the cell, from 0. Particles of a lattice that the grid divides,
shifted by half a lattice spacing, then stay off the kinks of the weights, and small displacements are painted as
they are. Counting particles in cells instead would turn a lattice that is displaced by a fraction of a cell into
noise.
"""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt

from components.common.compilation import compiled
from components.common.errors import InputError

Grid = npt.NDArray[np.float32]
Positions = npt.NDArray[np.float32] | npt.NDArray[np.float64]

_CORNERS = 8
"""Nodes that a particle adds to."""

_compiled = compiled(nogil=True, fastmath={"contract"})
# Not all of fastmath: a position that is not a number must be recognised as such.


def paint(positions: Positions, grid: int, box_size: float, workers: int = 1) -> Grid:
    """Density of particles in units of the mean.

    Parameters
    ----------
    positions : ndarray, shape (particles, 3)
        In the units of `box_size`; outside of the box they are taken modulo it.
    grid : int
        Cells a side.
    box_size : float
        Side of the periodic box.
    workers : int
        Threads. Another number rounds the sums differently.

    Returns
    -------
    ndarray of float32, shape (grid, grid, grid)
        1 + overdensity; its mean is 1.

    Raises
    ------
    InputError
        When a position is not a finite number.
    """
    density = np.zeros((grid, grid, grid), dtype=np.float32)
    add(density, positions, box_size, workers)
    density *= np.float32(grid**3 / max(len(positions), 1))
    return density


def add(
    density: Grid,
    positions: Positions,
    box_size: float,
    workers: int = 1,
    mass: float | npt.NDArray[np.float32] = 1.0,
    offset: tuple[float, float, float] = (0.0, 0.0, 0.0),
) -> None:
    """Add particles to a grid, in place: what is too much for memory is painted part by part.

    Parameters
    ----------
    density : ndarray of float32, shape (grid, grid, grid)
        Receives `mass` for every particle.
    positions, box_size, workers
        As for `paint`.
    mass : float or ndarray, shape (particles,)
        Of all or of each of these particles.
    offset : tuple of float
        Added to the coordinates first.

    Raises
    ------
    InputError
        When a position is not a finite number; the grid holds the others.
    """
    scale = len(density) / box_size
    shift = np.asarray(offset, dtype=np.float64) * scale
    masses = np.atleast_1d(np.asarray(mass, dtype=np.float32))
    # Each thread has a grid of its own to clear and to add.
    workers = max(1, min(workers, len(positions) * _CORNERS // density.size))
    parts = np.array_split(positions, workers)
    shares = np.array_split(masses, workers) if len(masses) == len(positions) > 1 else [masses] * workers
    grids = [density, *(np.zeros_like(density) for _ in parts[1:])]
    if workers == 1:
        bad = _add(density, positions, masses, scale, shift)
    else:
        with ThreadPoolExecutor(workers) as pool:
            bad = sum(pool.map(lambda job: _add(*job, scale, shift), zip(grids, parts, shares, strict=True)))
    for other in grids[1:]:
        density += other
    if bad:
        raise InputError(
            f"{bad} of {len(positions)} positions are not finite numbers.", "Look at the file that they come from."
        )


def interpolate(field: Grid, positions: Positions, box_size: float) -> npt.NDArray[np.float32]:
    """Values of a field at positions, by the same weights with which they are painted."""
    values = np.empty(len(positions), dtype=np.float32)
    _read(values, field, positions, len(field) / box_size)
    return values


@_compiled
def _add(density, positions, masses, scale, offset):  # type: ignore[no-untyped-def]
    """Paint particles; returns how many could not be, because they are not numbers."""
    n = density.shape[0]
    bad = 0
    stride = int(masses.size > 1)
    one = np.float32(1.0)
    for p in range(positions.shape[0]):
        x = positions[p, 0] * scale + offset[0]
        y = positions[p, 1] * scale + offset[1]
        z = positions[p, 2] * scale + offset[2]
        if not (abs(x) < 1e9 and abs(y) < 1e9 and abs(z) < 1e9):
            bad += 1
            continue
        fi, fj, fk = np.floor(x), np.floor(y), np.floor(z)
        dx, dy, dz = np.float32(x - fi), np.float32(y - fj), np.float32(z - fk)
        i, j, k = int(fi), int(fj), int(fk)
        if i < 0 or i >= n:
            i %= n
        if j < 0 or j >= n:
            j %= n
        if k < 0 or k >= n:
            k %= n
        i1 = i + 1 if i + 1 < n else 0
        j1 = j + 1 if j + 1 < n else 0
        k1 = k + 1 if k + 1 < n else 0
        weight = masses[p * stride]
        a, b = weight * (one - dx), weight * dx
        aa, ab, ba, bb = a * (one - dy), a * dy, b * (one - dy), b * dy
        ez = one - dz
        density[i, j, k] += aa * ez
        density[i, j, k1] += aa * dz
        density[i, j1, k] += ab * ez
        density[i, j1, k1] += ab * dz
        density[i1, j, k] += ba * ez
        density[i1, j, k1] += ba * dz
        density[i1, j1, k] += bb * ez
        density[i1, j1, k1] += bb * dz
    return bad


@_compiled
def _read(values, field, positions, scale):  # type: ignore[no-untyped-def]
    """Interpolate a field."""
    n = field.shape[0]
    one = np.float32(1.0)
    for p in range(positions.shape[0]):
        x, y, z = positions[p, 0] * scale, positions[p, 1] * scale, positions[p, 2] * scale
        fi, fj, fk = np.floor(x), np.floor(y), np.floor(z)
        dx, dy, dz = np.float32(x - fi), np.float32(y - fj), np.float32(z - fk)
        i, j, k = int(fi) % n, int(fj) % n, int(fk) % n
        i1, j1, k1 = (i + 1) % n, (j + 1) % n, (k + 1) % n
        ez = one - dz
        near = (one - dy) * (ez * field[i, j, k] + dz * field[i, j, k1])
        near += dy * (ez * field[i, j1, k] + dz * field[i, j1, k1])
        far = (one - dy) * (ez * field[i1, j, k] + dz * field[i1, j, k1])
        far += dy * (ez * field[i1, j1, k] + dz * field[i1, j1, k1])
        values[p] = (one - dx) * near + dx * far
