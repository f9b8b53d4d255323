"""The embedded default: universes from a particle mesh, with gas and stars painted on."""

from datetime import UTC, datetime
from functools import partial

import numpy as np
from scipy.stats import qmc

from components.common.errors import ParameterError
from components.common.provenance import Provenance, code_version
from components.common.threads import map_ahead
from components.ingest.camels_maps.settings import SIMULATOR, Settings
from components.ingest.camels_maps.source import Simulation, Simulations
from components.physics.cosmology import Cosmology
from components.physics.feedback_gas import Feedback
from components.physics.map_painting import paint_maps
from components.physics.multifield import ASTROPHYSICAL, BOX_SIZE_MPC_H, PARAMETERS, PRIOR
from components.physics.particle_mesh import simulate

FIDUCIAL = (0.3, 0.8, 1.0, 1.0, 1.0, 1.0)
EXTREMES = (
    FIDUCIAL,
    (0.3, 0.8, 1.0, 100.0, 1.0, 1.0),
    (0.3, 0.8, 100.0, 1.0, 1.0, 1.0),
    (0.3, 0.8, 0.0, 0.0, 0.0, 0.0),
)
"""The set EX, as in CAMELS."""
VALUES_PER_PARAMETER = 11
"""Of each parameter in the set 1P."""
_LARGEST = {"1P": VALUES_PER_PARAMETER * len(PARAMETERS), "EX": len(EXTREMES)}

NOTE = (
    "Gravity is real, at the resolution of a particle mesh: how matter answers to omega_m and sigma_8 is physics. "
    "Gas, stars and all that they do are painted on by invented rules: how a field answers to the four parameters "
    "of feedback, and which field tells most about which parameter, means nothing for CAMELS or the sky."
)


def open_simulator(settings: Settings) -> Simulations:
    """Describe what will be simulated, and begin when the first simulation is asked for."""
    largest = _LARGEST.get(settings.camels_set)
    if largest is not None and settings.numbers[-1] >= largest:
        raise ParameterError(
            f"The set {settings.camels_set} has no simulation {settings.numbers[-1]}.",
            f"Set simulations to numbers from 0 to {largest - 1}.",
        )
    mine = settings.part.rows(len(settings.numbers), 1)
    numbers = settings.numbers[mine.start : mine.stop]
    provenance = Provenance(
        origin="simulated",
        archive="Armillary's particle mesh with painted gas",
        query=f"set {settings.camels_set}, simulations {settings.simulations}, 15 maps each of "
        f"{', '.join(settings.fields)}; {settings.particles} particles a side in 25 Mpc/h, {settings.steps} "
        f"steps, {settings.grid} pixels a side",
        release=code_version(),
        retrieved_at=datetime.now(UTC).isoformat(timespec="seconds"),
        seed=settings.seed,
        notes=(NOTE,),
    )
    # Each has its own seed: threads change nothing.
    simulations = map_ahead(partial(_one, settings=settings), numbers)
    return Simulations(provenance, len(numbers), settings.grid, simulations)


def parameters_of(camels_set: str, number: int, seed: int) -> tuple[float, ...]:
    """Return the six parameters of a simulation; those of LH fill their ranges evenly, however many are taken."""
    if camels_set == "CV":
        return FIDUCIAL
    if camels_set == "EX":
        return EXTREMES[number]
    if camels_set == "1P":
        which, step = divmod(number, VALUES_PER_PARAMETER)
        unit = step / (VALUES_PER_PARAMETER - 1)
        varied = _in_range(PARAMETERS[which], unit)
        return tuple(varied if place == which else value for place, value in enumerate(FIDUCIAL))
    sequence = qmc.Sobol(len(PARAMETERS), rng=np.random.default_rng((seed % 2**64, 0)))
    if number:  # scipy refuses to go forward by nothing
        sequence.fast_forward(number)
    point = sequence.random(1)[0]
    return tuple(_in_range(name, float(unit)) for name, unit in zip(PARAMETERS, point, strict=True))


def phases_seed(camels_set: str, number: int, seed: int) -> int:
    """Return the seed of the initial conditions: one for all of 1P, and one for all of EX, as in CAMELS."""
    kind = {"LH": 1, "CV": 2, "1P": 3, "EX": 4}[camels_set]
    own = 0 if camels_set in ("1P", "EX") else number
    return int(np.random.SeedSequence((seed % 2**64, kind, own)).generate_state(1, np.uint64)[0])


def _in_range(name: str, unit: float) -> float:
    low, high = PRIOR[name]
    if name in ASTROPHYSICAL:
        return float(low * (high / low) ** unit)
    return float(low + (high - low) * unit)


def _one(number: int, settings: Settings) -> Simulation:
    parameters = parameters_of(settings.camels_set, number, settings.seed)
    omega_m, sigma_8, *feedback = parameters
    cosmology = Cosmology(omega_m=omega_m, sigma_8=sigma_8)
    (particles,) = simulate(
        cosmology,
        phases_seed(settings.camels_set, number, settings.seed),
        particles=settings.particles,
        box_size_mpc_h=BOX_SIZE_MPC_H,
        steps=settings.steps,
        snapshots=(0.0,),
    )
    maps = paint_maps(particles, cosmology, Feedback(*feedback), settings.fields, settings.grid)
    return Simulation(SIMULATOR, number, parameters, maps)
