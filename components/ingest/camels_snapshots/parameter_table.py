"""CAMELS' tables of parameters and seeds: CosmoAstroSeed_<suite>_<volume>_<set>.txt."""

from dataclasses import dataclass
from pathlib import Path

from components.common.errors import InputError, ParameterError
from components.common.telemetry import warn

_LENGTHS = {"LH": (1000, 50), "CV": (27,), "BE": (27,)}
"""Simulations of sets; 50 are those of Magneticum's latin hypercube."""
_NAMES = {
    "name": ("name", "sim_name"),
    "omega_m": ("omega_m", "omega0"),
    "sigma_8": ("sigma_8", "sigma8"),
    "seed": ("seed",),
}
_LARGEST_SEED = 2**31
"""2LPT's seeds are 32 bits wide."""


@dataclass(frozen=True)
class Simulation:
    """A row of the table.

    Attributes
    ----------
    name : str
        Such as LH_12; also the name of its folder.
    omega_m, sigma_8 : float
        Its cosmology.
    seed : int
        Of its initial field: simulations with the same seed begin alike.
    """

    name: str
    omega_m: float
    sigma_8: float
    seed: int


def read_parameters(path: Path, simulation_set: str) -> list[Simulation]:
    """Read the simulations of a set from a table.

    Old tables hold all sets of a suite. SIMBA's latin hypercube has seeds of up to thirteen digits, slips of the
    pen: they are kept as they are, because seeds only tell which simulations begin alike, and mentioned.

    Raises
    ------
    InputError
        When a column is missing, a value is none, a name occurs twice, or the set has another number of rows.
    """
    try:
        lines = [line.split() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"The parameters {path} cannot be read: {error}.", _remedy(simulation_set)) from error
    places, rows = _columns(path, lines, simulation_set)
    every = [_row(path, number, row, places) for number, row in enumerate(rows, 1 + len(lines) - len(rows))]
    simulations = [simulation for simulation in every if simulation.name.startswith(f"{simulation_set}_")] or every
    expected = _LENGTHS.get(simulation_set)
    if expected is not None and len(simulations) not in expected:
        raise InputError(
            f"{path} has {len(simulations)} simulations, but the set {simulation_set} has "
            f"{' or '.join(map(str, expected))}.",
            _remedy(simulation_set),
        )
    names = [simulation.name for simulation in simulations]
    if len(set(names)) != len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InputError(f"{path} names {twice} twice.", _remedy(simulation_set))
    odd = [simulation.name for simulation in simulations if simulation.seed > _LARGEST_SEED]
    if odd:
        warn(f"The seed of {', '.join(odd)} in {path.name} is too large to be one: it is taken for its own.")
    return simulations


def choose(simulations: list[Simulation], wanted: str, simulation_set: str) -> list[Simulation]:
    """Choose simulations by numbers, ranges and names, in the order of the table; all if nothing is wanted.

    Raises
    ------
    ParameterError
        When one of them is not in the table.
    """
    if not wanted.strip():
        return simulations
    names: set[str] = set()
    for text in (part.strip() for part in wanted.split(",") if part.strip()):
        first, dash, last = text.partition("-")
        if text.isdigit():
            names.add(f"{simulation_set}_{text}")
        elif dash and first.isdigit() and last.isdigit():
            names |= {f"{simulation_set}_{number}" for number in range(int(first), int(last) + 1)}
        else:
            names.add(text)
    chosen = [simulation for simulation in simulations if simulation.name in names]
    if missing := sorted(names - {simulation.name for simulation in chosen}):
        raise ParameterError(
            f"There is no simulation {', '.join(missing[:5])} in the set {simulation_set}.",
            f"It has {len(simulations)}, from {simulations[0].name} to {simulations[-1].name}.",
        )
    return chosen


def _columns(path: Path, lines: list[list[str]], simulation_set: str) -> tuple[dict[str, int], list[list[str]]]:
    if lines and lines[0][0].startswith(f"{simulation_set}_"):
        # IllustrisTNG's tables of SB28, 1P and BE name no columns; their order is that of all the others.
        return {"name": 0, "omega_m": 1, "sigma_8": 2, "seed": len(lines[0]) - 1}, lines
    head = " ".join(lines[0]).lstrip("#").lower().split() if lines else []
    places = {ours: head.index(theirs) for ours, known in _NAMES.items() for theirs in known if theirs in head}
    if missing := sorted(set(_NAMES) - set(places)):
        raise InputError(
            f"{path} has no column {', '.join(missing)}.",
            f"{_remedy(simulation_set)} Its first line names its columns, or is a simulation of the set: the "
            "setup tables have no seeds.",
        )
    return places, lines[1:]


def _row(path: Path, number: int, row: list[str], places: dict[str, int]) -> Simulation:
    try:
        omega_m, sigma_8 = float(row[places["omega_m"]]), float(row[places["sigma_8"]])
        found = Simulation(row[places["name"]], omega_m, sigma_8, int(row[places["seed"]]))
    except (IndexError, ValueError) as error:
        raise InputError(f"Line {number} of {path} is no row of the table: {error}.", "Mend it.") from error
    if not (0 < omega_m <= 1 and 0 < sigma_8 < 3):
        raise InputError(
            f"Line {number} of {path} has Omega_m {omega_m} and sigma_8 {sigma_8}.",
            "Mend it, or the order of columns.",
        )
    return found


def _remedy(simulation_set: str) -> str:
    return f"Give the CosmoAstroSeed table of the set {simulation_set}, as the archive ships it."
