"""What can be asked of the ingest stage."""

import re
from dataclasses import dataclass, field

from components.common.checks import require_between, require_one_of
from components.common.errors import ParameterError
from components.common.shards import Sharded
from components.physics.multifield import FIELDS

SOURCES = ("simulated", "archive", "files")
SETS = ("LH", "CV", "1P", "EX")
SUITES = ("IllustrisTNG", "SIMBA", "Astrid")
NBODY = "Nbody_"
CMD_ARCHIVE = "https://users.flatironinstitute.org/~fvillaescusa/priv/DEPnzxoWlaTQ6CjrXqsm0vYi8L7Jy/CMD"
SIMULATOR = "Armillary"
"""The suite of what is simulated here."""


@dataclass(frozen=True)
class Settings(Sharded):
    """Where maps come from, and which of them are wanted.

    Attributes
    ----------
    source : {"simulated", "archive", "files"}
        The embedded simulator, the CAMELS Multifield Dataset, or its files on a disk.
    fields : tuple of str
        Names of fields, such as Mtot or HI; they become the channels of a map, in this order.
    suites : tuple of str
        IllustrisTNG, SIMBA, Astrid, or these with `Nbody_` before, for their twins with gravity alone. The
        simulator has a suite of its own.
    camels_set : {"LH", "CV", "1P", "EX"}
        Latin hypercube, fiducial universes, one parameter at a time, or extreme feedback.
    simulations : str
        Which of each suite, such as "0-99" or "3,7,12-20".
    grid : int
        Pixels a side. Maps of the dataset have 256 and are averaged to it; 0 leaves them as they are.
    seed : int
        Of the simulator: another seed, other universes.
    particles, steps : int
        Of the simulator: particles along each side of the box, and time steps.
    location : str
        For `files` the folder with the maps and their tables of parameters.
    archive_url : str
        Base address of the dataset.
    data_version : str
        Opaque. Change it to have unchanged settings run anew, because the files behind them changed.
    shard, shards : int
        Which part of the simulations to write, from 0, of how many. The parts in order are exactly the whole.
    """

    source: str = "simulated"
    fields: tuple[str, ...] = field(default=("Mtot",))
    suites: tuple[str, ...] = field(default=("IllustrisTNG",))
    camels_set: str = "LH"
    simulations: str = "0-99"
    grid: int = 64
    seed: int = 0
    particles: int = 64
    steps: int = 12
    location: str = ""
    archive_url: str = CMD_ARCHIVE
    data_version: str = ""
    shard: int = 0
    shards: int = 1

    def __post_init__(self) -> None:
        for name in ("fields", "suites"):  # KFP hands over lists
            object.__setattr__(self, name, tuple(getattr(self, name)))
        _ = self.part, self.numbers  # their checks are worth having before hours of reading
        require_one_of(SOURCES, source=self.source)
        require_one_of(SETS, camels_set=self.camels_set)
        if self.source == "files" and not self.location:
            raise ParameterError(
                "The source files needs a location.",
                "Set it to the folder with Maps_Mtot_IllustrisTNG_LH_z=0.00.npy and the like.",
            )
        self._check_fields()
        self._check_suites()
        self._check_simulator()

    @property
    def numbers(self) -> tuple[int, ...]:
        """Numbers of the simulations wanted, ascending."""
        found: set[int] = set()
        for part in filter(None, (text.strip() for text in self.simulations.split(","))):
            match = re.fullmatch(r"(\d+)(?:-(\d+))?", part)
            if match is None or int(match[2] or match[1]) < int(match[1]):
                raise ParameterError(
                    f"simulations is {self.simulations!r}: {part!r} is no range.",
                    "Give numbers and ranges from 0, such as 0-99 or 3,7,12-20.",
                )
            found |= set(range(int(match[1]), int(match[2] or match[1]) + 1))
        if not found:
            raise ParameterError("No simulation is asked for.", "Set simulations to numbers such as 0-99.")
        return tuple(sorted(found))

    def _check_fields(self) -> None:
        unknown = sorted(set(self.fields) - set(FIELDS))
        if unknown or not self.fields:
            raise ParameterError(
                f"There is no field {', '.join(unknown) or '(none given)'}.", f"Choose among {', '.join(FIELDS)}."
            )
        if len(set(self.fields)) < len(self.fields):
            raise ParameterError(f"A field is named twice: {', '.join(self.fields)}.", "Name each once.")

    def _check_suites(self) -> None:
        if self.source == "simulated":
            return
        known = (*SUITES, *(NBODY + suite for suite in SUITES))
        unknown = sorted(set(self.suites) - set(known))
        if unknown or not self.suites or len(set(self.suites)) < len(self.suites):
            raise ParameterError(
                f"These are no suites, each named once: {', '.join(self.suites) or '(none given)'}.",
                f"Choose among {', '.join(known)}.",
            )
        for suite in self.suites:
            absent = set(self.fields) - {"Mtot"} if suite.startswith(NBODY) else set()
            absent |= {"B"} & set(self.fields) if suite != "IllustrisTNG" else set()
            if absent:
                raise ParameterError(
                    f"{suite} has no {', '.join(sorted(absent))}.",
                    "Leave the field or the suite out: only Mtot is in all, and B in IllustrisTNG alone.",
                )

    def _check_simulator(self) -> None:
        if self.grid < 0 or (self.source == "simulated" and not 8 <= self.grid <= 512):
            raise ParameterError(f"grid is {self.grid}.", "Choose 8 to 512 pixels a side, such as 64.")
        if self.source == "simulated" and not (8 <= self.particles <= 256 and self.particles % 2 == 0):
            raise ParameterError(
                f"particles is {self.particles}.", "Choose an even number of 8 to 256 a side, such as 64."
            )
        require_between(1, 1000, steps=self.steps)
