"""Painting particles onto grids and reading fields at particles."""

import tracemalloc

import numpy as np
import numpy.typing as npt
import pytest

from components.common.errors import InputError
from components.physics.density_grid import add, interpolate, paint

BOX = 25.0


def in_numpy(positions: npt.NDArray[np.float64], grid: int) -> npt.NDArray[np.float64]:
    """Cloud-in-cell as the textbook has it."""
    density = np.zeros((grid,) * 3)
    scaled = positions / BOX * grid
    base = np.floor(scaled).astype(int)
    offset = scaled - base
    for corner in np.ndindex(2, 2, 2):
        weight = np.prod(np.where(np.array(corner) == 1, offset, 1 - offset), axis=1)
        np.add.at(density, tuple(((base + corner) % grid).T), weight)
    return density / density.mean()


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_agrees_with_numpy(workers: int, dtype: type) -> None:
    positions = np.random.default_rng(0).uniform(-30, 60, (5000, 3)).astype(dtype)
    found = paint(positions, 16, BOX, workers)
    np.testing.assert_allclose(found, in_numpy(positions.astype(np.float64), 16), atol=2e-4)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found.mean(), 1, rtol=1e-6)


def test_parts_sum_up() -> None:
    positions = np.random.default_rng(1).uniform(0, BOX, (1000, 3)).astype(np.float32)
    density = np.zeros((8, 8, 8), dtype=np.float32)
    for part in np.array_split(positions, 7):
        add(density, part, BOX, mass=2.0)
    np.testing.assert_allclose(density * 512 / 2000, paint(positions, 8, BOX), atol=1e-5)


@pytest.mark.parametrize("workers", [1, 2])
def test_particles_have_masses_of_their_own(workers: int) -> None:
    rng = np.random.default_rng(4)
    positions = rng.uniform(0, BOX, (300, 3)).astype(np.float32)
    masses = rng.integers(1, 4, 300)
    density = np.zeros((8, 8, 8), dtype=np.float32)
    add(density, positions, BOX, workers, mass=masses.astype(np.float32))
    expected = paint(np.repeat(positions, masses, axis=0), 8, BOX) * masses.sum() / 512
    np.testing.assert_allclose(density, expected, atol=1e-4)


def test_few_particles_do_not_get_a_grid_for_every_core() -> None:
    """A node of 64 cores would clear and add 64 grids for each part of a snapshot."""
    positions = np.random.default_rng(5).uniform(0, BOX, (1000, 3)).astype(np.float32)
    density = np.zeros((32, 32, 32), dtype=np.float32)
    add(density, positions, BOX)  # compiles
    tracemalloc.start()
    add(density, positions, BOX, 64)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < density.nbytes
    assert density.sum() == pytest.approx(2000, rel=1e-5)


def test_an_offset_moves_all() -> None:
    positions = np.random.default_rng(2).uniform(0, BOX, (1000, 3)).astype(np.float32)
    density = np.zeros((8, 8, 8), dtype=np.float32)
    add(density, positions, BOX, offset=(2 * BOX / 8, 0.0, -BOX / 8))
    np.testing.assert_allclose(
        density, np.roll(paint(positions, 8, BOX), (2, 0, -1), (0, 1, 2)) * 1000 / 512, atol=1e-3
    )


def test_a_lattice_is_smooth() -> None:
    """No grid that divides the lattice sees it; one that does not sees a moire pattern."""
    side = (np.arange(24) + 0.5) * BOX / 24
    lattice = np.stack(np.meshgrid(side, side, side), axis=-1).reshape(-1, 3)
    for grid in (24, 12, 8, 6):
        np.testing.assert_allclose(paint(lattice, grid, BOX), 1, atol=1e-5)
    assert paint(lattice, 18, BOX).std() > 0.05


def test_interpolation_is_the_transpose_of_painting() -> None:
    rng = np.random.default_rng(3)
    positions = rng.uniform(0, BOX, (500, 3)).astype(np.float32)
    field = rng.standard_normal((8, 8, 8)).astype(np.float32)
    density = paint(positions, 8, BOX).astype(np.float64) * len(positions) / 512
    np.testing.assert_allclose(
        (density * field).sum(), interpolate(field, positions, BOX).sum(dtype=float), rtol=1e-4
    )


@pytest.mark.parametrize("wrong", [np.nan, np.inf, 1e30])
def test_names_how_many_positions_are_no_numbers(wrong: float) -> None:
    positions = np.full((10, 3), 5.0)
    positions[[2, 7], 1] = wrong
    with pytest.raises(InputError, match="2 of 10 positions"):
        paint(positions, 8, BOX)
