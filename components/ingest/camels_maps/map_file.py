"""Files of the CAMELS Multifield Dataset: names, the header of maps, tables of parameters."""

import io
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from components.common.errors import InputError
from components.ingest.camels_maps.settings import NBODY
from components.physics.multifield import MAPS_PER_SIMULATION, PARAMETERS

HEADER_BYTES = 1024
"""Enough for the header of any file of maps; their own have 128."""

_WITH_BARYONS = 7
"""Columns of the tables of Astrid's 1P: the density of baryons beside the six."""
_OF_THE_CODE = 28
"""Columns of the tables of 1P in the others, which have the units of the code."""
_PHYSICAL_FIDUCIAL = {"IllustrisTNG": (3.6, 1.0, 7.4, 20.0), "SIMBA": (1.0, 20.0, 1.6, 7000.0)}
"""What the four of feedback are 1 at in these (Info_*_L25n256_28params of CAMELS)."""


@dataclass(frozen=True)
class MapFile:
    """What the header of a file of maps says.

    Attributes
    ----------
    maps, side : int
        Number of maps, and pixels a side.
    dtype : numpy.dtype
        Of a pixel.
    offset : int
        Where the first map begins.
    """

    maps: int
    side: int
    dtype: np.dtype[np.floating]
    offset: int

    @property
    def bytes_per_map(self) -> int:
        """Size of one map."""
        return self.side**2 * self.dtype.itemsize

    @property
    def size(self) -> int:
        """Size of the file."""
        return self.offset + self.maps * self.bytes_per_map

    @property
    def simulations(self) -> int:
        """Number of simulations that the maps are of."""
        return self.maps // MAPS_PER_SIMULATION

    def span(self, simulation: int) -> tuple[int, int]:
        """First byte and number of bytes of the maps of a simulation."""
        return (
            self.offset + simulation * MAPS_PER_SIMULATION * self.bytes_per_map,
            MAPS_PER_SIMULATION * self.bytes_per_map,
        )

    def decode(self, content: bytes) -> npt.NDArray[np.float32]:
        """Turn the bytes of a simulation into maps, shape (15, side, side)."""
        return np.frombuffer(content, self.dtype).reshape(-1, self.side, self.side).astype(np.float32, copy=False)


def folders_of(suite: str) -> tuple[str, ...]:
    """Folders where files of a suite can be: the archive has had one for each suite, and one for all."""
    return ("Nbody" if suite.startswith(NBODY) else suite, "")


def maps_name(field: str, suite: str, camels_set: str) -> str:
    """Name of the file with the maps of a field."""
    return f"Maps_{field}_{suite}_{camels_set}_z=0.00.npy"


def tables_of(suite: str, camels_set: str) -> tuple[str, ...]:
    """Names that the table of parameters can have: the first release, which had LH alone, left the set out."""
    short = (f"params_{suite}.txt",) if camels_set == "LH" else ()
    return (f"params_{camels_set}_{suite}.txt", *short)


def read_header(beginning: bytes, where: str) -> MapFile:
    """Read the header of a file of maps.

    Parameters
    ----------
    beginning : bytes
        The first `HEADER_BYTES` of the file.
    where : str
        Its name, for errors.

    Raises
    ------
    InputError
        When it is no npy file of such maps.
    """
    stream = io.BytesIO(beginning)
    try:
        version = np.lib.format.read_magic(stream)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, fortran, dtype = read(stream)
    except (ValueError, EOFError) as error:
        raise InputError(f"{where} is no npy file: {error}.", "Give the file as the dataset has it.") from error
    is_fitting = len(shape) == 3 and shape[1] == shape[2] and shape[0] and shape[0] % MAPS_PER_SIMULATION == 0
    if not is_fitting or fortran or dtype.kind != "f":
        raise InputError(
            f"{where} holds {dtype} of shape {shape}{' in Fortran order' * fortran}, not maps.",
            f"Give floating-point maps of shape (n, pixels, pixels), {MAPS_PER_SIMULATION} for each simulation.",
        )
    return MapFile(int(shape[0]), int(shape[1]), dtype, stream.tell())


def read_parameters(text: str, suite: str, simulations: int, where: str) -> npt.NDArray[np.float64]:
    """Read a table of parameters.

    Parameters
    ----------
    text : str
        Its content.
    suite : str
        Simulations with gravity alone have no parameters of feedback, whatever the table says.
    simulations : int
        Rows that it must have.
    where : str
        Its name, for errors.

    Returns
    -------
    ndarray, shape (simulations, 6)
        In the order of `multifield.PARAMETERS`; NaN for what the suite does not have.

    Raises
    ------
    InputError
        When rows or columns are not what they should be.
    """
    try:
        table = np.loadtxt(io.StringIO(text), ndmin=2)
    except ValueError as error:
        raise InputError(f"{where} is no table of numbers: {error}.", "Give the dataset's own table.") from error
    if len(table) != simulations:
        raise InputError(
            f"{where} has {len(table)} rows, but the maps are of {simulations} simulations, "
            f"{MAPS_PER_SIMULATION} of each.",
            "Give the table that belongs to these maps: whose row a map has would be a guess.",
        )
    if suite.startswith(NBODY):
        missing = np.full((simulations, len(PARAMETERS) - 2), np.nan)
        return np.hstack([_require_columns(table, 2, where)[:, :2], missing])
    first = _require_columns(table, len(PARAMETERS), where)[:, : len(PARAMETERS)].copy()
    columns = table.shape[1]
    if columns <= _WITH_BARYONS:
        return first
    if columns != _OF_THE_CODE or suite not in _PHYSICAL_FIDUCIAL:
        raise InputError(
            f"{where} has {columns} columns: in what units feedback is in such a table of {suite} is not known.",
            f"Give a table of the {len(PARAMETERS)} parameters, those of feedback in units of the fiducial ones.",
        )
    first[:, 2:] /= _PHYSICAL_FIDUCIAL[suite]
    return first


def count_columns(text: str) -> int:
    """Count the columns of a table."""
    rows = (line.split("#")[0].split() for line in text.splitlines())
    return next((len(row) for row in rows if row), 0)


def _require_columns(table: npt.NDArray[np.float64], fewest: int, where: str) -> npt.NDArray[np.float64]:
    if table.shape[1] < fewest or not np.isfinite(table[:, :fewest]).all():
        raise InputError(
            f"{where} has {table.shape[1]} columns, or numbers that are not finite among the first {fewest}.",
            f"Give the dataset's own table, with {', '.join(PARAMETERS[:fewest])} first.",
        )
    return table
