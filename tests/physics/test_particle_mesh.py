"""The particle-mesh simulator, against linear and second-order theory and against finer runs of itself."""

import numpy as np
import numpy.typing as npt
import pytest

from components.common.errors import ParameterError
from components.physics.cosmology import Cosmology
from components.physics.density_grid import paint
from components.physics.initial_fields import displacements, frequencies, initial_field
from components.physics.linear_power import linear_power
from components.physics.particle_mesh import Particles, evolve, simulate

UNIVERSE = Cosmology()
LARGE = 3200.0
"""Mpc/h: so large that on a lattice of 64 nearly everything is linear."""
WAVES = 16
"""So many times the fundamental: up to half of the lattice's Nyquist frequency."""

Field = npt.NDArray[np.float32]


def spectra(first: Field, second: Field) -> tuple[npt.NDArray[np.float64], ...]:
    """Power of the first over the second, and their correlation, by whole multiples of the fundamental."""
    one, two = np.fft.rfftn(first), np.fft.rfftn(second)
    k = frequencies(len(first), 2 * np.pi)
    shell = np.rint(np.sqrt(k[0] ** 2 + k[1] ** 2 + k[2] ** 2)).astype(int).ravel()
    a, b, both = (
        np.bincount(shell, v.ravel())[1:] for v in (abs(one) ** 2, abs(two) ** 2, (one * two.conj()).real)
    )
    return a / b, both / np.sqrt(a * b)


def on_nodes(field: Field) -> Field:
    """Shift a field from the lattice, at half spacings, to the nodes of a grid."""
    k = frequencies(len(field), 2 * np.pi)
    modes = np.fft.rfftn(field) * np.exp(-1j * np.pi / len(field) * (k[0] + k[1] + k[2]))
    return np.asarray(np.fft.irfftn(modes), dtype=np.float32)


def smooth_field(seed: int) -> Field:
    """Draw a field of a large box with its longest waves only: what follows is linear throughout."""
    k = frequencies(64, 2 * np.pi)
    modes = np.fft.rfftn(initial_field(UNIVERSE, seed, 64, LARGE))
    modes[np.sqrt(k[0] ** 2 + k[1] ** 2 + k[2] ** 2) > WAVES + 0.5] = 0
    return np.fft.irfftn(modes).astype(np.float32)


