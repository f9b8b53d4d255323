"""Gravity by particles on a mesh: from the first ripples to the cosmic web, in seconds.

Particles start on a lattice, displaced by second-order perturbation theory. Time is the linear growth factor, and
the steps are those of BullFrog (Rampf, List & Hahn 2024, arXiv 2409.19049): kicks are weighted so that every step
agrees with second-order theory, however long it is. With ordinary weights twenty steps would get linear growth
wrong. The force comes from a mesh (Hockney & Eastwood 1988) and is soft below two cells: halos have no
substructure, and what is finer than about two cells is not to be believed.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from components.common.errors import ParameterError
from components.physics.cosmology import Cosmology
from components.physics.initial_fields import displacements, initial_field
from components.physics.mesh_forces import MeshForces, drift, kick

Vectors = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Particles:
    """What a simulation holds at one time, like a snapshot file.

    Attributes
    ----------
    redshift : float
        Of the snapshot.
    positions : ndarray of float32, shape (particles, 3)
        Comoving, in Mpc/h, from 0 to the side of the box; in the order of the lattice.
    velocities : ndarray of float32, same shape
        Peculiar velocities in km/s.
    """

    redshift: float
    positions: Vectors
    velocities: Vectors


def simulate(
    cosmology: Cosmology,
    seed: int,
    particles: int = 64,
    box_size_mpc_h: float = 25.0,
    steps: int = 20,
    start_redshift: float = 127.0,
    snapshots: Sequence[float] = (127.0, 0.0),
    mesh_factor: int = 1,
    workers: int = 1,
) -> list[Particles]:
    """Run one simulation.

    Parameters
    ----------
    cosmology : Cosmology
        The universe.
    seed : int
        Of its initial field, `initial_field(cosmology, seed, particles, box_size_mpc_h)`.
    particles : int
        A side of the lattice.
    box_size_mpc_h : float
        Side of the periodic box.
    steps : int
        From the start to the last snapshot, equal in the growth factor; a snapshot between them adds one.
    start_redshift : float
        Where the lattice is displaced; no snapshot is earlier.
    snapshots : sequence of float
        Redshifts at which particles are wanted, in any order.
    mesh_factor : int
        Cells of the force's mesh for each particle along a side. At 1, linear growth is right to 1 % up to two
        thirds of the Nyquist frequency; 2 gives more power to what is smaller than two cells, in five times the
        time.
    workers : int
        Threads. Another number rounds sums differently: run simulations side by side instead where results have to
        be the same everywhere.

    Returns
    -------
    list of Particles
        In the order of `snapshots`.
    """
    _check(particles, steps, start_redshift, snapshots)
    field = initial_field(cosmology, seed, particles, box_size_mpc_h, workers)
    return evolve(cosmology, field, box_size_mpc_h, steps, start_redshift, snapshots, mesh_factor, workers)


def evolve(
    cosmology: Cosmology,
    field: npt.NDArray[np.float32],
    box_size_mpc_h: float,
    steps: int,
    start_redshift: float,
    snapshots: Sequence[float],
    mesh_factor: int = 1,
    workers: int = 1,
) -> list[Particles]:
    """Do what `simulate` does, from a linear field of today that is given."""
    particles = len(field)
    times, scale_factors = _schedule(cosmology, steps, start_redshift, snapshots)
    first, second = displacements(field, box_size_mpc_h, workers)
    growth = cosmology.growth(scale_factors)
    start = (np.arange(particles, dtype=np.float32) + np.float32(0.5)) * np.float32(box_size_mpc_h / particles)
    positions = np.stack(np.meshgrid(start, start, start, indexing="ij"), axis=-1)
    positions += np.float32(growth.first[0]) * first + np.float32(growth.second[0]) * second
    rates = first + np.float32(growth.second_slope[0]) * second  # d(position) / d(growth factor)
    del first, second
    positions, rates = positions.reshape(-1, 3), rates.reshape(-1, 3)
    forces = MeshForces(particles, mesh_factor, box_size_mpc_h, workers)
    wanted = {round(1 / (1 + z), 12) for z in snapshots}
    found: dict[float, Particles] = {}
    for index, (time, a) in enumerate(zip(times, scale_factors, strict=True)):
        if round(float(a), 12) in wanted:
            speed = float(a * time * growth.rate[index] * 100 * cosmology.expansion(a))
            found[round(float(a), 12)] = Particles(
                1 / float(a) - 1, np.mod(positions, np.float32(box_size_mpc_h)), rates * np.float32(speed)
            )
        if index + 1 < len(times):
            half = (times[index + 1] - time) / 2
            middle = time + half
            reached = growth.second[index] + growth.second_slope[index] * half
            target = reached / middle - middle  # second order of the force over the first, where the kick is
            keep = (growth.second_slope[index + 1] - target) / (growth.second_slope[index] - target)
            drift(positions, rates, half, box_size_mpc_h)
            kick(rates, forces, positions, keep, (1 - keep) / middle)
            drift(positions, rates, half, box_size_mpc_h)
    return [found[round(1 / (1 + z), 12)] for z in snapshots]


def _schedule(
    cosmology: Cosmology, steps: int, start_redshift: float, snapshots: Sequence[float]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Growth factors and scale factors between which the steps lie."""
    table = np.geomspace(1 / (1 + start_redshift), 1 / (1 + min(snapshots)), 2048)
    table[0], table[-1] = 1 / (1 + start_redshift), 1 / (1 + min(snapshots))
    grown = cosmology.growth(table).first
    inner = np.interp(np.linspace(grown[0], grown[-1], steps + 1)[1:-1], grown, table)
    exact = 1 / (1 + np.asarray(snapshots, dtype=np.float64))
    scale_factors = np.unique(np.concatenate([table[:1], inner, exact]))
    return cosmology.growth(scale_factors).first, scale_factors


def _check(particles: int, steps: int, start_redshift: float, snapshots: Sequence[float]) -> None:
    if particles < 4 or particles % 2 or steps < 1:
        raise ParameterError(
            f"{particles} particles a side and {steps} steps cannot be simulated.",
            "Choose an even number of at least 4 particles a side, and at least one step.",
        )
    if not snapshots or not all(0 <= z <= start_redshift for z in snapshots):
        raise ParameterError(
            f"Snapshots at redshifts {', '.join(f'{z:g}' for z in snapshots) or 'none'} are wanted of a run that "
            f"starts at {start_redshift:g}.",
            "Choose at least one, and none before the start or in the future.",
        )
