"""Snapshots as they are on the disk: HDF5 of any Gadget, or the binary format 1 in which 2LPT writes its start."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Any

import h5py
import hdf5plugin  # noqa: F401 (registers Blosc, by which the archive compresses)
import numpy as np
import numpy.typing as npt

from components.common.errors import InputError
from components.ingest.camels_snapshots.gadget_file import GadgetFile
from components.ingest.camels_snapshots.snapshot_header import Part, SnapshotFile, read_header

_PARTICLES_PER_PART = 1 << 20
_HDF5 = b"\x89HDF\r\n\x1a\n"


class Hdf5File(AbstractContextManager["Hdf5File"]):
    """A file of Gadget-III, Arepo or GADGET-4 in HDF5.

    Raises
    ------
    InputError
        When it is cut off, or is no snapshot.
    """

    def __init__(self, path: Path):
        self._path = path
        try:
            self._file = h5py.File(path, "r")
        except OSError as error:
            raise _broken(path, error) from error
        try:
            self.header = read_header(path, self._attributes())
        except InputError:
            self._file.close()
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def parts(self, kind: int) -> Iterator[Part]:
        """Read the particles of a type, part by part; each type of which there are particles must be there."""
        count = int(self.header.counts[kind]) if kind < len(self.header.counts) else 0
        if not count:
            return
        positions = self._dataset(f"PartType{kind}/Coordinates", (count, 3))
        fixed = float(self.header.masses[kind])
        masses = None if fixed > 0 else self._dataset(f"PartType{kind}/Masses", (count,))
        for start in range(0, count, _PARTICLES_PER_PART):
            stop = min(count, start + _PARTICLES_PER_PART)
            try:
                here = _native(positions[start:stop])
                own = fixed if masses is None else np.asarray(masses[start:stop], dtype=np.float32)
            except OSError as error:
                raise _broken(self._path, error) from error
            yield Part(here, own)

    def _attributes(self) -> dict[str, Any]:
        if "Header" not in self._file:
            raise InputError(
                f"{self._path} has no group Header; it has {', '.join(self._file) or 'nothing'}.",
                "Give a snapshot, not a catalogue or a file of another kind.",
            )
        groups = [self._file[name].attrs for name in ("Parameters", "Header") if name in self._file]
        try:
            return {name: value for group in groups for name, value in group.items()}
        except OSError as error:
            raise _broken(self._path, error) from error

    def _dataset(self, name: str, shape: tuple[int, ...]) -> Any:
        if name not in self._file:
            raise InputError(
                f"{self._path} has no {name}, although its header counts {shape[0]} such particles.",
                "Fetch the file again; if it stays so, leave this simulation out.",
            )
        dataset = self._file[name]
        if dataset.shape != shape:
            raise InputError(
                f"{name} in {self._path} has shape {dataset.shape}, not {shape} as the header says.",
                "Fetch the file again; if it stays so, leave this simulation out.",
            )
        return dataset


def _native(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Bring numbers into the machine's byte order, in single precision unless they are double."""
    return np.asarray(values, dtype=np.float64 if values.dtype.itemsize == 8 else np.float32)


def open_snapshot(path: Path) -> AbstractContextManager[SnapshotFile]:
    """Open a file of a snapshot, whichever format its first bytes say.

    Raises
    ------
    InputError
        When it is neither, or cut off.
    """
    with path.open("rb") as file:
        beginning = file.read(len(_HDF5))
    if beginning == _HDF5:
        return Hdf5File(path)
    return GadgetFile(path)


def _broken(path: Path, error: OSError) -> InputError:
    return InputError(
        f"{path} is not a whole HDF5 file: {error}.", "Fetch it again; if it stays so, leave this simulation out."
    )
