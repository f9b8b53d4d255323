"""Time and frequency at once: the energy of whitened strain in tiles whose width follows the frequency."""

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]


def constant_q(
    white: npt.NDArray[np.floating], sample_rate: float, frequency: FloatArray, quality: float = 8.0
) -> FloatArray:
    """Energy of whitened strain around each frequency at each time.

    The transform of Chatterji et al. 2004 (Class. Quantum Grav. 21, S1809) with Gaussian windows, at every sample.

    Parameters
    ----------
    white : ndarray, shape (..., samples)
        Whitened strain of variance 1.
    sample_rate : float
        In Hz.
    frequency : ndarray, shape (frequencies,)
        Centres in Hz.
    quality : float
        Centre over width: cycles in a tile, about.

    Returns
    -------
    ndarray, shape (..., frequencies, samples)
        In units of the mean energy of noise whose density is flat over the tile: an exponential of mean 1.
    """
    samples = white.shape[-1]
    grid = np.fft.fftfreq(samples, 1 / sample_rate)
    width = frequency[:, None] / quality / np.sqrt(2)
    window = np.where(grid > 0, np.exp(-0.5 * ((grid - frequency[:, None]) / width) ** 2), 0.0)
    spectrum = np.fft.fft(np.asarray(white, dtype=np.float64))
    tiles = np.fft.ifft(spectrum[..., None, :] * window)
    # Of these frequencies alone: beyond its band whitened strain is empty, but for what a cut's ends leak there.
    wanted = (grid >= frequency.min()) & (grid <= frequency.max())
    power = np.abs(spectrum[..., wanted]) ** 2
    heard = power.max(-1) > 0  # a silent detector says nothing of the noise
    level = np.median(power[heard]) / np.log(2) if heard.any() else 1.0
    energy: FloatArray = np.abs(tiles) ** 2 / (level * (window**2).sum(-1)[:, None] / samples**2)
    return energy
