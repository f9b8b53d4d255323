"""The sheet that cold dark matter is: more tracers than particles, between them where they began.

Particles of a simulation sample a continuous sheet in phase space (Abel, Hahn & Kaehler 2012, arXiv 1111.3944).
What lies between neighbours of the initial lattice lies between them still, as long as they have not gone
separate ways. Voids, in which particles are few, then have a density instead of shot noise.
"""

import numpy as np
import numpy.typing as npt

from components.common.errors import InputError

Vectors = npt.NDArray[np.float32]


def refine(positions: Vectors, velocities: Vectors, box_size: float, times: int = 1) -> tuple[Vectors, Vectors]:
    """Put tracers between particles, eight for one each time.

    Parameters
    ----------
    positions, velocities : ndarray of float32, shape (n**3, 3)
        In the order of the lattice, of which point i is at (i + 1/2) box_size / n.
    box_size : float
        Side of the periodic box, in the units of the positions.
    times : int
        How often the side of the lattice is doubled; 0 leaves the particles as they are.

    Returns
    -------
    positions, velocities : ndarray of float32, shape ((n * 2**times)**3, 3)
        Positions may lie a little outside of the box.
    """
    side = round(len(positions) ** (1 / 3))
    if side**3 != len(positions):
        raise InputError(
            f"{len(positions)} particles are no cubic lattice.", "Give all particles, in the order of the lattice."
        )
    start = _lattice(side, box_size)
    shift = positions.reshape(side, side, side, 3) - start
    shift -= np.float32(box_size) * np.rint(shift / np.float32(box_size))
    both = np.concatenate([shift, velocities.reshape(side, side, side, 3)], axis=-1)
    for _ in range(times):
        for axis in range(3):
            both = double(both, axis)
    moved = both[..., :3] + _lattice(len(both), box_size)
    return moved.reshape(-1, 3), np.ascontiguousarray(both[..., 3:]).reshape(-1, 3)


def _lattice(side: int, box_size: float) -> Vectors:
    line = (np.arange(side, dtype=np.float32) + np.float32(0.5)) * np.float32(box_size / side)
    return np.stack(np.meshgrid(line, line, line, indexing="ij"), axis=-1)


def double(values: npt.NDArray[np.float32], axis: int) -> npt.NDArray[np.float32]:
    """Interpolate a quarter of a spacing to either side of each point of a periodic axis."""
    near = np.float32(0.75) * values
    before, after = (near + np.float32(0.25) * np.roll(values, step, axis) for step in (1, -1))
    shape = list(values.shape)
    shape[axis] *= 2
    return np.stack([before, after], axis=axis + 1).reshape(shape)
