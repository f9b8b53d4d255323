"""What can be asked of the ingest stage."""

from dataclasses import dataclass

from components.common.checks import require_one_of, require_positive
from components.common.errors import ParameterError
from components.common.shards import Sharded

SOURCES = ("simulated", "archive", "files")
TARGETS = ("initial", "first")
MATTER = ("all", "dark")
GRIDS = (32, 64, 128, 256)
CAMELS_ARCHIVE = "https://users.flatironinstitute.org/~camels"

_MOIRE = (
    "Particles of early times are still close to their lattice: on a grid that does not divide it, they would "
    "draw a moire pattern that is stronger than the density."
)


@dataclass(frozen=True)
class Settings(Sharded):
    """Which simulations are wanted, and how their matter becomes a density.

    Attributes
    ----------
    source : {"simulated", "archive", "files"}
        The particle-mesh simulator, the archive of CAMELS, or a folder of snapshots in its layout.
    rows : int
        Simulations wanted, drawn at random where there are more; 0 means all.
    seed : int
        Of the simulator, or of that draw.
    grid : int
        Cells a side of the density; it divides the particles' lattice.
    box_size_mpc_h : float
        Side of the box. Files of another size are refused.
    target : {"initial", "first"}
        What is to be found: the initial conditions at z = 127, or the first snapshot: at z = 15, but at z = 6 in
        files of CAMELS that are called snap_000. The table says which, and preprocess keeps those of one redshift.
    matter : {"all", "dark"}
        Particles that count: all by their mass, gas and stars among them, or those of dark matter (type 1) alone.
        In N-body simulations there is no difference.
    particles, steps : int
        Of the simulator: particles along each side of the box, and time steps.
    location : str
        For `files` the folder.
    archive_url : str
        Base address of the archive.
    suite, volume, simulation_set : str
        Folders of the archive: simulations are in Sims/<suite>/<volume>/<set>.
    simulations : str
        Which of the set, separated by commas: numbers, ranges such as 0-9, or names such as 1P_p1_n2; empty is
        all.
    parameters : str
        Table of parameters and seeds (CosmoAstroSeed) on the disk; empty is the one of the archive or folder.
    data_version : str
        Opaque. Change it to have unchanged settings run anew, because the files behind them changed.
    shard, shards : int
        Which part of the table to write, from 0, of how many.
    """

    source: str = "simulated"
    rows: int = 64
    seed: int = 0
    grid: int = 64
    box_size_mpc_h: float = 25.0
    target: str = "initial"
    matter: str = "all"
    particles: int = 64
    steps: int = 20
    location: str = ""
    archive_url: str = CAMELS_ARCHIVE
    suite: str = "IllustrisTNG_DM"
    volume: str = "L25n256"
    simulation_set: str = "LH"
    simulations: str = ""
    parameters: str = ""
    data_version: str = ""
    shard: int = 0
    shards: int = 1

    def __post_init__(self) -> None:
        _ = self.part  # there is none of an impossible number
        require_one_of(SOURCES, source=self.source)
        require_one_of(TARGETS, target=self.target)
        require_one_of(MATTER, matter=self.matter)
        require_one_of(GRIDS, grid=self.grid)
        require_positive(box_size_mpc_h=self.box_size_mpc_h)
        if self.rows < 0:
            raise ParameterError(f"rows is {self.rows}.", "Give a number of simulations, or 0 for all.")
        if self.source == "files" and not self.location:
            raise ParameterError("The source files needs a location.", "Set it to the folder of the simulations.")
        if self.source == "simulated":
            self._check_simulator()

    def _check_simulator(self) -> None:
        if self.rows < 1:
            raise ParameterError("No simulation is asked for.", "Give a positive number of rows.")
        if not 16 <= self.particles <= 256 or self.particles % 2 or not 1 <= self.steps <= 1000:
            raise ParameterError(
                f"{self.particles} particles a side and {self.steps} steps cannot be simulated.",
                "Choose an even number of 16 to 256 particles, and 1 to 1000 steps.",
            )
        require_divisor(self.grid, self.particles)


def require_divisor(grid: int, lattice: int) -> None:
    """Refuse a grid that does not divide the lattice of particles."""
    if lattice % grid:
        known = ", ".join(str(choice) for choice in GRIDS if lattice % choice == 0)
        raise ParameterError(
            f"A grid of {grid} cells a side does not divide the lattice of {lattice} particles a side. {_MOIRE}",
            f"Choose a grid of {known}." if known else "There is no grid for such a lattice.",
        )
