"""A network for waves that last: its first kernels are as long as they are, and begin as chirps."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from components.common.errors import ParameterError
from components.physics.chirps import leading_order_chirps
from components.train.conv1d.convolution import fast_length
from components.train.conv1d.envelopes import POOL, Envelopes
from components.train.conv1d.joined import JoinedNetwork, blocks

LIGHTEST, HEAVIEST = 8.0, 70.0
"""Chirp masses, in solar masses, of the first and the last kernel as they begin: of two holes of 10 and of 80."""

_AFTER = 64
"""Samples of a kernel after the merger, for the ringing."""
_LONGER = 8
"""Times a window, so that what the lightest binaries radiated long before does not wrap around into a kernel."""
_STRIDE = 2


class ChirpNetwork(JoinedNetwork):
    """Envelopes of long kernels, detector by detector, and two short convolutions that join them.

    The light black holes of a window are seen for a second. A network of short kernels adds up their energy piece
    by piece, noise and all; a kernel of that length adds up the wave. Squares of envelopes are what a matched
    filter adds over detectors, and that is what the second convolution can do.

    Parameters
    ----------
    groups : sequence of list of int
        As for `JoinedNetwork`; detectors of one design share their kernels.
    inputs : int
        Channels of the input.
    kernels, channels : sequence of int
        Of the three convolutions; those of the first are `Envelopes`.
    outputs : int
        Numbers that come out.
    bins : int
        As for `Envelopes`.
    dropout : float
        Probability with which a feature is left out in training.
    """

    def __init__(
        self,
        pixels: int,
        inputs: int,
        kernels: Sequence[int],
        channels: Sequence[int],
        outputs: int,
        groups: Sequence[Sequence[int]],
        bins: int,
        dropout: float,
    ):
        if kernels[0] > pixels:
            raise ParameterError(
                f"Kernels of {kernels[0]} samples are longer than the {pixels} of a window.", "Give shorter ones."
            )
        branches = [
            nn.Sequential(Envelopes(channels[0], kernels[0], bins), nn.BatchNorm1d(channels[0], affine=False))
            for _ in groups
        ]
        trunk = blocks([channels[0] * inputs, *channels[1:]], kernels[1:], [_STRIDE, _STRIDE])
        super().__init__(groups, branches, trunk, channels[2], outputs, dropout)

    def begin(self, response: npt.NDArray[np.float64], sample_rate: float) -> None:
        """Begin the kernels of each group as chirps, whitened as the windows are.

        Parameters
        ----------
        response : ndarray, shape (inputs, pixels // 2 + 1)
            By what strain was multiplied, frequency by frequency; 0 for a missing detector.
        sample_rate : float
            In Hz.
        """
        for branch, group in zip(self.branches, self.groups, strict=True):
            envelopes = next(branch.children())
            assert isinstance(envelopes, Envelopes)
            there = [detector for detector in group if response[detector].any()]
            whitening = response[there or slice(None)].mean(0)
            count, width = envelopes.weight.shape
            begun = chirp_kernels(count, width, whitening, sample_rate)
            envelopes.weight.data.copy_(torch.from_numpy(begun))


def chirp_kernels(
    count: int, width: int, response: npt.NDArray[np.float64], sample_rate: float
) -> npt.NDArray[np.float64]:
    """Whitened chirps, as evenly spaced in the logarithm of the chirp mass as masses are drawn.

    Parameters
    ----------
    count : int
        How many.
    width : int
        Samples of a kernel; it ends just after the merger, and its beginning is faded in.
    response : ndarray, shape (frequencies,)
        At the frequencies of `numpy.fft.rfftfreq`.
    sample_rate : float
        In Hz.

    Returns
    -------
    ndarray, shape (count, width)
        Of mean square 1.
    """
    coarse = np.linspace(0, sample_rate / 2, len(response))
    samples = _LONGER * 2 * (len(response) - 1)
    frequency: npt.NDArray[np.float64] = np.asarray(np.fft.rfftfreq(samples, 1 / sample_rate))
    mass = np.geomspace(LIGHTEST, HEAVIEST, count)
    wave = np.fft.irfft(leading_order_chirps(mass, frequency) * np.interp(frequency, coarse, response), samples)
    after = min(_AFTER, width // 4)
    kernel = np.roll(wave, width - after, -1)[:, :width]
    rise = width // 4
    kernel[:, :rise] *= 0.5 - 0.5 * np.cos(np.pi * np.arange(rise) / max(rise, 1))
    return np.asarray(kernel / np.sqrt((kernel**2).mean(-1, keepdims=True)))


def count_bins(samples: int, sample_rate: float, high_hz: float) -> int:
    """Frequencies from 0 to the end of the band, as `Envelopes` wants them: a length that transforms fast."""
    needed = int(np.ceil(high_hz * samples / sample_rate)) + 1
    return min(POOL * fast_length(-(-needed // POOL)), samples // 2 // POOL * POOL)
