"""Whitening: dividing out the noise's own spectrum, so that every frequency of the band is equally quiet.

Strain is some 1e-21, and its squares underflow in float32: everything here is float64 until it is whitened.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import fft, signal
from scipy.signal import windows

from components.common.checks import require_one_of
from components.common.errors import InputError, ParameterError

FloatArray = npt.NDArray[np.float64]

BANDS = ("fourier", "butterworth")
_STORED = ("samples", "sample_rate", "taper", "band", "low_hz", "high_hz")
_BUTTERWORTH_ORDER = 8
_EDGE = 0.1
"""Width, as a share of the frequency, over which the Fourier band falls off like a cosine."""


@dataclass(frozen=True, eq=False)
class Whitening:
    """What is done to each window; a model keeps it, so that it can do the same to new ones.

    Attributes
    ----------
    psd : ndarray, shape (detectors, samples // 2 + 1)
        One-sided density of the noise in 1 / Hz; NaN throughout for a detector that is not there.
    samples : int
        Length of a window.
    sample_rate : float
        In Hz.
    taper : float
        Share of the window in the cosine flanks of the Tukey window.
    band : {"fourier", "butterworth"}
        `fourier` cuts the band with short cosine flanks. `butterworth` has the response of the order-8 Butterworth
        filter of the workshop, without its phase: run forwards in time, as there, it smears the merger.
    low_hz, high_hz : float
        Edges of the band.
    """

    psd: FloatArray
    samples: int
    sample_rate: float
    taper: float = 0.15
    band: str = "fourier"
    low_hz: float = 20.0
    high_hz: float = 500.0

    def __post_init__(self) -> None:
        require_one_of(BANDS, band=self.band)
        if not 0 <= self.taper <= 1:
            raise ParameterError(
                f"taper is {self.taper}.", "Give the share of the window that is tapered, 0 to 1."
            )
        if not 0 < self.low_hz < self.high_hz <= self.sample_rate / 2:
            raise ParameterError(
                f"The band from {self.low_hz} to {self.high_hz} Hz is empty, or ends above Nyquist.",
                f"Choose 0 < low_hz < high_hz <= {self.sample_rate / 2:g}.",
            )

    @property
    def response(self) -> FloatArray:
        """Factor on the amplitude at each frequency: shape (detectors, frequencies), 0 for a missing detector."""
        passed = self._passed
        with np.errstate(invalid="ignore", divide="ignore"):  # white noise has the variance psd * rate / 2
            factor = passed / np.sqrt(self.psd * self.sample_rate / 2 * self.kept)
        return np.where(np.isfinite(factor), factor, 0.0)

    @property
    def kept(self) -> float:
        """Share of the variance of white noise that the band leaves."""
        return float((self._passed**2).mean())

    @property
    def _passed(self) -> FloatArray:
        frequency: FloatArray = np.asarray(np.fft.rfftfreq(self.samples, 1 / self.sample_rate))
        return pass_band(frequency, self.band, self.low_hz, self.high_hz, self.sample_rate)

    def apply(self, strain: FloatArray) -> npt.NDArray[np.float32]:
        """Whiten windows.

        Parameters
        ----------
        strain : ndarray of float64, shape (n, detectors, samples)
            A detector that is not finite throughout counts as missing.

        Returns
        -------
        ndarray of float32, same shape
            Of variance 1 where there is noise alone, off the flanks; 0 for a missing detector.
        """
        if strain.dtype != np.float64 or strain.shape[-1] != self.samples:
            raise InputError(
                f"Windows of {strain.shape[-1]} samples of {strain.dtype} cannot be whitened.",
                f"Give {self.samples} samples of float64: squares of strain underflow in float32.",
            )
        centred = strain - strain.mean(-1, keepdims=True)
        centred *= windows.tukey(self.samples, self.taper)
        spectrum = fft.rfft(centred, overwrite_x=True)
        spectrum *= self.response
        white = fft.irfft(spectrum, self.samples, overwrite_x=True).astype(np.float32)
        white[~np.isfinite(white).all(-1)] = 0.0
        return np.asarray(white)

    def to_settings(self) -> dict[str, Any]:
        """Return the JSON-able form that the table, and then the model, stores."""
        rows = [[float(f"{value:.6g}") for value in row] if np.isfinite(row).all() else [] for row in self.psd]
        return {"psd": rows, **{name: getattr(self, name) for name in _STORED}}

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> "Whitening":
        """Read what `to_settings` returned, from the settings of a table or of a model."""
        length = settings["samples"] // 2 + 1
        psd = np.array([row or [np.nan] * length for row in settings["psd"]], dtype=np.float64)
        return cls(psd, **{name: settings[name] for name in _STORED})


def pass_band(frequency: FloatArray, band: str, low: float, high: float, sample_rate: float) -> FloatArray:
    """Amplitude that passes at each frequency, from 0 to 1."""
    if band == "butterworth":
        top = min(high, 0.999 * sample_rate / 2)
        sos = signal.butter(_BUTTERWORTH_ORDER, [low, top], btype="bandpass", fs=sample_rate, output="sos")
        return np.asarray(np.abs(signal.freqz_sos(sos, frequency, fs=sample_rate)[1]))
    rise = np.clip((frequency - low) / (_EDGE * low), 0, 1)
    fall = np.clip((high - frequency) / (_EDGE * high), 0, 1)
    return np.asarray(np.sin(np.pi / 2 * rise) * np.sin(np.pi / 2 * fall))
