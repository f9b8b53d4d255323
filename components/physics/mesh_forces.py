"""The force of gravity from particles on a mesh, and the two halves of a time step."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt
from scipy import fft

from components.common.compilation import compiled
from components.physics.density_grid import add
from components.physics.initial_fields import frequencies

Vectors = npt.NDArray[np.float32]

_compiled = compiled(nogil=True, fastmath=True)


class MeshForces:
    """Solve Poisson's equation on a mesh, for one set of particles after the other.

    Parameters
    ----------
    mesh : int
        Cells a side.
    box_size : float
        Side of the periodic box.
    workers : int
        Threads.
    """

    def __init__(self, mesh: int, box_size: float, workers: int = 1):
        self.mesh, self.box_size, self.workers = mesh, box_size, workers
        # Three components side by side, and a fourth place for their alignment.
        self.gradient: Vectors = np.zeros((mesh, mesh, mesh, 4), dtype=np.float32)
        k = frequencies(mesh, box_size)
        cell = box_size / mesh
        square = k[0] ** 2 + k[1] ** 2 + k[2] ** 2
        square[0, 0, 0] = 1
        # Painting and reading smooth by the cloud's window, once each: what they take is given back, but no more
        # than fourfold.
        window = np.ones_like(square)
        for axis in k:
            window *= np.sinc(axis * cell / (2 * np.pi)) ** 4
        self._kernel = (-1 / (square * np.maximum(window, 0.25))).astype(np.float32)
        self._kernel[0, 0, 0] = 0

    def potential(self, positions: Vectors) -> npt.NDArray[np.float32]:
        """Potential whose Laplacian is the overdensity, on the mesh."""
        density = np.zeros((self.mesh,) * 3, dtype=np.float32)
        add(density, positions, self.box_size, self.workers, mass=self.mesh**3 / len(positions))
        modes = fft.rfftn(density, workers=self.workers, overwrite_x=True)
        modes *= self._kernel
        return np.asarray(fft.irfftn(modes, (self.mesh,) * 3, workers=self.workers, overwrite_x=True))


def kick(rates: Vectors, forces: MeshForces, positions: Vectors, keep: float, push: float) -> None:
    """Replace rates by `keep` times them and `push` times the force, minus the gradient of the potential."""
    potential = forces.potential(positions)
    scale = np.float32(forces.mesh / forces.box_size)
    pull = forces.gradient
    _differentiate(pull, potential, np.float32(push * 2 / 3) * scale, np.float32(-push / 12) * scale)
    workers = forces.workers
    if workers == 1:
        _kick(rates, positions, pull, scale, np.float32(keep))
        return
    parts = zip(np.array_split(rates, workers), np.array_split(positions, workers), strict=True)  # views
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(lambda part: _kick(part[0], part[1], pull, scale, np.float32(keep)), parts))


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
def _kick(rates, positions, pull, scale, keep):  # type: ignore[no-untyped-def]
    """Take the interpolated gradient from the rates; positions lie in the box."""
    n = pull.shape[0]
    one = np.float32(1.0)
    for p in range(positions.shape[0]):
        x, y, z = positions[p, 0] * scale, positions[p, 1] * scale, positions[p, 2] * scale
        i, j, k = min(int(x), n - 1), min(int(y), n - 1), min(int(z), n - 1)
        dx, dy, dz = x - np.float32(i), y - np.float32(j), z - np.float32(k)
        i1 = i + 1 if i + 1 < n else 0
        j1 = j + 1 if j + 1 < n else 0
        k1 = k + 1 if k + 1 < n else 0
        ex, ey, ez = one - dx, one - dy, one - dz
        aa, ab, ba, bb = ex * ey, ex * dy, dx * ey, dx * dy
        for axis in range(3):
            value = aa * (ez * pull[i, j, k, axis] + dz * pull[i, j, k1, axis])
            value += ab * (ez * pull[i, j1, k, axis] + dz * pull[i, j1, k1, axis])
            value += ba * (ez * pull[i1, j, k, axis] + dz * pull[i1, j, k1, axis])
            value += bb * (ez * pull[i1, j1, k, axis] + dz * pull[i1, j1, k1, axis])
            rates[p, axis] = keep * rates[p, axis] - value
