"""Snapshots as they are on the disk: HDF5 of any Gadget, or the binary format 1 in which 2LPT writes its start."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
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
_TRACERS = 3
"""In Arepo's files of this type there may be tracers, which have parents instead of places and masses."""
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
        with _told(path):
            self._file = h5py.File(path, "r")
        try:
            with _told(path):
                attributes = self._attributes()
            self.header = read_header(path, attributes)
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
        fixed = float(self.header.masses[kind])
        with _told(self._path):
            if kind == _TRACERS and f"PartType{kind}/ParentID" in self._file:
                return
            positions = self._dataset(f"PartType{kind}/Coordinates", (count, 3))
            masses = None if fixed > 0 else self._dataset(f"PartType{kind}/Masses", (count,))
        for start in range(0, count, _PARTICLES_PER_PART):
            stop = min(count, start + _PARTICLES_PER_PART)
            with _told(self._path):
                here = _native(positions[start:stop])
                own = fixed if masses is None else np.asarray(masses[start:stop], dtype=np.float32)
            if masses is not None:
                self._check_masses(kind, own)
            yield Part(here, own)

    def _check_masses(self, kind: int, masses: Any) -> None:
        bad = int(np.count_nonzero(~(np.isfinite(masses) & (masses >= 0))))
        if bad:
            raise InputError(
                f"{bad} of {len(masses)} masses of PartType{kind} in {self._path} are negative or not finite.",
                "Fetch the file again; if it stays so, leave this simulation out.",
            )

    def _attributes(self) -> dict[str, Any]:
        if "Header" not in self._file:
            raise InputError(
                f"{self._path} has no group Header; it has {', '.join(self._file) or 'nothing'}.",
                "Give a snapshot, not a catalogue or a file of another kind.",
            )
        groups = [self._file[name].attrs for name in ("Parameters", "Header") if name in self._file]
        return {name: value for group in groups for name, value in group.items()}

    def _dataset(self, name: str, shape: tuple[int, ...]) -> Any:
        if name not in self._file:
            raise InputError(
                f"{self._path} has no {name}, although its header counts {shape[0]} such particles.",
                "Fetch the file again; if it stays so, leave this simulation out.",
            )
        dataset = self._file[name]
        if not isinstance(dataset, h5py.Dataset) or dataset.dtype.kind not in "fiu":
            raise InputError(
                f"{name} in {self._path} is no array of numbers.",
                "Give a snapshot of Gadget, Arepo or GADGET-4 as the archive ships it.",
            )
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
    if beginning.startswith(b"\x1f\x8b"):
        raise InputError(f"{path} is compressed.", f"Run `gunzip {path.name}` first.")
    if beginning.lstrip().startswith(b"<"):
        raise InputError(
            f"{path} is a web page, not a snapshot.", "The archive sent an error: fetch it again later."
        )
    return GadgetFile(path)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Say of which file an error of HDF5 is: what is damaged may raise any of these."""
    try:
        yield
    except (OSError, RuntimeError, KeyError, ValueError, TypeError) as error:
        raise InputError(
            f"{path} is not a whole HDF5 file: {error}.",
            "Fetch it again; if it stays so, leave this simulation out.",
        ) from error
