"""How loud the noise is at each frequency, learnt from windows of noise as they stream by."""

import numpy as np
import numpy.typing as npt
from scipy import fft, stats
from scipy.signal import get_window

FloatArray = npt.NDArray[np.float64]

_BLOCKS = 31
"""Windows are dealt to so many blocks. A glitch spoils the mean of its own block, and the median does not mind."""


class PsdEstimator:
    """Median of means of periodograms, detector by detector.

    Each window is one of Welch's segments (Welch 1967), tapered by a Hann window. The mean alone is moved by one
    glitch; the median alone knows a density 1.4 times worse than the mean, and would need all windows in memory.
    Compare the median-mean estimate of FINDCHIRP (Allen et al. 2012, Phys. Rev. D 85, 122006, appendix B).

    Parameters
    ----------
    detectors, samples : int
        Shape of a window.
    sample_rate : float
        In Hz.
    average : {"median", "mean"}
        Of the blocks.
    """

    def __init__(self, detectors: int, samples: int, sample_rate: float, average: str = "median"):
        self._taper = get_window("hann", samples)
        self._scale = 2 / (sample_rate * (self._taper**2).sum())
        self._average = average
        self._sums = np.zeros((_BLOCKS, detectors, samples // 2 + 1))
        self._counts = np.zeros((_BLOCKS, detectors), dtype=np.int64)
        self._seen = 0

    @property
    def counts(self) -> npt.NDArray[np.int64]:
        """Windows seen of each detector."""
        return np.asarray(self._counts.sum(0))

    def add(self, strain: FloatArray) -> None:
        """Take in windows of noise, shape (n, detectors, samples); NaN for a detector that is missing."""
        present = np.asarray(np.isfinite(strain).all(-1))
        centred = np.where(present[..., None], strain - strain.mean(-1, keepdims=True), 0.0)
        spectrum = fft.rfft(centred * self._taper, overwrite_x=True)
        power = spectrum.real**2 + spectrum.imag**2
        block = (self._seen + np.arange(len(strain))) % _BLOCKS
        np.add.at(self._sums, block, power * self._scale)
        np.add.at(self._counts, block, present)
        self._seen += len(strain)

    def estimate(self) -> FloatArray:
        """One-sided density, shape (detectors, frequencies); NaN for a detector that was never there."""
        detectors = self._counts.shape[1]
        psd = np.full((detectors, self._sums.shape[-1]), np.nan)
        for index in range(detectors):
            count = self._counts[:, index]
            filled = count > 0
            if not filled.any():
                continue
            if self._average == "mean":
                psd[index] = self._sums[filled, index].sum(0) / count.sum()
            else:
                means = self._sums[filled, index] / count[filled, None]
                psd[index] = np.median(means, axis=0) / _median_bias(
                    float(count[filled].mean()), int(filled.sum())
                )
        psd[:, 0], psd[:, -1] = psd[:, 1], psd[:, -2]  # removed with the mean; half as many degrees of freedom
        return psd


def _median_bias(windows: float, blocks: int) -> float:
    """How far the median of `blocks` means, each of `windows` exponential periodograms, lies from their mean.

    The mean of k exponential numbers has a gamma distribution, and the rank of the m-th of n draws a beta
    distribution. The median is the middle one, or the mean of the two in the middle.
    """
    gamma = stats.gamma(windows, scale=1 / windows)
    grid = (np.arange(200) + 0.5) / 200
    middle = ((blocks + 1) // 2, blocks // 2 + 1)
    return float(np.mean([gamma.ppf(stats.beta(m, blocks + 1 - m).ppf(grid)).mean() for m in middle]))
