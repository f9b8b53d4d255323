"""Real strain on its way to a model: whitened by its own noise, and cut into windows that overlap."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy import fft
from scipy.signal import welch, windows

from components.common.errors import InputError
from components.common.telemetry import warn
from components.ingest.gw_strain.gwosc_file import Strain, read_strain
from components.physics.detectors import DETECTORS
from components.preprocess.strain.whitening import Whitening, pass_band

FloatArray = npt.NDArray[np.float64]

_PSD_SECONDS = 4
_SHORTEST_SECONDS = 16
"""With less the noise density rests on fewer than seven overlapping periodograms."""
_FLANK_SECONDS = 0.5
"""Strain rises softly from its ends and from gaps: a step would ring for seconds, far louder than any wave. So
near to them it is not searched: the mains and other lines, which whitening takes out elsewhere, are left there."""


@dataclass(frozen=True, eq=False)
class Stretch:
    """Data of all detectors over the same time.

    Attributes
    ----------
    gps_start : float
        Time of the first sample.
    sample_rate : float
        In Hz.
    white : ndarray of float32, shape (detectors, samples)
        Whitened as a model's training windows were, of variance 1; 0 where there are no data.
    good : ndarray of bool, shape (detectors, samples)
        Where the data can be trusted.
    """

    gps_start: float
    sample_rate: float
    white: npt.NDArray[np.float32]
    good: npt.NDArray[np.bool_]

    @property
    def seconds(self) -> float:
        """Length."""
        return float(self.white.shape[1] / self.sample_rate)

    @property
    def detectors(self) -> list[str]:
        """Those that have any data."""
        return [name for name, good in zip(DETECTORS, self.good, strict=True) if good.any()]


def read_stretch(files: Sequence[Path], whitening: Whitening) -> Stretch:
    """Read files of the GWOSC, one a detector, and whiten what they have in common.

    The noise is that of the files, not of the model's training: detectors differ from their designs, and from
    themselves a month ago.

    Raises
    ------
    InputError
        When a file cannot be used, or they have too little time in common.
    """
    strains = [read_strain(path, whitening.sample_rate) for path in files]
    names = [strain.detector for strain in strains]
    listed = ", ".join(f"{path} ({_extent(strain)})" for path, strain in zip(files, strains, strict=True))
    if len(set(names)) < len(names):
        raise InputError(f"Two of the files are of one detector: {listed}.", "Give one file for each detector.")
    if missing := [name for name in DETECTORS if name not in names]:
        warn(f"There is no file of {', '.join(missing)}: the model is shown zeros in its place.")
    start = max(strain.gps_start for strain in strains)
    stop = min(strain.gps_start + strain.duration for strain in strains)
    if stop - start < _SHORTEST_SECONDS:
        raise InputError(
            f"The files have {max(0.0, stop - start):g} s in common: {listed}.",
            f"Give files of the same time, of at least {_SHORTEST_SECONDS} s.",
        )
    rate, samples = whitening.sample_rate, round((stop - start) * whitening.sample_rate)
    white = np.zeros((len(DETECTORS), samples), dtype=np.float32)
    good = np.zeros((len(DETECTORS), samples), dtype=bool)
    for path, strain in zip(files, strains, strict=True):
        present = np.isfinite(strain.values)
        if present.sum() < _SHORTEST_SECONDS * rate:
            raise InputError(
                f"{path} has {present.sum() / rate:g} s of data, the rest is missing.",
                f"Give at least {_SHORTEST_SECONDS} s.",
            )
        index = DETECTORS.index(strain.detector)
        first = round((start - strain.gps_start) * rate)
        trusted = np.repeat(strain.good, round(rate)) & _far_inside(present, round(_FLANK_SECONDS * rate))
        good[index] = trusted[first : first + samples]
        white[index] = whiten_series(strain, whitening)[first : first + samples]
    return Stretch(start, rate, white, good)


def _extent(strain: Strain) -> str:
    stop = strain.gps_start + strain.duration
    return f"{strain.detector}, GPS {strain.gps_start:.0f} to {stop:.0f}"


def whiten_series(strain: Strain, whitening: Whitening) -> npt.NDArray[np.float32]:
    """Whiten a long series by its own median density, and cut the band of a model; 0 where samples are missing."""
    values, rate = strain.values, strain.sample_rate
    present = np.isfinite(values)
    length = round(_PSD_SECONDS * rate)
    frequency, density = welch(values[present], rate, nperseg=length, average="median")
    tapered = np.where(present, values - values[present].mean(), 0.0)
    for begin, end in _runs(present):
        tapered[begin:end] *= windows.tukey(end - begin, min(1.0, 2 * _FLANK_SECONDS * rate / (end - begin)))
    fine: FloatArray = np.asarray(np.fft.rfftfreq(len(values), 1 / rate))
    passed = pass_band(fine, whitening.band, whitening.low_hz, whitening.high_hz, rate)
    response = passed / np.sqrt(np.interp(fine, frequency, density) * rate / 2 * (passed**2).mean())
    white = fft.irfft(fft.rfft(tapered) * response, len(values))
    return np.where(present, white, 0.0).astype(np.float32)


def _far_inside(present: npt.NDArray[np.bool_], reach: int) -> npt.NDArray[np.bool_]:
    """Leave out what is closer than `reach` samples to a gap or an end."""
    inside = np.zeros(len(present), dtype=bool)
    for begin, end in _runs(present):
        inside[begin + reach : max(begin + reach, end - reach)] = True
    return inside


def _runs(mask: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Beginning and end of each stretch where a mask is set."""
    edges = np.flatnonzero(np.diff(mask.astype(np.int8), prepend=0, append=0))
    return [(int(begin), int(end)) for begin, end in edges.reshape(-1, 2)]
