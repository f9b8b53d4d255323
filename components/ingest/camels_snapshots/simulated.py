"""The embedded default: universes of a particle-mesh simulator, in the ranges of CAMELS' latin hypercube."""

from collections.abc import Iterator
from datetime import UTC, datetime

import numpy as np
from scipy.stats import qmc

from components.common.provenance import Provenance, code_version
from components.common.tables import Columns
from components.common.threads import map_ahead
from components.ingest.camels_snapshots.settings import Settings
from components.ingest.dataset import Source
from components.physics.cosmology import Cosmology
from components.physics.density_grid import paint
from components.physics.particle_mesh import simulate

OMEGA_M, SIGMA_8 = (0.1, 0.5), (0.6, 1.0)
"""Ranges of CAMELS' latin hypercube (Villaescusa-Navarro et al. 2021, ApJ 915, 71)."""

START_REDSHIFT = 127.0
FIRST_REDSHIFT = 15.0
SUITE, SET = "particle-mesh", "LH"


def open_simulator(settings: Settings) -> Source:
    """Describe what will be simulated, and begin when the first simulation is asked for."""
    mine = settings.part.rows(settings.rows, 1)
    provenance = Provenance(
        origin="simulated",
        archive="Armillary's particle-mesh simulator",
        query=f"{settings.rows} universes on a latin hypercube, Omega_m {OMEGA_M[0]:g} to {OMEGA_M[1]:g}, "
        f"sigma_8 {SIGMA_8[0]:g} to {SIGMA_8[1]:g}; {settings.particles}^3 particles in "
        f"{settings.box_size_mpc_h:g} Mpc/h, {settings.steps} steps; density on {settings.grid}^3 cells",
        release=code_version(),
        retrieved_at=datetime.now(UTC).isoformat(timespec="seconds"),
        seed=settings.seed,
        notes=(
            "Simulated gravity of dark matter alone, by particles on a mesh: as CAMELS' N-body sets in their box, "
            "their cosmologies and their start, but with fewer particles and a softer force. There are no halos "
            "with substructure, and nothing finer than two cells of the mesh is to be believed.",
        ),
    )
    return Source(provenance, len(mine), _simulate(settings, mine))


def draw_cosmologies(rows: int, seed: int) -> list[Cosmology]:
    """Draw cosmologies on a latin hypercube: every value of each parameter is near to one of them."""
    hypercube = qmc.LatinHypercube(2, rng=np.random.default_rng((seed % 2**64, 0))).random(rows)
    low, high = np.array([OMEGA_M, SIGMA_8]).T
    return [Cosmology(omega_m=float(m), sigma_8=float(s)) for m, s in low + hypercube * (high - low)]


def field_seed(seed: int, number: int) -> int:
    """Seed of one simulation's initial field: no two numbers, and no two seeds of an ingest, have the same."""
    state = np.random.SeedSequence((seed % 2**64, 1, number)).generate_state(1, np.uint64)
    return int(state[0]) >> 1  # fits int64


def _simulate(settings: Settings, mine: range) -> Iterator[Columns]:
    """Yield simulations in order. Each has its own seed and a core of its own: threads change nothing."""
    cosmologies = draw_cosmologies(settings.rows, settings.seed)
    return map_ahead(lambda number: _run(number, cosmologies[number], settings), mine)


def _run(number: int, cosmology: Cosmology, settings: Settings) -> Columns:
    seed = field_seed(settings.seed, number)
    wanted = START_REDSHIFT if settings.target == "initial" else FIRST_REDSHIFT
    early, late = simulate(
        cosmology,
        seed,
        settings.particles,
        settings.box_size_mpc_h,
        settings.steps,
        START_REDSHIFT,
        (wanted, 0.0),
    )
    name = f"sim-{settings.seed}-{number:05d}"
    grids = [paint(run.positions, settings.grid, settings.box_size_mpc_h) for run in (early, late)]
    values = {
        "id": name,
        "simulation_id": name,
        "set": SET,
        "suite": SUITE,
        "seed": seed,
        "omega_m": cosmology.omega_m,
        "sigma_8": cosmology.sigma_8,
        "redshift_initial": wanted,
        "redshift_final": 0.0,
        "lattice": settings.particles,
    }
    return {
        **{key: np.array([value]) for key, value in values.items()},
        "initial": grids[0][None],
        "final": grids[1][None],
    }
