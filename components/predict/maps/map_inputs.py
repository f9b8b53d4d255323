"""Maps in files: one npy file for each field, such as the CAMELS Multifield Dataset has, or HDF5."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import h5py
import numpy as np
import numpy.typing as npt

from components.common.errors import InputError
from components.physics.multifield import FIELDS

UNREADABLE, NO_FIELD, OF_OTHER_SHAPE = "unreadable file", "no known field", "other number of maps"
_HDF5 = (".h5", ".hdf5")
_SUFFIXES = (".npy", *_HDF5)
_ROWS_AT_ONCE = 60
_TABLES = ("params", "CosmoAstroSeed")
_NPY = b"\x93NUMPY"
_UNREADABLE = (OSError, ValueError, EOFError, RuntimeError, KeyError)
"""What files that are cut off, damaged or of another kind lead to, in numpy and HDF5."""


@dataclass
class Group:
    """Files that show the same universes, one for each field.

    Attributes
    ----------
    name : str
        What their names have in common.
    files : dict of str to Path
        By field; all fields of an HDF5 file name that file.
    count, side : int
        Maps of each field, and pixels a side.
    """

    name: str
    files: dict[str, Path] = field(default_factory=dict)
    count: int = 0
    side: int = 0


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


def find_maps(paths: Sequence[Path], fields: Sequence[str], grid: int = 1) -> Found:
    """Sort files by the universes that they show.

    Parameters
    ----------
    paths : sequence of Path
        `.npy` files that have a field in their name, such as `Maps_Mtot_SIMBA_LH_z=0.00.npy` or `mine_T.npy`, HDF5
        files with data sets named by fields, folders of these, and a `.txt` file with the numbers of the maps that
        are wanted, where not all are.
    fields : sequence of str
        That the model knows.
    grid : int
        Pixels a side of the model's maps, to which those of files are averaged.

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
        except _UNREADABLE as error:
            rejected.append((path.name, UNREADABLE, f"{path} cannot be read: {error}."))
            continue
        if not shapes:
            rejected.append((path.name, NO_FIELD, f"{path} names no field of the model: {', '.join(fields)}."))
        for name, shape in shapes.items():
            if len(shape) not in (2, 3) or shape[-1] != shape[-2] or not shape[-1] or shape[-1] % grid:
                wanted = f"(n, pixels, pixels) with a multiple of {grid} pixels"
                detail = f"{name} in {path} has the shape {shape}, not {wanted}."
                rejected.append((path.name, UNREADABLE, detail))
                continue
            count = shape[0] if len(shape) == 3 else 1
            title = _common_name(path, name)
            group = groups.setdefault((path.parent, title), Group(title, count=count, side=shape[-1]))
            if (group.count, group.side) == (count, shape[-1]):
                group.files[name] = path
            else:
                own, others = (f"{n} maps of {side} pixels" for n, side in ((count, shape[-1]), _size(group)))
                detail = f"{name} in {path} has {own} a side, other fields of {title} {others}."
                rejected.append((path.name, OF_OTHER_SHAPE, detail))
    return Found([group for group in groups.values() if group.files], indices, rejected)


def _size(group: Group) -> tuple[int, int]:
    return group.count, group.side


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
            if not path.name.startswith(_TABLES):  # comes with files/* on a command line
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
            data = {name: file[name] for name in fields if isinstance(file.get(name), h5py.Dataset)}
            return {name: _shape(name, found) for name, found in data.items()}
    named = [name for name in FIELDS if _in_name(name).search(path.stem)]
    if not set(named) & set(fields):
        return {}
    if len(named) > 1:
        raise ValueError(f"its name has more than one field in it: {', '.join(named)}")
    with path.open("rb") as file:
        if file.read(len(_NPY)) != _NPY:
            raise ValueError("it is no .npy file: fetch it again, or unpack it")
    return {named[0]: _shape(named[0], np.load(path, mmap_mode="r", allow_pickle=False))}


def _shape(name: str, data: h5py.Dataset | npt.NDArray[np.generic]) -> tuple[int, ...]:
    if data.dtype.kind not in "fiu":
        raise ValueError(f"{name} is made of {data.dtype}, not of numbers")
    return tuple(data.shape)


def _in_name(field: str) -> re.Pattern[str]:
    """Return what finds a field in the name of a file; the P of the set 1P is none."""
    return re.compile(rf"(?<![A-Za-z0-9]){field}(?![A-Za-z])")


def _common_name(path: Path, name: str) -> str:
    if path.suffix in _HDF5:
        return path.stem
    rest = _in_name(name).sub("", path.stem)
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
