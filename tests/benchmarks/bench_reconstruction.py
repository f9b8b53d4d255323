"""Standard reconstruction on a grid, beside the same arithmetic in numpy."""

import numpy as np
import numpy.typing as npt

from components.physics.mode_spectra import wavenumbers
from components.physics.reconstruction import smooth, standard_reconstruction

BOX, SIDE, RADIUS = 25.0, 64, 2.0
Grid = npt.NDArray[np.floating]


def in_numpy(field: Grid) -> Grid:
    """Displace and paint with `numpy.fft` and `numpy.add.at`."""
    k = wavenumbers(field.shape, (BOX,) * 3)
    square = np.asarray(sum(axis**2 for axis in k))
    square[0, 0, 0] = 1
    modes = np.fft.rfftn(field) * np.exp(-0.5 * square * RADIUS**2) / square
    modes[0, 0, 0] = 0
    lattice = np.meshgrid(*(np.arange(SIDE),) * 3, indexing="ij")
    places = [
        node - np.fft.irfftn(1j * axis * modes, s=field.shape, axes=(0, 1, 2)) * SIDE / BOX
        for node, axis in zip(lattice, k, strict=True)
    ]
    out = np.zeros(field.shape)
    base = [np.floor(place).astype(int) for place in places]
    for corner in np.ndindex(2, 2, 2):
        near = [abs(1 - step - (place - node)) for step, place, node in zip(corner, places, base, strict=True)]
        nodes = tuple((node + step) % SIDE for node, step in zip(base, corner, strict=True))
        np.add.at(out, nodes, field * near[0] * near[1] * near[2])
    return out


def test_standard_reconstruction_beside_numpy(ratio) -> None:
    white = np.random.default_rng(0).standard_normal((SIDE,) * 3).astype(np.float32)
    field = np.exp(3 * smooth(white, 0.5, (BOX,) * 3)) - 1
    ratio(
        f"standard reconstruction of {SIDE}^3 cells",
        ours=lambda: standard_reconstruction(field, RADIUS, (BOX,) * 3),
        peer=lambda: in_numpy(field),
        peer_name="numpy.fft and numpy.add.at",
        goal=3.0,
        agree=lambda ours, theirs: bool(np.abs(ours - theirs).max() < 2e-3 * np.abs(theirs).max()),
    )
