"""A convolutional network that shortens its input quickly, for answers that care not where a feature is."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from components.common.errors import ParameterError
from components.train.conv1d.joined import JoinedNetwork, blocks

_SHORTEST_PERIOD = 6.0


class StridedNetwork(JoinedNetwork):
    """Strided convolutions, and the largest and mean response of each feature over the whole length.

    The first two convolutions look at each group of channels by itself: detectors of one design share their
    weights, since a wave looks alike in both, and the groups meet in the third. Spectra have a single group.

    Parameters
    ----------
    groups : sequence of list of int
        As for `JoinedNetwork`; where there are some, the first kernels begin as `wavelets`.
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
        if pixels // math.prod(strides) < 1:
            raise ParameterError(
                f"Strides {list(strides)} leave nothing of {pixels} pixels.", "Give smaller strides or pixels."
            )
        seen = 1 if groups else inputs
        branches = [
            nn.Sequential(*blocks([seen, *channels[:2]], kernels[:2], strides[:2]))
            for _ in range(max(1, len(groups)))
        ]
        if groups:
            for branch in branches:
                first = next(branch.children())
                assert isinstance(first, nn.Conv1d)
                first.weight.data.copy_(wavelets(channels[0], kernels[0])[:, None])
        joined, last = channels[1] * (inputs if groups else 1), channels[2]
        trunk = blocks([joined, last, last], [kernels[2], max(3, kernels[2] // 2)], strides[2:])
        super().__init__(groups, branches, trunk, last, outputs, dropout)


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
