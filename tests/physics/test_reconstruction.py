"""Waves of periodic boxes, and gravity undone: against plane waves, theory and a simulation."""

import numpy as np
import pytest

from components.physics.cosmology import Cosmology
from components.physics.density_grid import paint
from components.physics.initial_fields import initial_field
from components.physics.mode_spectra import BandSums, compare, magnitude, resample_grid
from components.physics.particle_mesh import evolve
from components.physics.reconstruction import (
    iterative_reconstruction,
    quadratic_fields,
    smooth,
    standard_reconstruction,
)

BOX = (25.0, 25.0, 25.0)
EDGES = (0.2, 0.5, 1.0, 2.0)
STEPS = (5.0, 3.0, 1.8, 1.5, 1.1)


def wave(shape: tuple[int, ...], *cycles: int) -> np.ndarray:
    """Cosine with so many cycles along each axis."""
    grid = np.meshgrid(*(np.arange(n) / n for n in shape), indexing="ij")
    return np.cos(2 * np.pi * sum(c * g for c, g in zip(cycles, grid, strict=True))).astype(np.float32)


@pytest.fixture(scope="module")
def universe() -> tuple[np.ndarray, np.ndarray]:
    """Initial overdensity scaled to today, and the final one."""
    cosmology = Cosmology()
    field = initial_field(cosmology, 3, 32)
    early, late = evolve(cosmology, field, 25.0, 10, 127.0, (127.0, 0.0))
    growth = cosmology.growth(1 / 128).first[0]
    return (paint(early.positions, 32, 25.0) - 1) / np.float32(growth), paint(late.positions, 32, 25.0) - 1


def test_power_is_that_of_the_field_and_a_field_correlates_with_itself() -> None:
    rng = np.random.default_rng(1)
    white = rng.standard_normal((3, 16, 24, 20)).astype(np.float32)
    everything = (0.0, float(magnitude((16, 24, 20), (25.0, 20.0, 30.0)).max()) + 1)
    spectra = compare(white, 2 * white, everything, (25.0, 20.0, 30.0))
    assert spectra.modes == pytest.approx([16 * 24 * 20])
    np.testing.assert_allclose(spectra.first[:, 0], (white.astype(np.float64) ** 2).sum(axis=(1, 2, 3)), rtol=1e-4)
    assert spectra.correlation()[0, 0] == pytest.approx(1)
    assert spectra.transfer()[0, 0] == pytest.approx(2)


def test_independent_fields_do_not_correlate_and_weights_choose_among_fields() -> None:
    rng = np.random.default_rng(2)
    first, other = rng.standard_normal((2, 2, 32, 32, 32))
    second = np.stack([first[0], other[1]])
    spectra = compare(first, second, EDGES, BOX)
    both = spectra.correlation(np.eye(2))
    np.testing.assert_allclose(both[0], 1, atol=1e-6)
    assert np.all(np.abs(both[1]) < 4 / np.sqrt(spectra.modes / 2))


def test_maps_between_the_first_axis_and_the_cells_are_summed() -> None:
    maps = np.random.default_rng(3).standard_normal((2, 8, 16, 16))
    together = compare(maps, maps, EDGES, BOX[1:])
    single = compare(maps.reshape(16, 16, 16), maps.reshape(16, 16, 16), EDGES, BOX[1:])
    np.testing.assert_allclose(together.first, single.first.reshape(2, 8, -1).sum(axis=1))
    np.testing.assert_allclose(together.modes, 8 * single.modes)


def test_resampling_keeps_the_waves_that_both_grids_have_and_cell_0_in_its_place() -> None:
    fine, coarse = wave((32, 16, 24), 3, -2, 1), wave((16, 16, 12), 3, -2, 1)
    np.testing.assert_allclose(resample_grid(fine, (16, 16, 12)), coarse, atol=1e-5)
    np.testing.assert_allclose(resample_grid(coarse, (32, 16, 24)), fine, atol=1e-5)
    np.testing.assert_allclose(resample_grid(wave((32,) * 3, 9, 0, 0), (16,) * 3), 0, atol=1e-5)


def test_band_sums_count_every_wave_once() -> None:
    sums = BandSums((0.0, 100.0), (8, 8, 8), BOX)
    assert sums.modes == pytest.approx([512])
    assert sums.of(np.ones((1, 8, 8, 5))) == pytest.approx(np.array([[512.0]]))


def test_smoothing_damps_a_wave_by_its_window() -> None:
    field = wave((32, 32, 32), 0, 4, 0)
    k = 4 * 2 * np.pi / 25
    np.testing.assert_allclose(smooth(field, 1.3, BOX), field * np.exp(-0.5 * (k * 1.3) ** 2), atol=1e-5)


def test_a_small_wave_comes_back_as_it_is() -> None:
    """Where displacements are small, linear theory holds and nothing is to be undone."""
    field = 1e-3 * wave((32, 32, 32), 1, 1, 0)
    np.testing.assert_allclose(standard_reconstruction(field, 0.5, BOX), field, atol=1e-5)
    estimate, _ = iterative_reconstruction(field, (0.5,), (1,), BOX)
    np.testing.assert_allclose(estimate[0], field, atol=6e-5)


def test_quadratic_fields_of_a_wave() -> None:
    """A plane wave collapses along one axis: square and tides cancel."""
    field = wave((16, 16, 16), 2, 1, 0)
    square, tides = quadratic_fields(field, BOX)
    np.testing.assert_allclose(square, field**2, atol=1e-6)
    np.testing.assert_allclose(tides, 0, atol=1e-5)


def test_each_step_back_is_closer_to_the_beginning(universe: tuple[np.ndarray, np.ndarray]) -> None:
    initial, final = universe

    def alike(guess: np.ndarray) -> np.ndarray:
        return compare(initial[None], guess[None], EDGES, BOX).correlation()[0]

    identity, standard = alike(final), alike(standard_reconstruction(final, 2.0, BOX))
    estimates, rests = iterative_reconstruction(final, STEPS, (4, 5), BOX)
    assert standard[0] > identity[0]
    assert standard[1] > identity[1] + 0.2
    assert alike(estimates[1])[0] > 0.93
    assert rests[1].std() < 0.7 * final.std()
    both = compare(initial[None], (estimates[1] + rests[1])[None], EDGES, BOX).correlation()[0]
    assert both[1] > standard[1]


def test_slabs_of_another_thickness_are_run_back_alike(universe: tuple[np.ndarray, np.ndarray]) -> None:
    _, final = universe
    slabs = final.reshape(16, 2, 32, 32).mean(axis=1)
    ours = standard_reconstruction(slabs, 2.0, BOX)
    cube = standard_reconstruction(final, 2.0, BOX).reshape(16, 2, 32, 32).mean(axis=1)
    assert ours.shape == slabs.shape
    assert compare(cube[None], ours[None], (0.2, 0.7), BOX).correlation()[0, 0] > 0.97


def test_matter_is_kept(universe: tuple[np.ndarray, np.ndarray]) -> None:
    _, final = universe
    assert abs(float(standard_reconstruction(final, 2.0, BOX).mean())) < 1e-4
    _, rests = iterative_reconstruction(final, STEPS, (5,), BOX)
    assert abs(float(rests.mean())) < 1e-3
