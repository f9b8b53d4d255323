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
        k = frequencies(mesh, box_size)
        cell = box_size / mesh
        square = k[0] ** 2 + k[1] ** 2 + k[2] ** 2
        square[0, 0, 0] = 1
        # Painting and reading smooth by the cloud's window, once each, and the difference over two and four cells is
        # short of the derivative at high frequency: what they take is given back, but no more than fourfold.
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
    scale = forces.mesh / forces.box_size
    parts = zip(
        np.array_split(rates, forces.workers), np.array_split(positions, forces.workers), strict=True
    )  # views: rates change in place
    if forces.workers == 1:
        _kick(rates, positions, potential, scale, keep, push * scale)
        return
    with ThreadPoolExecutor(forces.workers) as pool:
        list(pool.map(lambda part: _kick(part[0], part[1], potential, scale, keep, push * scale), parts))


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
def _kick(rates, positions, potential, scale, keep, push):  # type: ignore[no-untyped-def]
    """Read the gradient at each particle, by differences of fourth order between the nodes around it."""
    n = potential.shape[0]
    near, far = np.float32(push * 2 / 3), np.float32(-push / 12)
    kept = np.float32(keep)
    one = np.float32(1.0)
    ii = np.empty(6, np.int64)
    jj = np.empty(6, np.int64)
    kk = np.empty(6, np.int64)
    for p in range(positions.shape[0]):
        x, y, z = positions[p, 0] * scale, positions[p, 1] * scale, positions[p, 2] * scale
        fi, fj, fk = np.floor(x), np.floor(y), np.floor(z)
        dx, dy, dz = np.float32(x - fi), np.float32(y - fj), np.float32(z - fk)
        for s in range(6):
            ii[s], jj[s], kk[s] = (int(fi) + s - 2) % n, (int(fj) + s - 2) % n, (int(fk) + s - 2) % n
        gx = gy = gz = np.float32(0.0)
        for a in range(2, 4):
            wa = dx if a == 3 else one - dx
            for b in range(2, 4):
                wb = wa * (dy if b == 3 else one - dy)
                for c in range(2, 4):
                    w = wb * (dz if c == 3 else one - dz)
                    i, j, k = ii[a], jj[b], kk[c]
                    gx += w * (
                        near * (potential[ii[a + 1], j, k] - potential[ii[a - 1], j, k])
                        + far * (potential[ii[a + 2], j, k] - potential[ii[a - 2], j, k])
                    )
                    gy += w * (
                        near * (potential[i, jj[b + 1], k] - potential[i, jj[b - 1], k])
                        + far * (potential[i, jj[b + 2], k] - potential[i, jj[b - 2], k])
                    )
                    gz += w * (
                        near * (potential[i, j, kk[c + 1]] - potential[i, j, kk[c - 1]])
                        + far * (potential[i, j, kk[c + 2]] - potential[i, j, kk[c - 2]])
                    )
        rates[p, 0] = kept * rates[p, 0] - gx
        rates[p, 1] = kept * rates[p, 1] - gy
        rates[p, 2] = kept * rates[p, 2] - gz
