"""Painting particles by cloud-in-cell, beside numpy.histogramdd, and the time of a particle-mesh simulation."""

import os

import numpy as np
import numpy.typing as npt

from components.physics.cosmology import Cosmology
from components.physics.density_grid import paint
from components.physics.particle_mesh import simulate

BOX, GRID, PARTICLES = 25.0, 128, 128
WORKERS = len(os.sched_getaffinity(0))


def test_painting_beside_numpy(ratio) -> None:
    """The peer counts particles in cells, which is less work and a worse density; sums agree on coarse cells."""
    side = (np.arange(PARTICLES, dtype=np.float32) + 0.5) * BOX / PARTICLES
    lattice = np.stack(np.meshgrid(side, side, side, indexing="ij"), axis=-1).reshape(-1, 3)
    moved = lattice + np.random.default_rng(0).normal(0, 1, lattice.shape).astype(np.float32)
    positions = np.mod(moved, np.float32(BOX))  # in the order of the lattice, as snapshots of few files are

    def peer() -> npt.NDArray[np.float64]:
        return np.histogramdd(positions, bins=GRID, range=[(0, BOX)] * 3)[0]

    def agree(ours: npt.NDArray[np.float32], theirs: npt.NDArray[np.float64]) -> bool:
        coarse = [a.reshape(8, 16, 8, 16, 8, 16).mean((1, 3, 5)) for a in (ours, theirs)]
        return bool(np.abs(coarse[0] - coarse[1]).max() < 0.1)

    ratio(
        f"cloud-in-cell of {len(positions) / 1e6:.1f} million particles",
        ours=lambda: paint(positions, GRID, BOX, WORKERS),
        peer=peer,
        peer_name="numpy.histogramdd",
        goal=5.0,
        agree=agree,
    )


def test_simulation_of_twenty_steps(benchmark) -> None:
    """The goal is 1.5 s for 64^3 particles and 20 steps on two cores."""
    universe = Cosmology()
    simulate(universe, 0, 16, steps=1)
    result = benchmark.pedantic(lambda: simulate(universe, 0, 64, workers=WORKERS), rounds=3)
    assert len(result[0].positions) == 64**3
