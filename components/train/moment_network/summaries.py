"""Numbers that sum up a map whichever way it is turned and wherever it is cut: moments and power spectra."""

import itertools
import math

import numpy as np
import torch
from torch import Tensor, nn

_BINS = 12
_SHARED_BINS = 4
_MOMENTS = 4
_TINY = 1e-12


class Summaries(nn.Module):
    """Moments and power spectra of periodic maps.

    Of each field four moments: the logarithm of its mean and of its relative variance, and mean and deviation of
    its logarithm. Then the power of the field and of its logarithm by wavenumber; and how far the logarithms of
    two fields go together, in four bands of it.

    Parameters
    ----------
    grid : int
        Pixels a side.
    decades : list of float
        What 1 in a prepared map of each field is in decades.
    """

    def __init__(self, grid: int, decades: list[float]):
        super().__init__()
        fields, bins = len(decades), _bins(grid)
        self.pairs = list(itertools.combinations(range(fields), 2))
        bands = np.array_split(np.arange(len(bins)), min(_SHARED_BINS, len(bins)))
        coarse = np.stack([bins[band].sum(axis=0) for band in bands])
        self.register_buffer("bins", _averages(bins), persistent=False)
        self.register_buffer("bands", _averages(coarse), persistent=False)
        self.register_buffer("nepers", torch.tensor(decades) * math.log(10), persistent=False)
        each, both = 2 * len(bins), len(coarse)
        own: list[tuple[int, ...]] = [(field,) for field in range(fields) for _ in range(_MOMENTS + each)]
        self.fields = own + [pair for pair in self.pairs for _ in range(both)]
        """Of each number the fields that it is of."""
        self.moments = [field * (_MOMENTS + each) + place for field in range(fields) for place in range(_MOMENTS)]
        """Where the moments are."""

    def forward(self, maps: Tensor) -> Tensor:
        """Sum up prepared maps (rows, fields, n, n) by `len(self.fields)` numbers each."""
        maps = maps.float()
        with torch.autocast(maps.device.type, enabled=False):
            level = maps.mean((2, 3))
            logs = maps - level[:, :, None, None]
            natural = maps * self.get_buffer("nepers")[:, None, None]
            largest = natural.amax((2, 3), keepdim=True)
            linear = (natural - largest).exp()
            mean = linear.mean((2, 3))
            contrast = linear / mean[:, :, None, None] - 1
            variance = contrast.square().mean((2, 3))
            moments = torch.stack(
                [
                    mean.log() + largest[:, :, 0, 0],
                    (variance + _TINY).log(),
                    level,
                    logs.square().mean((2, 3)).add(_TINY).sqrt(),
                ],
                2,
            )
            waves = [torch.fft.rfft2(one, norm="ortho").flatten(2) for one in (contrast, logs)]
            powers = [(_squared(one) @ self.get_buffer("bins") + _TINY).log() for one in waves]
            own = torch.cat([moments, *powers], 2).flatten(1)
            return torch.cat([own, *self._shared(waves[1])], 1)

    def _shared(self, waves: Tensor) -> list[Tensor]:
        bands = self.get_buffer("bands")
        own = _squared(waves) @ bands
        return [
            (waves[:, one] * waves[:, other].conj()).real @ bands / (own[:, one] * own[:, other] + _TINY).sqrt()
            for one, other in self.pairs
        ]


def _squared(waves: Tensor) -> Tensor:
    return waves.real.square() + waves.imag.square()


def _bins(side: int) -> np.ndarray:
    """Count waves of half a plane by bin of wavenumber: up to twelve, from the fundamental to the corner's."""
    rows, columns = np.fft.fftfreq(side) * side, np.arange(side // 2 + 1)
    wavenumber = np.hypot(rows[:, None], columns[None])
    twice = np.where((columns == 0) | (columns == side // 2), 1.0, 2.0) * np.ones_like(wavenumber)
    edges = np.unique(np.round(np.geomspace(1, side / np.sqrt(2) + 1, _BINS + 1)))
    which = np.digitize(wavenumber, edges)
    return np.stack([((which == number) * twice).ravel() for number in range(1, len(edges))])


def _averages(counts: np.ndarray) -> Tensor:
    return torch.tensor((counts / counts.sum(axis=1, keepdims=True)).T, dtype=torch.float32)
