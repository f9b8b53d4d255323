"""A small residual network for cutouts of galaxies, with magnitudes at its side where they are wanted."""

import math
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from components.common.errors import ParameterError

PATCH = 4
"""Pixels on a side that the first layer joins: about the width of a star's image, so that little is lost."""

_REDUCTION = 2 * PATCH
_SYMMETRIES = 8


@dataclass(frozen=True)
class Architecture:
    """How a network is built.

    Attributes
    ----------
    bands, size : int
        Of the cutouts.
    channels : list of int
        Features at a quarter and at an eighth of the resolution.
    blocks : list of int
        Residual blocks at these two.
    hidden : int
        Width of the layers that join pictures and magnitudes.
    outputs : int
        Numbers that come out.
    dropout : float
        Probability with which a feature is left out in training.
    images : bool
        Whether it looks at the cutouts.
    side_inputs : int
        Numbers of the magnitudes that it is given beside the cutouts; 0 for none.
    members : int
        Answers whose probabilities are averaged; each has layers of its own behind the convolutions.
    """

    bands: int
    size: int
    channels: list[int] = field(default_factory=lambda: [48, 64])
    blocks: list[int] = field(default_factory=lambda: [1, 1])
    hidden: int = 128
    outputs: int = 1
    dropout: float = 0.1
    images: bool = True
    side_inputs: int = 0
    members: int = 4

    def __post_init__(self) -> None:
        if self.size < _REDUCTION or self.size % _REDUCTION:
            raise ParameterError(
                f"Cutouts of {self.size} pixels cannot be divided into eighths.",
                f"Prepare cutouts whose size is a multiple of {_REDUCTION} pixels, such as 64.",
            )

    def build(self) -> "CutoutNetwork":
        """Make the network, with weights drawn at random."""
        return CutoutNetwork(self)

    def to_json(self) -> dict[str, Any]:
        """Return the JSON-able form that a model folder stores."""
        return asdict(self)


class CutoutNetwork(nn.Module):
    """Patches, residual blocks at low resolution, and a weighted mean over the picture, beside magnitudes.

    Almost all of the work is at a quarter and an eighth of the resolution, where a minibatch fits into the caches
    of a processor. The weights of the mean over the picture are learnt, for each feature its own: a galaxy is in
    the middle of its cutout, and its neighbours are not, which a plain mean cannot tell.

    The logits are a sum: what the magnitudes say, and what a picture adds to that, which begins as nothing. So
    the magnitudes can be learnt first, and the pictures need not learn again what is known from them.

    Parameters
    ----------
    architecture : Architecture
        Its sizes.
    """

    def __init__(self, architecture: Architecture):
        super().__init__()
        self.layout = torch.channels_last
        a = architecture
        self.members = a.members
        if not (a.images or a.side_inputs):
            raise ParameterError("The network is shown nothing.", "Let it see images, magnitudes or both.")
        if a.side_inputs:
            self.beside = nn.Sequential(
                Linears(a.members, a.side_inputs, a.hidden),
                nn.GELU(),
                Linears(a.members, a.hidden, a.hidden),
                nn.GELU(),
            )
            self.told = nn.Sequential(nn.Dropout(a.dropout), Linears(a.members, a.hidden, a.outputs))
        if a.images:
            small = a.size // _REDUCTION
            self.trunk = nn.Sequential(
                nn.Conv2d(a.bands, a.channels[0], PATCH, PATCH, bias=False),
                nn.BatchNorm2d(a.channels[0]),
                nn.ReLU(inplace=True),
                *(Residual(a.channels[0]) for _ in range(a.blocks[0])),
                nn.Conv2d(a.channels[0], a.channels[1], 2, 2, bias=False),
                nn.BatchNorm2d(a.channels[1]),
                nn.ReLU(inplace=True),
                *(Residual(a.channels[1]) for _ in range(a.blocks[1])),
            )
            self.weight = nn.Parameter(torch.full((a.channels[1], small, small), 1.0 / small**2))
            self.seen = nn.Sequential(nn.Linear(a.channels[1], a.hidden), nn.GELU(), nn.Dropout(a.dropout))
            last = Linears(a.members, a.hidden, a.outputs)
            self.added = nn.Sequential(
                Linears(a.members, a.hidden * (2 if a.side_inputs else 1), a.hidden),
                nn.GELU(),
                nn.Dropout(a.dropout),
                last,
            )
            if a.side_inputs:
                nn.init.zeros_(last.weight)
                nn.init.zeros_(last.bias)

    def forward(self, images: Tensor | None, beside: Tensor | None = None) -> Tensor:
        """Map cutouts (batch, bands, size, size) and numbers (batch, side_inputs) to logits (batch, outputs).

        They are the logarithm of the mean of the members' probabilities. Without cutouts it answers from the
        numbers alone.
        """
        answers = self.answers(images, beside)
        return torch.logsumexp(answers.log_softmax(2), 0) - math.log(len(answers))

    def answers(self, images: Tensor | None, beside: Tensor | None = None) -> Tensor:
        """Return the logits of each member, (members, batch, outputs).

        The numbers may be others for each member: then they are (members, batch, side_inputs).
        """
        features = None
        if images is not None:
            features = self.trunk(images.contiguous(memory_format=self.layout)).float()
        device = "cpu" if features is None else features.device.type
        sums, joined = [], []
        with torch.autocast(device, enabled=False):  # rounded to bfloat16, magnitudes would be alike
            if beside is not None:
                joined.append(self.beside(beside.float()))
                sums.append(self.told(joined[0]))
            if features is not None:
                seen = self.seen(torch.einsum("bchw,chw->bc", features, self.weight))
                joined.append(seen.expand(self.members, -1, -1))
                sums.append(self.added(torch.cat(joined, 2)))
        return torch.stack(sums).sum(0)

    def keep_magnitudes(self) -> None:
        """Learn no more what magnitudes say; what pictures add to it is still learnt."""
        for part in (self.beside, self.told):
            part.requires_grad_(False)


