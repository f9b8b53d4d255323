"""A convolutional network that shortens its input quickly, for answers that care not where a feature is."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from components.common.errors import ParameterError

_SHORTEST_PERIOD = 6.0

HIDDEN = 64
"""Width of the layer before the answer."""


class StridedNetwork(nn.Module):
    """Strided convolutions, and the largest and mean response of each feature over the whole length.

    The first two convolutions look at each group of channels by itself: detectors of one design share their
    weights, since a wave looks alike in both, and the groups meet in the third. Spectra have a single group. The
    largest response says whether a feature is there, wherever it is; the mean says how much of it there is.

    Parameters
    ----------
    groups : sequence of list of int
        Channels of the input that share a branch: [[0, 1], [2]] is a branch that sees channels 0 and 1, one after
        the other, and one for channel 2; its first kernels begin as `wavelets`. Empty: one branch that sees all
        channels at once.
    inputs : int
        Channels of the input.
    kernels, channels : sequence of int
        Of the three convolutions; a fourth one, with half the last kernel, follows.
    strides : sequence of int
        By how much each of the four shortens its input.
    outputs : int
        Numbers that come out.
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
        strides: Sequence[int],
        dropout: float,
    ):
        super().__init__()
        if pixels // int(torch.tensor(list(strides)).prod()) < 1:
            raise ParameterError(
                f"Strides {list(strides)} leave nothing of {pixels} pixels.", "Give smaller strides or pixels."
            )
        self.groups = [list(group) for group in groups]
        seen = 1 if groups else inputs
        self.branches = nn.ModuleList(
            nn.Sequential(
                *_block(seen, channels[0], kernels[0], strides[0]),
                *_block(channels[0], channels[1], kernels[1], strides[1]),
            )
            for _ in range(max(1, len(groups)))
        )
        if groups:
            for branch in self.branches:
                first = next(branch.children())
                assert isinstance(first, nn.Conv1d)
                first.weight.data.copy_(wavelets(channels[0], kernels[0])[:, None])
        joined = channels[1] * (inputs if groups else 1)
        self.trunk = nn.Sequential(
            *_block(joined, channels[2], kernels[2], strides[2]),
            *_block(channels[2], channels[2], max(3, kernels[2] // 2), strides[3]),
        )
        self.head = nn.Sequential(
            nn.Linear(2 * channels[2], HIDDEN), nn.GELU(), nn.Dropout(dropout), nn.Linear(HIDDEN, outputs)
        )

    def forward(self, data: Tensor) -> Tensor:
        """Map data of shape (batch, inputs, pixels) to (batch, outputs)."""
        return self._answer(self.trunk(torch.cat(self._branch(data), 1)))

    def contribution(self, data: Tensor, channel: int) -> Tensor:
        """Return what one channel adds to the third convolution, which is linear: all channels add up to it.

        Whoever combines the same channels again and again, as time slides do, need not look at each anew.

        Parameters
        ----------
        data : Tensor, shape (batch, pixels)
            Of the channel.
        channel : int
            Which one, of a network whose channels are in groups.

        Returns
        -------
        Tensor, shape (batch, channels of the third convolution, length)
        """
        place = [member for group in self.groups for member in group].index(channel)
        number = next(n for n, group in enumerate(self.groups) if channel in group)
        seen = self.branches[number](data[:, None])
        joint = self.trunk[0]
        assert isinstance(joint, nn.Conv1d)
        width = seen.shape[1]
        weight = joint.weight[:, place * width : (place + 1) * width]
        return functional.conv1d(seen, weight, None, joint.stride, joint.padding)

    def from_contributions(self, total: Tensor) -> Tensor:
        """Map the sum of the contributions of all channels to (batch, outputs), as `forward` maps the data."""
        return self._answer(self.trunk[1:](total))

    def _answer(self, features: Tensor) -> Tensor:
        features = features.float()
        with torch.autocast(features.device.type, enabled=False):  # rounded to bfloat16, answers would be alike
            answer: Tensor = self.head(torch.cat([features.amax(-1), features.mean(-1)], 1))
        return answer

    def _branch(self, data: Tensor) -> list[Tensor]:
        if not self.groups:
            return [self.branches[0](data)]
        return [
            branch(data[:, channel : channel + 1])
            for branch, group in zip(self.branches, self.groups, strict=True)
            for channel in group
        ]


def wavelets(count: int, width: int) -> Tensor:
    """Short waves, in pairs of cosine and sine, from one cycle in the kernel to one in six samples.

    First kernels of strain: a wave far below the noise of any sample is not seen at all before the kernels look
    for oscillations, and from kernels drawn at random a training takes an epoch or two to come to that.

    Parameters
    ----------
    count : int
        How many.
    width : int
        Of the kernel.

    Returns
    -------
    Tensor, shape (count, width)
        As strong as kernels that are drawn at random.
    """
    frequency = torch.logspace(-math.log10(width), -math.log10(_SHORTEST_PERIOD), -(-count // 2))[:, None]
    at = torch.arange(width) - (width - 1) / 2
    envelope = torch.exp(-0.5 * (at / torch.clamp(1 / frequency, max=width / 4)) ** 2)
    phase = 2 * math.pi * frequency * at
    pairs = torch.stack([envelope * torch.cos(phase), envelope * torch.sin(phase)], 1).flatten(0, 1)[:count]
    strength: Tensor = pairs.norm(dim=1, keepdim=True) * math.sqrt(3)
    return pairs / strength


def _block(before: int, after: int, kernel: int, stride: int) -> list[nn.Module]:
    return [
        nn.Conv1d(before, after, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm1d(after),
        nn.GELU(),
    ]