def test_fields_have_the_power_of_theory() -> None:
    """16 boxes; the scatter of the mean over a shell of N independent modes is sqrt(1 / 16 N)."""
    side, box = 24, 100.0
    k = frequencies(side, box)
    norm = np.sqrt(k[0] ** 2 + k[1] ** 2 + k[2] ** 2)
    total = sum(
        abs(np.fft.rfftn(initial_field(UNIVERSE, seed, side, box)).astype(np.complex128)) ** 2
        for seed in range(16)
    )
    power = np.asarray(total) / 16 * box**3 / side**6
    shell = np.rint(norm * box / 2 / np.pi).astype(int)
    for number in range(2, 11):
        inside = (shell == number) & (np.indices(norm.shape).max(0) != side // 2)
        ratio = (power[inside] / linear_power(norm[inside], UNIVERSE)).mean()
        assert abs(ratio - 1) < 5 / np.sqrt(16 * inside.sum() / 2)


def test_displacements_undo_the_field() -> None:
    field = initial_field(UNIVERSE, 0, 32, 100.0)
    first, second = displacements(field, 100.0)
    k = frequencies(32, 100.0)
    divergence = sum(np.fft.irfftn(1j * k[i] * np.fft.rfftn(first[..., i])) for i in range(3))
    np.testing.assert_allclose(-divergence, field, atol=1e-4 * field.std())
    curl = k[0] * np.fft.rfftn(second[..., 1]) - k[1] * np.fft.rfftn(second[..., 0])
    assert abs(curl).max() < 1e-4 * abs(k[0] * np.fft.rfftn(second[..., 0])).max()


def test_a_plane_wave_has_no_second_order() -> None:
    """In one dimension Zel'dovich's approximation is exact until shells cross."""
    wave = np.broadcast_to(np.sin(2 * np.pi * np.arange(16) / 16)[:, None, None], (16, 16, 16)).astype(np.float32)
    _, second = displacements(np.ascontiguousarray(wave), 100.0)
    assert abs(second).max() < 1e-4


@pytest.mark.parametrize("steps", [5, 20])
def test_linear_growth(steps: int) -> None:
    """Same phases at both ends: the growth of each wave is free of sample variance."""
    field = smooth_field(3)
    early, late = evolve(UNIVERSE, field, LARGE, steps, 127.0, (127.0, 0.0))
    begin, end = (paint(particles.positions, 64, LARGE) - 1 for particles in (early, late))
    power, correlation = spectra(end, begin)
    growth = np.sqrt(power) * UNIVERSE.growth(1 / 128).first
    np.testing.assert_allclose(growth[:WAVES], 1, atol=0.01)
    assert np.all(correlation[:WAVES] > 0.998)
    # Painting smooths, by 2 % where waves are 13 cells long; the amplitude itself shows in the longest.
    against_theory, _ = spectra(begin, on_nodes(field))
    np.testing.assert_allclose(np.sqrt(against_theory[:4]) / UNIVERSE.growth(1 / 128).first, 1, atol=0.02)


@pytest.mark.parametrize("redshift", [127.0, 1.0, 0.0])
def test_velocities(redshift: float) -> None:
    """In linear theory v = a f H D psi, at each particle's point of the lattice."""
    field = smooth_field(4)
    (snapshot,) = evolve(UNIVERSE, field, LARGE, 10, 127.0, (redshift,))
    a = 1 / (1 + redshift)
    growth = UNIVERSE.growth(a)
    expected = displacements(field, LARGE)[0].reshape(-1, 3)
    expected = expected * (a * growth.rate * growth.first * 100 * UNIVERSE.expansion(a))[0]
    slope = (snapshot.velocities * expected).sum() / (expected**2).sum()
    assert abs(slope - 1) < 0.02
    assert np.corrcoef(snapshot.velocities.ravel(), expected.ravel())[0, 1] > 0.99


def test_few_steps_agree_with_many() -> None:
    """In the small box of CAMELS, where structure is far from linear."""
    few, many = (simulate(UNIVERSE, 5, 32, 25.0, steps=steps, snapshots=(0.0,)) for steps in (20, 80))
    ratio, correlation = spectra(*(paint(run[0].positions, 32, 25.0) for run in (few, many)))
    assert np.all(correlation[:10] > 0.995)
    np.testing.assert_allclose(np.sqrt(ratio[:10]), 1, atol=0.03)


def test_initial_particles_hold_the_linear_field() -> None:
    """The finding on gridding: cloud-in-cell on a grid that divides the lattice keeps the field."""
    field = initial_field(UNIVERSE, 6, 64, 25.0)
    (snapshot,) = simulate(UNIVERSE, 6, 64, 25.0, steps=1, snapshots=(127.0,))
    _, correlation = spectra(paint(snapshot.positions, 64, 25.0), on_nodes(field))
    assert np.all(correlation[:28] > 0.98)  # up to k = 7 h/Mpc, of 8 that the lattice holds


def test_same_seed_same_universe_and_snapshots_change_nothing() -> None:
    alone = simulate(UNIVERSE, 7, 16, steps=4, snapshots=(0.0,))[0]
    again, _ = simulate(UNIVERSE, 7, 16, steps=4, snapshots=(0.0, 127.0))
    np.testing.assert_array_equal(alone.positions, again.positions)
    other = simulate(UNIVERSE, 8, 16, steps=4, snapshots=(0.0,))[0]
    assert np.abs(other.positions - alone.positions).max() > 1
    assert isinstance(other, Particles)
    assert 0 <= alone.positions.min() <= alone.positions.max() < 25.0


def test_snapshots_keep_the_order_in_which_they_are_asked_for() -> None:
    redshifts = (0.0, 127.0, 15.0, 1.0)
    found = simulate(UNIVERSE, 9, 8, steps=3, snapshots=redshifts)
    np.testing.assert_allclose([snapshot.redshift for snapshot in found], redshifts, atol=1e-9)


@pytest.mark.parametrize(
    "wrong",
    [{"particles": 7}, {"particles": 2}, {"steps": 0}, {"snapshots": ()}, {"snapshots": (200.0,)},
     {"snapshots": (-0.5,)}],
)  # fmt: skip
def test_refuses_what_it_cannot_simulate(wrong: dict[str, object]) -> None:
    with pytest.raises(ParameterError):
        simulate(UNIVERSE, 0, **wrong)  # type: ignore[arg-type]
