"""Laying eleven properties of tracers onto the maps of all slabs, beside numpy's weighted histograms."""

import numpy as np
import numpy.typing as npt

from components.physics.slab_projection import project

TRACERS, KINDS, GRID, SLABS, BOX = 64**3, 11, 64, 5, 25.0


def test_projection_beside_histograms(ratio) -> None:
    """The peer counts whole tracers in pixels, ours shares them between four: sums agree, and maps nearly."""
    rng = np.random.default_rng(0)
    line = (np.arange(64) + 0.5) * BOX / 64
    lattice = np.stack(np.meshgrid(line, line, line, indexing="ij"), -1).reshape(-1, 3)
    waves = sum(np.sin(2 * np.pi * (lattice @ rng.integers(-2, 3, 3)) / BOX + rng.uniform(0, 6)) for _ in range(9))
    moved = lattice + np.stack([np.roll(waves, step) for step in (1, 64, 4096)], -1)
    positions = np.mod(moved, BOX).astype(np.float32)
    weights = rng.uniform(0, 1, (TRACERS, KINDS)).astype(np.float32)
    bins = {axis: [SLABS if other == axis else GRID for other in range(3)] for axis in range(3)}

    def peer() -> npt.NDArray[np.float64]:
        maps = []
        for axis in range(3):
            counts = [
                np.histogramdd(positions, bins[axis], [(0, BOX)] * 3, weights=weights[:, kind])[0]
                for kind in range(KINDS)
            ]
            maps.append(np.moveaxis(np.stack(counts), axis + 1, 0))
        return np.concatenate(maps)

    def agree(ours: npt.NDArray[np.float32], theirs: npt.NDArray[np.float64]) -> bool:
        coarse = [maps.reshape(15, KINDS, 8, 8, 8, 8).sum((3, 5)) for maps in (ours, theirs)]
        sums = np.allclose(ours.sum((2, 3)), theirs.sum((2, 3)), rtol=1e-3)
        return bool(sums and np.corrcoef(coarse[0].ravel(), coarse[1].ravel())[0, 1] > 0.98)

    ratio(
        "eleven properties of 262,144 tracers onto fifteen maps",
        ours=lambda: project(positions, weights, GRID, SLABS, BOX),
        peer=peer,
        peer_name="numpy.histogramdd, once for each property and axis",
        goal=10.0,
        agree=agree,
    )
