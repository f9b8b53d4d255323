"""What a snapshot holds, by whatever names: the heads of Gadget-III, Arepo and GADGET-4 differ."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from components.common.errors import InputError

KPC_CM = 3.085678e21
_REMEDY = "Give a snapshot of Gadget, Arepo or GADGET-4 as the archive ships it."


@dataclass(frozen=True, eq=False)
class Header:
    """Of one file of a snapshot.

    Attributes
    ----------
    box_size : float
        In Mpc/h.
    unit : float
        Mpc/h in the file's unit of length.
    redshift : float
        Of the snapshot.
    omega_m : float
        NaN where the file does not say.
    files : int
        Number of files that make up the snapshot.
    counts, totals : ndarray of int64, shape (types,)
        Particles of each type in this file, and in all files.
    masses : ndarray, shape (types,)
        Of a particle of each type; 0 where each has a mass of its own.
    """

    box_size: float
    unit: float
    redshift: float
    omega_m: float
    files: int
    counts: npt.NDArray[np.int64]
    totals: npt.NDArray[np.int64]
    masses: npt.NDArray[np.float64]

    @property
    def lattice(self) -> int:
        """Particles of dark matter a side, 0 if their number is no cube."""
        total = int(self.totals[1]) if len(self.totals) > 1 else 0
        side = round(total ** (1 / 3))
        return side if side**3 == total else 0


@dataclass(frozen=True, eq=False)
class Part:
    """Some particles of one type.

    Attributes
    ----------
    positions : ndarray, shape (particles, 3)
        In the file's unit of length.
    mass : float or ndarray of float32, shape (particles,)
        Of each of them.
    """

    positions: npt.NDArray[Any]
    mass: float | npt.NDArray[np.float32]


class SnapshotFile(Protocol):
    """One file of a snapshot."""

    header: Header

    def parts(self, kind: int) -> Iterator[Part]:
        """Read the particles of a type, part by part."""
        ...


def read_header(path: object, values: Mapping[str, Any]) -> Header:
    """Make a header of attributes.

    Parameters
    ----------
    path : object
        Of the file, for what is said about it.
    values : mapping
        Attributes of the groups Header and Parameters: GADGET-4 keeps the cosmology in the latter.

    Raises
    ------
    InputError
        When something is missing that cannot be guessed.
    """
    missing = [name for name in ("BoxSize", "NumPart_ThisFile") if name not in values]
    if missing or not {"Redshift", "Time"} & set(values):
        missing = missing or ["Redshift"]
        raise InputError(f"The header of {path} has no {', '.join(missing)}.", _REMEDY)
    try:
        header = _header(values)
    except (ValueError, TypeError, IndexError, OverflowError) as error:
        raise InputError(f"The header of {path} cannot be understood: {error}.", _REMEDY) from error
    _check(path, header)
    return header


def _header(values: Mapping[str, Any]) -> Header:
    # CAMELS counts in kpc/h; what else a file counts in, it says.
    unit = _scalar(values.get("UnitLength_in_cm", KPC_CM)) / KPC_CM / 1e3
    counts = _integers(values["NumPart_ThisFile"])
    totals = _integers(values.get("NumPart_Total", counts))
    high = _integers(values.get("NumPart_Total_HighWord", 0))
    masses = np.zeros(len(counts))
    table = np.atleast_1d(np.asarray(values.get("MassTable", 0.0), dtype=np.float64))
    masses[: len(table)] = table[: len(masses)]
    time = _scalar(values.get("Time", 0.0))
    return Header(
        box_size=_scalar(values["BoxSize"]) * unit,
        unit=unit,
        redshift=_scalar(values["Redshift"]) if "Redshift" in values else 1 / time - 1 if time else np.inf,
        omega_m=_scalar(values.get("Omega0", np.nan)),
        files=max(1, int(_scalar(values.get("NumFilesPerSnapshot", 1)))),
        counts=counts,
        totals=totals + (high << 32),
        masses=masses,
    )


def _check(path: object, header: Header) -> None:
    said = {
        "BoxSize": header.box_size > 0,
        "UnitLength_in_cm": header.unit > 0,
        "Redshift": bool(np.isfinite(header.redshift)),
        "NumPart_ThisFile": bool((header.counts >= 0).all()),
        "MassTable": bool(np.isfinite(header.masses).all() and (header.masses >= 0).all()),
    }
    if wrong := [name for name, good in said.items() if not good]:
        raise InputError(f"The header of {path} has an impossible {', '.join(wrong)}.", _REMEDY)
    if not header.totals.any():
        raise InputError(f"{path} holds no particles.", _REMEDY)


def _integers(values: Any) -> npt.NDArray[np.int64]:
    return np.atleast_1d(np.asarray(values)).astype(np.int64)


def _scalar(value: Any) -> float:
    """Read an attribute that some writers store as an array of one, or of one for each axis."""
    return float(np.ravel(value)[0])
