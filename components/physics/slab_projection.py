"""Tracers with several properties each, laid onto maps of slabs along all three axes in one pass."""

import numpy as np
import numpy.typing as npt

from components.common.compilation import compiled
from components.physics.matter_sheet import double

Array = npt.NDArray[np.float32]

_WIDEST = 3
_CLOUD_PER_SPACING = 1.5
"""Half the width of a cloud, at least, in distances between tracers."""

_compiled = compiled(nogil=True, fastmath={"contract"})


def project_adaptively(
    positions: Array, weights: Array, density: Array, grid: int, slabs: int, box_size: float
) -> Array:
    """Do what `project` does, with wider clouds for tracers in thin regions: voids then do not look like lattices.

    CAMELS recommends the like for maps of gas: particles as wide as the distance to the 32nd neighbour. Here they
    are one, two, four or eight pixels wide; the sum over a map is the same.

    Parameters
    ----------
    positions, weights, grid, slabs, box_size
        As for `project`.
    density : ndarray of float32, shape (tracers,)
        Around each tracer, in units of the mean.

    Returns
    -------
    ndarray of float32, shape (3 * slabs, k, grid, grid)
    """
    spacing = grid / len(positions) ** (1 / 3) / np.cbrt(np.maximum(density, np.float32(1e-3)))  # in pixels
    deepest = next(level for level in range(_WIDEST, -1, -1) if grid % 2**level == 0)
    levels = np.clip(np.ceil(np.log2(_CLOUD_PER_SPACING * spacing)), 0, deepest).astype(np.int8)
    total: Array | None = None
    for level in range(deepest, -1, -1):
        if total is not None:
            total = double(double(total, 2), 3) * np.float32(0.25)
        chosen = np.flatnonzero(levels == level)
        if len(chosen) or total is None:
            sums = project(positions[chosen], weights[chosen], grid >> level, slabs, box_size)
            total = sums if total is None else total + sums
    assert total is not None
    return total


def project(positions: Array, weights: Array, grid: int, slabs: int, box_size: float) -> Array:
    """Sum up properties of tracers on maps, by cloud-in-cell weights within a map.

    Parameters
    ----------
    positions : ndarray of float32, shape (tracers, 3)
        Taken modulo the box.
    weights : ndarray of float32, shape (tracers, k)
        What each tracer adds.
    grid : int
        Pixels a side.
    slabs : int
        Into how many slabs the box is cut along each axis. A tracer belongs to the one that it is in.
    box_size : float
        Side of the periodic box.

    Returns
    -------
    ndarray of float32, shape (3 * slabs, k, grid, grid)
        Slabs along the first axis of positions, then along the second and the third. A map has the other two
        axes in their order.
    """
    sums = np.zeros((3, slabs, grid, grid, weights.shape[1]), dtype=np.float32)
    _project(sums, positions, np.ascontiguousarray(weights), np.float32(1 / box_size))
    return np.ascontiguousarray(np.moveaxis(sums, -1, 2)).reshape(3 * slabs, weights.shape[1], grid, grid)


def deposit(positions: Array, weights: Array, grid: int, box_size: float) -> Array:
    """Sum up properties of tracers on a grid in three dimensions.

    Parameters
    ----------
    positions, weights, box_size
        As for `project`.
    grid : int
        Cells a side; nodes lie at whole multiples of the cell, as those of `density_grid.paint`.

    Returns
    -------
    ndarray of float32, shape (k, grid, grid, grid)
    """
    sums = np.zeros((grid, grid, grid, weights.shape[1]), dtype=np.float32)
    _deposit(sums, positions, np.ascontiguousarray(weights), np.float32(1 / box_size))
    return np.ascontiguousarray(np.moveaxis(sums, -1, 0))


@_compiled
def _project(sums, positions, weights, scale):  # type: ignore[no-untyped-def]
    """Add every tracer to three maps, four pixels each."""
    slabs, n, kinds = sums.shape[1], sums.shape[2], sums.shape[4]
    one = np.float32(1.0)
    lower = np.empty(3, np.int64)
    upper = np.empty(3, np.int64)
    share = np.empty(3, np.float32)
    slab = np.empty(3, np.int64)
    for p in range(positions.shape[0]):
        for axis in range(3):
            u = positions[p, axis] * scale
            u -= np.floor(u)
            slab[axis] = min(int(u * slabs), slabs - 1)
            x = u * n - np.float32(0.5)  # pixel i has its centre at (i + 1/2) / n
            floor = np.floor(x)
            share[axis] = x - floor
            lower[axis] = (int(floor) + n) % n
            upper[axis] = (lower[axis] + 1) % n
        for axis in range(3):
            a = 1 if axis == 0 else 0
            b = 1 if axis == 2 else 2
            first = sums[axis, slab[axis], lower[a]]
            second = sums[axis, slab[axis], upper[a]]
            w00 = (one - share[a]) * (one - share[b])
            w01 = (one - share[a]) * share[b]
            w10 = share[a] * (one - share[b])
            w11 = share[a] * share[b]
            for k in range(kinds):
                w = weights[p, k]
                first[lower[b], k] += w00 * w
                first[upper[b], k] += w01 * w
                second[lower[b], k] += w10 * w
                second[upper[b], k] += w11 * w


@_compiled
def _deposit(sums, positions, weights, scale):  # type: ignore[no-untyped-def]
    """Add every tracer to eight cells."""
    n, kinds = sums.shape[0], sums.shape[3]
    one = np.float32(1.0)
    cell = np.empty((3, 2), np.int64)
    share = np.empty((3, 2), np.float32)
    for p in range(positions.shape[0]):
        for axis in range(3):
            x = positions[p, axis] * scale * n
            floor = np.floor(x)
            share[axis, 1] = x - floor
            share[axis, 0] = one - share[axis, 1]
            cell[axis, 0] = int(floor) % n
            cell[axis, 1] = (cell[axis, 0] + 1) % n
        for a in range(2):
            for b in range(2):
                for c in range(2):
                    w = share[0, a] * share[1, b] * share[2, c]
                    for k in range(kinds):
                        sums[cell[0, a], cell[1, b], cell[2, c], k] += w * weights[p, k]