class Linears(nn.Module):
    """A linear layer for each of several members, computed at once.

    Parameters
    ----------
    members, inputs, outputs : int
        Its sizes.
    """

    def __init__(self, members: int, inputs: int, outputs: int):
        super().__init__()
        reach = 1 / math.sqrt(inputs)
        self.weight = nn.Parameter(torch.empty(members, inputs, outputs).uniform_(-reach, reach))
        self.bias = nn.Parameter(torch.empty(members, 1, outputs).uniform_(-reach, reach))

    def forward(self, data: Tensor) -> Tensor:
        """Map (batch, inputs), or (members, batch, inputs), to (members, batch, outputs)."""
        return torch.baddbmm(self.bias, data.expand(len(self.weight), -1, -1), self.weight)


class Residual(nn.Module):
    """Two convolutions whose result is added to what they were given."""

    def __init__(self, channels: int):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
        )
        last = self.body[-1]
        assert isinstance(last, nn.BatchNorm2d)
        nn.init.zeros_(last.weight)  # a block begins as nothing, and is taken up where it helps

    def forward(self, data: Tensor) -> Tensor:
        """Map (batch, channels, height, width) to the same shape."""
        return functional.relu(data + self.body(data), inplace=True)


def vary(images: Tensor) -> Tensor:
    """Turn and mirror each cutout of a minibatch: each of the eight views is as likely, as the sky is the same.

    The rows of a minibatch come in random order: it is cut into eight parts, and each part gets one of the
    symmetries, which part which one at random. That is far cheaper than to turn each cutout by itself.

    The views are for training alone. To average the answers for all eight in prediction, at eight times the work,
    changed the CRPS of validation rows by 0.4 % for pictures alone, and not at all with magnitudes.
    """
    parts = torch.tensor_split(images, _SYMMETRIES)
    which = torch.randperm(_SYMMETRIES).tolist()
    return torch.cat([symmetry(part, number) for part, number in zip(parts, which, strict=True)])


def symmetry(images: Tensor, number: int) -> Tensor:
    """Return one of the eight views of cutouts (..., size, size), by its number: four turns, and their mirrors."""
    turned = torch.rot90(images, number % 4, (-2, -1))
    return turned.flip(-1) if number >= 4 else turned
