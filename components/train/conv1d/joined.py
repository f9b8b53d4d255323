"""What networks share whose answers care not where a feature is: branches, a trunk where they meet, and a head."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

HIDDEN = 64
"""Width of the layer before the answer."""


class JoinedNetwork(nn.Module):
    """Branches for groups of channels, a trunk that joins them, and largest and mean response of each feature.

    The largest response says whether a feature is there, wherever it is; the mean says how much of it there is.

    Parameters
    ----------
    groups : sequence of list of int
        Channels of the input that share a branch: [[0, 1], [2]] is a branch that sees channels 0 and 1, one after
        the other, and one for channel 2. Empty: one branch that sees all channels at once.
    branches : sequence of nn.Module
        One for each group.
    trunk : sequence of nn.Module
        The first is a convolution without a bias, over the features of all channels.
    features : int
        Channels that leave the trunk.
    outputs : int
        Numbers that come out.
    dropout : float
        Probability with which a feature is left out in training.
    """

    def __init__(
        self,
        groups: Sequence[Sequence[int]],
        branches: Sequence[nn.Module],
        trunk: Sequence[nn.Module],
        features: int,
        outputs: int,
        dropout: float,
    ):
        super().__init__()
        self.groups = [list(group) for group in groups]
        self.branches = nn.ModuleList(branches)
        self.trunk = nn.Sequential(*trunk)
        self.head = nn.Sequential(
            nn.Linear(2 * features, HIDDEN), nn.GELU(), nn.Dropout(dropout), nn.Linear(HIDDEN, outputs)
        )

    def forward(self, data: Tensor) -> Tensor:
        """Map data of shape (batch, inputs, pixels) to (batch, outputs)."""
        return self._answer(self.trunk(torch.cat(self._branch(data), 1)))

    def contribution(self, data: Tensor, channel: int) -> Tensor:
        """Return what one channel adds to the trunk's first convolution, which is linear: all add up to it.

        Whoever combines the same channels again and again, as time slides do, need not look at each anew.

        Parameters
        ----------
        data : Tensor, shape (batch, pixels)
            Of the channel.
        channel : int
            Which one, of a network whose channels are in groups.

        Returns
        -------
        Tensor, shape (batch, channels of that convolution, length)
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


def blocks(channels: Sequence[int], kernels: Sequence[int], strides: Sequence[int]) -> list[nn.Module]:
    """Convolutions of these widths and strides from each number of channels to the next, normalised, with GELU."""
    layers: list[nn.Module] = []
    for (before, after), kernel, stride in zip(pairwise(channels), kernels, strides, strict=True):
        layers += [
            nn.Conv1d(before, after, kernel, stride, kernel // 2, bias=False),
            nn.BatchNorm1d(after),
            nn.GELU(),
        ]
    return layers
