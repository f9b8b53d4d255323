"""The force of gravity from particles on a mesh, and the two halves of a time step."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt
from scipy import fft

from components.common.compilation import compiled
from components.physics.density_grid import add
from components.physics.initial_fields import frequencies

Vectors = npt.NDArray[np.float32]

_MOST_GIVEN_BACK = 3.3
"""Reached at two thirds of the Nyquist frequency along an axis; more makes particles collide."""

_compiled = compiled(nogil=True, fastmath=True)


class MeshForces:
    """Solve Poisson's equation on a mesh, for one set of particles after the other.

    The mesh lies such that particles of the undisturbed lattice are half a cell from its nodes: there the cloud's
    weights are linear in small displacements, and early growth is that of a fluid.

    Parameters
    ----------
    particles : int
        A side of the lattice.
    factor : int
        Cells of the mesh for each of them along a side.
    box_size : float
        Side of the periodic box.
    workers : int
        Threads.
    """

    def __init__(self, particles: int, factor: int, box_size: float, workers: int = 1):
        self.mesh, self.box_size, self.workers = particles * factor, box_size, workers
        self.offset = 0.0 if factor % 2 else 0.5
        # Three components side by side, and a fourth place for their alignment.
        self.gradient: Vectors = np.zeros((*(self.mesh,) * 3, 4), dtype=np.float32)
        self._kernel = _kernel(self.mesh, box_size, compensate=factor == 1)

    def potential(self, positions: Vectors) -> npt.NDArray[np.float32]:
        """Potential whose Laplacian is the overdensity, on the mesh."""
        density = np.zeros((self.mesh,) * 3, dtype=np.float32)
        shift = self.offset * self.box_size / self.mesh
        add(density, positions, self.box_size, self.workers, self.mesh**3 / len(positions), (shift,) * 3)
        modes = fft.rfftn(density, workers=self.workers, overwrite_x=True)
        modes *= self._kernel
        return np.asarray(fft.irfftn(modes, (self.mesh,) * 3, workers=self.workers, overwrite_x=True))


def _kernel(mesh: int, box_size: float, compensate: bool) -> npt.NDArray[np.float32]:
    """Inverse of the Laplacian.

    Painting, differences and reading fall short of the true force at high frequency. What they take of the growth
    of a lattice that is slightly disturbed is known exactly, and on a mesh as coarse as the lattice it is given
    back, but no more than `_MOST_GIVEN_BACK`. On a finer mesh that would amplify the images that the lattice makes
    of each wave beyond its own Nyquist frequency.
    """
    k = frequencies(mesh, box_size)
    square = k[0] ** 2 + k[1] ** 2 + k[2] ** 2
    square[0, 0, 0] = 1
    response = square
    if compensate:
        cell = box_size / mesh
        # Off the axis of the difference, painting and reading halfway between nodes average; along it, painting is
        # a difference of its own.
        mean = [np.cos(axis * cell / 2) ** 2 for axis in k]
        slope = [
            np.sin(axis * cell) * (8 * np.sin(axis * cell) - np.sin(2 * axis * cell)) / (6 * cell**2) for axis in k
        ]
        response = slope[0] * mean[1] * mean[2] + slope[1] * mean[0] * mean[2] + slope[2] * mean[0] * mean[1]
        response = np.maximum(response, square / _MOST_GIVEN_BACK)
    kernel = (-1 / response).astype(np.float32)
    kernel[0, 0, 0] = 0
    return kernel


def kick(rates: Vectors, forces: MeshForces, positions: Vectors, keep: float, push: float) -> None:
    """Replace rates by `keep` times them and `push` times the force, minus the gradient of the potential."""
    potential = forces.potential(positions)
    scale = np.float32(forces.mesh / forces.box_size)
    pull, offset = forces.gradient, np.float32(forces.offset)
    _differentiate(pull, potential, np.float32(push * 2 / 3) * scale, np.float32(-push / 12) * scale)
    workers = forces.workers
    if workers == 1:
        _kick(rates, positions, pull, scale, offset, np.float32(keep))
        return
    parts = zip(np.array_split(rates, workers), np.array_split(positions, workers), strict=True)  # views
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(lambda part: _kick(part[0], part[1], pull, scale, offset, np.float32(keep)), parts))


def drift(positions: Vectors, rates: Vectors, time: float, box_size: float) -> None:
    """Move particles, and keep them in the box."""
    _drift(positions, rates, np.float32(time), np.float32(box_size))


@_compiled
def _drift(positions, rates, time, box_size):  # type: ignore[no-untyped-def]
    """Move and wrap."""
    for p in range(positions.shape[0]):
        for axis in range(3):
            x = positions[p, axis] + time * rates[p, axis]
            positions[p, axis] = x - box_size * np.floor(x / box_size)


@_compiled
def _differentiate(gradient, field, near, far):  # type: ignore[no-untyped-def]
    """Take differences of fourth order at all nodes; `near` and `far` weigh neighbours one and two cells away."""
    n = field.shape[0]
    for i in range(n):
        right, left = field[(i + 1) % n], field[(i - 1) % n]
        far_right, far_left = field[(i + 2) % n], field[(i - 2) % n]
        for j in range(n):
            up, down, far_up, far_down = (j + 1) % n, (j - 1) % n, (j + 2) % n, (j - 2) % n
            out, row = gradient[i, j], field[i, j]
            for k in range(n):
                out[k, 0] = near * (right[j, k] - left[j, k]) + far * (far_right[j, k] - far_left[j, k])
                out[k, 1] = near * (field[i, up, k] - field[i, down, k])
                out[k, 1] += far * (field[i, far_up, k] - field[i, far_down, k])
            for k in range(2, n - 2):
                out[k, 2] = near * (row[k + 1] - row[k - 1]) + far * (row[k + 2] - row[k - 2])
            for k in (0, 1, n - 2, n - 1):
                out[k, 2] = near * (row[(k + 1) % n] - row[(k - 1) % n])
                out[k, 2] += far * (row[(k + 2) % n] - row[(k - 2) % n])


@_compiled
def _kick(rates, positions, pull, scale, offset, keep):  # type: ignore[no-untyped-def]
    """Take the interpolated gradient from the rates; positions lie in the box."""
    n = pull.shape[0]
    one = np.float32(1.0)
    for p in range(positions.shape[0]):
        x = positions[p, 0] * scale + offset
        y = positions[p, 1] * scale + offset
        z = positions[p, 2] * scale + offset
        i, j, k = int(x), int(y), int(z)
        dx, dy, dz = x - np.float32(i), y - np.float32(j), z - np.float32(k)
        i, j, k = i % n, j % n, k % n
        i1, j1, k1 = (i + 1) % n, (j + 1) % n, (k + 1) % n
        ex, ey, ez = one - dx, one - dy, one - dz
        aa, ab, ba, bb = ex * ey, ex * dy, dx * ey, dx * dy
        for axis in range(3):
            value = aa * (ez * pull[i, j, k, axis] + dz * pull[i, j, k1, axis])
            value += ab * (ez * pull[i, j1, k, axis] + dz * pull[i, j1, k1, axis])
            value += ba * (ez * pull[i1, j, k, axis] + dz * pull[i1, j, k1, axis])
            value += bb * (ez * pull[i1, j1, k, axis] + dz * pull[i1, j1, k1, axis])
            rates[p, axis] = keep * rates[p, axis] - value
