"""Noise of the detectors at design sensitivity, and how loud a signal is in it.

The curves are Advanced LIGO's updated design (LIGO-T1800044-v5) for H1 and L1 and Advanced Virgo's design
(LIGO-P1200087) for V1, sampled from the public curves that come with lalsimulation where straight lines between
logarithms miss them by less than 1 per cent; see `tests/physics/test_detector_noise.py`.
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from components.physics.detectors import DETECTORS

FloatArray = npt.NDArray[np.float64]
ComplexArray = npt.NDArray[np.complex128]

_CURVES = {"H1": "advanced_ligo", "L1": "advanced_ligo", "V1": "advanced_virgo"}
_TABLE = np.genfromtxt(Path(__file__).with_name("detector_noise.csv"), delimiter=",", names=True)


def design_psd(frequency: FloatArray) -> FloatArray:
    """One-sided power spectral density of the noise of each detector, in 1 / Hz: shape (detectors, frequencies).

    Below 9 Hz and above 1024 Hz the curves go on flat: the wall of seismic noise is not simulated to its height.
    """
    known = np.log(_TABLE["frequency_hz"])
    wanted = np.log(np.maximum(frequency, _TABLE["frequency_hz"][0]))
    return np.stack([np.exp(2 * np.interp(wanted, known, np.log(_TABLE[_CURVES[name]]))) for name in DETECTORS])


def draw_noise(
    segments: int, samples: int, sample_rate: float, psd: FloatArray, rng: np.random.Generator
) -> FloatArray:
    """Draw stationary Gaussian noise.

    Parameters
    ----------
    segments, samples : int
        Number of segments, and samples in each. A segment is periodic: cut what must not be off its middle.
    sample_rate : float
        In Hz.
    psd : ndarray, shape (detectors, samples // 2 + 1)
        One-sided, in 1 / Hz, at the frequencies of `numpy.fft.rfftfreq`.
    rng : Generator
        Source of randomness.

    Returns
    -------
    ndarray, shape (segments, detectors, samples)
        Strain.
    """
    shape = (segments, *psd.shape)
    # The mean of |FFT|^2 is psd * rate * samples / 2, by the definition of the one-sided density; the real and the
    # imaginary part have half of that each. There is no mean, and no Nyquist frequency.
    scale = np.sqrt(psd * sample_rate * samples / 4)
    scale[:, 0] = scale[:, -1] = 0.0
    spectrum = np.empty(shape, dtype=np.complex128)
    rng.standard_normal(out=spectrum.view(np.float64))
    spectrum *= scale
    return np.asarray(np.fft.irfft(spectrum, samples))


def optimal_snr(spectrum: ComplexArray, psd: FloatArray, step_hz: float) -> FloatArray:
    """Signal-to-noise ratio that a filter matched to a signal has on average.

    Parameters
    ----------
    spectrum : ndarray of complex, shape (..., frequencies)
        Fourier transform of the signal, in 1 / Hz; its modulus will do.
    psd : ndarray, shape (..., frequencies)
        One-sided noise density; infinite where the signal is not to count.
    step_hz : float
        Distance of the frequencies.

    Returns
    -------
    ndarray, shape (...)
        The square root of 4 times the integral of |h(f)|^2 / S(f).
    """
    power = spectrum.real**2 + spectrum.imag**2
    return np.asarray(np.sqrt(4 * step_hz * (power / psd).sum(-1)))
