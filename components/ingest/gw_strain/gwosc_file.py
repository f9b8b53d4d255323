"""HDF5 files of the Gravitational Wave Open Science Center: strain, and when it can be trusted."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
from scipy import signal

from components.common.errors import InputError
from components.physics.detectors import DETECTORS

FloatArray = npt.NDArray[np.float64]

QUALITY = ("DATA", "CBC_CAT1", "CBC_CAT2")
"""Bits of the data quality mask that must be set."""
INJECTIONS = ("NO_CBC_HW_INJ", "NO_BURST_HW_INJ")
"""Bits of the injection mask that must be set: else something shook the mirrors on purpose."""
_NEEDED = (
    "meta/Detector",
    "meta/GPSstart",
    "strain/Strain",
    "quality/simple/DQmask",
    "quality/injections/Injmask",
)
_RATES = (4096.0, 16384.0)
_SECONDS_AT_ONCE = 64
_HALF_LENGTH = 32
"""Of the filter against aliases, in samples of the lower rate; edges of twice that are not used."""


@dataclass(frozen=True, eq=False)
class Strain:
    """A stretch of one detector's data.

    Attributes
    ----------
    detector : str
        H1, L1 or V1.
    gps_start : float
        Time of the first sample.
    sample_rate : float
        In Hz.
    values : ndarray, shape (samples,)
        Strain; NaN where there are no data.
    good : ndarray of bool, shape (seconds,)
        Seconds that pass the masks.
    """

    detector: str
    gps_start: float
    sample_rate: float
    values: FloatArray
    good: npt.NDArray[np.bool_]

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return len(self.values) / self.sample_rate


def read_strain(path: Path, sample_rate: float) -> Strain:
    """Read a file and bring it to a lower sampling rate.

    Parameters
    ----------
    path : Path
        HDF5 file of the GWOSC, of 4096 or 16384 Hz.
    sample_rate : float
        Wanted rate in Hz.

    Raises
    ------
    InputError
        When it is no such file, of another detector, or of another sampling rate.
    """
    if not path.is_file():
        raise InputError(f"There is no file {path}.", "Give an HDF5 file of the GWOSC.")
    try:
        with h5py.File(path, "r", locking=False) as file:
            return _read(path, file, sample_rate)
    except (OSError, KeyError) as error:
        raise InputError(
            f"{path} is not a whole HDF5 file of the GWOSC: {error.args[0]}.",
            "Download it again, as HDF5 with strain and data quality.",
        ) from error


def resample(values: FloatArray, rate: float, wanted: float) -> FloatArray:
    """Lower the sampling rate by a whole factor, behind a filter that keeps aliases out.

    A linear-phase filter run without delay; the band up to nine tenths of the new Nyquist frequency passes.
    Missing samples spread as far as the filter reaches; beyond the ends it sees zeros.
    """
    factor = round(rate / wanted)
    if factor == 1:
        return values
    taps = signal.firwin(2 * _HALF_LENGTH * factor + 1, 0.95 / factor, window=("kaiser", 8.0))
    missing = ~np.isfinite(values)
    low = signal.resample_poly(np.where(missing, 0.0, values), 1, factor, window=taps)
    if missing.any():
        reach = np.convolve(missing, np.ones(len(taps)), mode="same")[::factor] > 0.5
        low = np.where(reach[: len(low)], np.nan, low)
    return np.asarray(low)


def _read(path: Path, file: h5py.File, wanted: float) -> Strain:
    if missing := [name for name in _NEEDED if name not in file]:
        raise InputError(
            f"{path} is not a strain file of the GWOSC: it has no {', '.join(missing)}.",
            "Give the HDF5 file as the GWOSC ships it, with strain and data quality.",
        )
    detector = _text(file["meta/Detector"][()])
    if detector not in DETECTORS:
        raise InputError(f"{path} is of the detector {detector}.", f"Give files of {', '.join(DETECTORS)}.")
    data = file["strain/Strain"]
    rate = 1 / float(data.attrs["Xspacing"])
    if not any(np.isclose(rate, known) for known in _RATES):
        raise InputError(
            f"{path} has a wrong sampling rate: {rate:g} Hz.",
            f"Give a file of {' or '.join(f'{known:g}' for known in _RATES)} Hz.",
        )
    start = float(file["meta/GPSstart"][()])
    seconds = int(len(data) / rate)
    values = _resampled(data, round(rate), wanted)
    if not np.isfinite(values).any():
        raise InputError(f"{path} has no data: all of its strain is NaN.", "Choose another time.")
    good = _mask(path, file, "quality/simple/DQ", "DQmask", QUALITY, seconds)
    good &= _mask(path, file, "quality/injections/Inj", "Injmask", INJECTIONS, seconds)
    return Strain(detector, start, wanted, values, good)


def _resampled(data: h5py.Dataset, rate: float, wanted: float) -> FloatArray:
    """Read and resample some seconds at a time: an hour at 16384 Hz is half a gigabyte before it is resampled."""
    factor = round(rate / wanted)
    block, margin = round(_SECONDS_AT_ONCE * rate), 2 * _HALF_LENGTH * factor  # what the filter reaches, twice
    parts = []
    for begin in range(0, len(data), block):
        first, end = max(0, begin - margin), min(len(data), begin + block)
        part = resample(np.asarray(data[first : end + margin], dtype=np.float64), rate, wanted)
        parts.append(part[(begin - first) // factor : -(-(end - first) // factor)])
    return np.concatenate(parts) if parts else np.zeros(0)


def _mask(
    path: Path, file: h5py.File, prefix: str, mask: str, wanted: Iterable[str], seconds: int
) -> npt.NDArray[np.bool_]:
    """Seconds in which all of the wanted bits are set; a file without such bits passes none of them."""
    names = [_text(name) for name in file[f"{prefix}Shortnames"][:]]
    bits = np.asarray(file[f"{prefix.rpartition('/')[0]}/{mask}"], dtype=np.int64)
    missing = sorted(set(wanted) - set(names))
    if missing or len(bits) != seconds:
        raise InputError(
            f"{path}: its {mask} has {len(bits)} seconds of {', '.join(names)}, not {seconds} with "
            f"{', '.join(wanted)}.",
            "Give a file of O1 or a later run, as the GWOSC ships it: the masks of initial LIGO have other names.",
        )
    value = sum(1 << names.index(name) for name in wanted)
    return np.asarray((bits & value) == value)


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
