"""Maps in files: one npy file for each field, such as the CAMELS Multifield Dataset has, or HDF5."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import h5py
import numpy as np
import numpy.typing as npt

from components.common.errors import InputError

UNREADABLE, NO_FIELD, OF_OTHER_SHAPE = "unreadable file", "no known field", "other number of maps"
_HDF5 = (".h5", ".hdf5")
_SUFFIXES = (".npy", *_HDF5)
_ROWS_AT_ONCE = 60


@dataclass
class Group:
    """Files that show the same universes, one for each field.

    Attributes
    ----------
    name : str
        What their names have in common.
    files : dict of str to Path
        By field; all fields of an HDF5 file name that file.
    count : int
        Maps of each field.
    """

    name: str
    files: dict[str, Path] = field(default_factory=dict)
    count: int = 0


@dataclass(frozen=True)
class Found:
    """What there is to predict for.

    Attributes
    ----------
    groups : list of Group
        Each with at least one field of the model.
    indices : ndarray of int or None
        Maps that are wanted of each group; all where None.
    rejected : list of tuple of str
        File, reason and detail of what cannot be used.
    """

    groups: list[Group]
    indices: npt.NDArray[np.int64] | None
    rejected: list[tuple[str, str, str]]

    def wanted(self, group: Group) -> npt.NDArray[np.int64]:
        """Numbers of the maps of a group that are wanted."""
        every = np.arange(group.count)
        return every if self.indices is None else self.indices[self.indices < group.count]

    @property
    def asked(self) -> int:
        """Number of maps and of files that are left out."""
        return sum(len(self.wanted(group)) for group in self.groups) + len(self.rejected)


def find_maps(paths: Sequence[Path], fields: Sequence[str]) -> Found:
    """Sort files by the universes that they show.

    Parameters
    ----------
    paths : sequence of Path
        `.npy` files that have a field in their name, such as `Maps_Mtot_SIMBA_LH_z=0.00.npy` or `mine_T.npy`, HDF5
        files with data sets named by fields, folders of these, and a `.txt` file with the numbers of the maps that
        are wanted, where not all are.
    fields : sequence of str
        That the model knows.

    Raises
    ------
    InputError
        When there is no file, or the numbers of maps cannot be read.
    """
    files, indices = _listed(paths)
    groups: dict[tuple[Path, str], Group] = {}
    rejected = []
    for path in files:
        try:
            shapes = _shapes(path, fields)
        except (OSError, ValueError, EOFError) as error:
            rejected.append((path.name, UNREADABLE, str(error)))
            continue
        if not shapes:
            rejected.append((path.name, NO_FIELD, f"The model knows {', '.join(fields)}."))
        for name, shape in shapes.items():
            if len(shape) not in (2, 3) or shape[-1] != shape[-2]:
                rejected.append((path.name, UNREADABLE, f"{name} has the shape {shape}, not (n, pixels, pixels)."))
                continue
            count = shape[0] if len(shape) == 3 else 1
            title = _common_name(path, name)
            group = groups.setdefault((path.parent, title), Group(title, count=count))
            if group.count == count:
                group.files[name] = path
            else:
                detail = f"{name} has {count} maps, other fields of {title} {group.count}."
                rejected.append((path.name, OF_OTHER_SHAPE, detail))
    return Found([group for group in groups.values() if group.files], indices, rejected)


def read_maps(
    group: Group, rows: npt.NDArray[np.int64]
) -> Iterator[tuple[npt.NDArray[np.int64], dict[str, npt.NDArray[np.float32]]]]:
    """Read some maps of a group, a few at a time: numbers, and maps (n, pixels, pixels) by field."""
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        some = rows[start : start + _ROWS_AT_ONCE]
        yield some, {name: _read(path, name, some) for name, path in group.files.items()}


def _listed(paths: Sequence[Path]) -> tuple[list[Path], npt.NDArray[np.int64] | None]:
    files: list[Path] = []
    indices = None
    for path in paths:
        if path.is_dir():
            files += sorted(p for p in path.rglob("*") if p.suffix in _SUFFIXES)
        elif path.suffix == ".txt":
            indices = _indices(path)
        else:
            files.append(path)
    if not files:
        raise InputError(
            f"There are no maps in {', '.join(str(path) for path in paths)}.",
            f"Give {', '.join(_SUFFIXES)} files, or folders of them.",
        )
    return files, indices


def _indices(path: Path) -> npt.NDArray[np.int64]:
    try:
        numbers = np.array(path.read_text(encoding="utf-8").replace(",", " ").split(), dtype=np.int64)
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path} is no list of map numbers: {error}.", "Write whole numbers from 0, with spaces between."
        ) from error
    if not len(numbers) or numbers.min() < 0:
        raise InputError(f"{path} has no map numbers, or negative ones.", "Write whole numbers from 0.")
    return np.unique(numbers)


def _shapes(path: Path, fields: Sequence[str]) -> dict[str, tuple[int, ...]]:
    if path.suffix in _HDF5:
        with h5py.File(path) as file:
            return {name: tuple(file[name].shape) for name in fields if isinstance(file.get(name), h5py.Dataset)}
    named = [name for name in fields if re.search(rf"(?<![A-Za-z]){name}(?![A-Za-z])", path.stem)]
    return {named[0]: np.load(path, mmap_mode="r", allow_pickle=False).shape} if named else {}


def _common_name(path: Path, name: str) -> str:
    if path.suffix in _HDF5:
        return path.stem
    rest = re.sub(rf"(?<![A-Za-z]){name}(?![A-Za-z])", "", path.stem)
    return re.sub(r"_+", "_", rest).strip("_-") or "map"


def _read(path: Path, name: str, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
    if path.suffix in _HDF5:
        with h5py.File(path) as file:
            data = file[name]
            found = data[...][None] if data.ndim == 2 else data[rows]
    else:
        data = np.load(path, mmap_mode="r", allow_pickle=False)
        found = data[None] if data.ndim == 2 else data[rows]
    return np.asarray(found, dtype=np.float32)
