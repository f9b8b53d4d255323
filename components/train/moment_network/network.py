"""A small convolutional network for periodic maps, of any part of their fields, that begins from a regression."""

from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from components.common.errors import ParameterError
from components.train.moment_network.ridge import Ridge
from components.train.moment_network.summaries import Summaries
from components.train.symmetries import SYMMETRIES, symmetry

_LARGE, _SMALL = 4, 2
_UNIT_WIDTH = 0.5413
"""Where softplus is 1."""


@dataclass(frozen=True)
class Architecture:
    """How a network is built.

    Attributes
    ----------
    fields, grid : int
        Of the maps.
    decades : list of float
        What 1 in a prepared map of each field is in decades, so that the mean of the field itself can be taken.
    channels : list of int
        Features at half the resolution, at a quarter, and so on.
    hidden : int
        Width of the layers after the maps.
    dropout : float
        Probability with which one of these is left out in training.
    cosmology, feedback : int
        Parameters of these kinds.
    """

    fields: int
    grid: int
    decades: list[float]
    channels: list[int] = field(default_factory=lambda: [16, 32, 64])
    hidden: int = 128
    dropout: float = 0.1
    cosmology: int = 2
    feedback: int = 4

    def __post_init__(self) -> None:
        reduction = 2 ** len(self.channels)
        if not self.channels or self.grid % reduction or self.grid < 2 * reduction:
            raise ParameterError(
                f"Maps of {self.grid} pixels cannot be halved {len(self.channels)} times.",
                f"Ingest maps of a multiple of {reduction} pixels, at least twice that, or give fewer channels.",
            )

    def build(self) -> "MomentNetwork":
        """Make the network, with weights drawn at random."""
        return MomentNetwork(self)

    def to_json(self) -> dict[str, Any]:
        """Return the JSON-able form that a model folder stores."""
        return asdict(self)


@dataclass(frozen=True)
class Answer:
    """What is said of maps, each of shape (rows, parameters).

    Attributes
    ----------
    correction, width : Tensor
        Mean and standard deviation of the posterior, from `start` and in units of `spread`.
    start, spread : Tensor
        What the regression says, and how far it misses in training, in units of the prior.
    """

    correction: Tensor
    width: Tensor
    start: Tensor
    spread: Tensor


class MomentNetwork(nn.Module):
    """Convolutions at falling resolution whose features are averaged over the map at each of them.

    What a universe is made of does not depend on where one looks, so that means of features over the whole map are
    all that is kept, those of fine detail beside those of coarse. A map without borders is continued around them.
    Missing fields are zero, which is their mean, and the network is told that they are missing.

    Its answer is a correction to that of a ridge regression on moments and power spectra, in units of how far that
    one misses: before training it says what the regression says, of whichever fields there are.

    Parameters
    ----------
    architecture : Architecture
        Its sizes.
    """

    def __init__(self, architecture: Architecture):
        super().__init__()
        a = architecture
        self.summaries = Summaries(a.grid, a.decades)
        self.ridge = Ridge(self.summaries, a.fields, a.cosmology + a.feedback)
        levels, before = [], a.fields
        for number, channels in enumerate(a.channels):
            size = _LARGE if number == 0 else _SMALL
            levels.append(Level(before, channels, size))
            before = channels
        self.levels = nn.ModuleList(levels)
        self.present = nn.Linear(a.fields, a.channels[0])
        seen = 2 * sum(a.channels) + len(self.summaries.fields) + a.fields
        of = [[field in those for field in range(a.fields)] for those in self.summaries.fields]
        self.register_buffer("members", torch.tensor(of), persistent=False)
        self.scale = nn.BatchNorm1d(seen)
        self.cosmology = Head(seen, a.hidden, a.cosmology, a.dropout)
        self.feedback = Head(seen, a.hidden, a.feedback, a.dropout)

    def forward(
        self, maps: Tensor, present: Tensor, summaries: Tensor | None = None, folds: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Map fields (batch, fields, n, n) and which are there (batch, fields) to means and deviations.

        Both have shape (batch, parameters), in units of the prior.
        """
        found = self.answer(maps, present, summaries, folds)
        return found.start + found.spread * found.correction, found.spread * found.width

    def begin(self, summaries: Tensor) -> Tensor:
        """Say the means by the regression alone, from summaries of maps all of whose fields are there."""
        present = torch.ones((len(summaries), self.present.in_features), dtype=torch.bool, device=summaries.device)
        mean: Tensor = self.ridge(self.ridge.scaled(summaries), present)[0]
        return mean

    def answer(
        self, maps: Tensor, present: Tensor, summaries: Tensor | None = None, folds: Tensor | None = None
    ) -> Answer:
        """Do the same, with regression and correction apart.

        Summaries of whole maps may be known already, and what fold of its training the regression is not to know.
        """
        there = present.to(maps.dtype)
        maps = maps * there[:, :, None, None]
        scaled = self.ridge.scaled(self.summaries(maps) if summaries is None else summaries)
        start, spread = self.ridge(scaled, present, folds)
        known = (self.get_buffer("members")[None] <= present[:, None]).all(2)
        parts = [torch.where(known, scaled, 0), there]
        features = maps.contiguous(memory_format=torch.channels_last)
        for number, level in enumerate(self.levels):
            features = level(features, self.present(there) if number == 0 else None)
            wide = features.float()
            parts += [wide.mean((2, 3)), wide.pow(2).mean((2, 3)).add(1e-6).sqrt()]
        with torch.autocast(maps.device.type, enabled=False):
            seen = self.scale(torch.cat(parts, 1))
            heads = [head(seen) for head in (self.cosmology, self.feedback)]
        return Answer(
            torch.cat([mean for mean, _ in heads], 1), torch.cat([width for _, width in heads], 1), start, spread
        )


class Level(nn.Module):
    """Half the resolution, and a block whose result is added to what it was given."""

    def __init__(self, before: int, channels: int, size: int):
        super().__init__()
        self.margin = size // 2 - 1
        self.reduce = nn.Conv2d(before, channels, size, 2, bias=False)
        self.norm = nn.BatchNorm2d(channels)
        self.has_block = size == _SMALL  # at the finest resolution a block would take as long as all the rest
        if self.has_block:
            self.first = _convolution(channels)
            self.first_norm = nn.BatchNorm2d(channels)
            self.second = _convolution(channels)
            self.second_norm = nn.BatchNorm2d(channels)
            nn.init.constant_(self.second_norm.weight, 0.2)

    def forward(self, data: Tensor, added: Tensor | None = None) -> Tensor:
        """Map (batch, before, n, n) to (batch, channels, n / 2, n / 2)."""
        if self.margin:
            data = functional.pad(data, (self.margin,) * 4, mode="circular")
        reduced = self.reduce(data)
        if added is not None:
            reduced = reduced + added[:, :, None, None]
        reduced = functional.leaky_relu(self.norm(reduced), 0.1)
        if not self.has_block:
            return reduced
        inner = functional.leaky_relu(self.first_norm(self.first(reduced)), 0.1)
        return functional.leaky_relu(reduced + self.second_norm(self.second(inner)), 0.1)


class Head(nn.Module):
    """From means of features to mean and standard deviation of some parameters, which begin as 0 and 1."""

    def __init__(self, inputs: int, hidden: int, parameters: int, dropout: float):
        super().__init__()
        self.body = nn.Sequential(
            nn.Linear(inputs, hidden), nn.GELU(), nn.Dropout(dropout), nn.Linear(hidden, 2 * parameters)
        )
        self.straight = nn.Linear(inputs, 2 * parameters)
        for values in (*self.body[-1].parameters(), *self.straight.parameters()):
            nn.init.zeros_(values)

    def forward(self, seen: Tensor) -> tuple[Tensor, Tensor]:
        """Map (batch, inputs) to means and deviations, both (batch, parameters)."""
        mean, width = (self.body(seen) + self.straight(seen)).chunk(2, 1)
        return mean, functional.softplus(width + _UNIT_WIDTH) + 1e-3


def _convolution(channels: int) -> nn.Conv2d:
    return nn.Conv2d(channels, channels, 3, padding=1, padding_mode="circular", bias=False)


def vary(maps: Tensor) -> Tensor:
    """Turn, mirror and shift maps of a minibatch, which have no borders and no direction.

    The rows come in random order: each of eight parts gets one of the symmetries and one shift, which is far
    cheaper than to turn each map by itself.
    """
    parts = torch.tensor_split(maps, SYMMETRIES)
    which = torch.randperm(SYMMETRIES).tolist()
    shifts = torch.randint(maps.shape[-1], (SYMMETRIES, 2)).tolist()
    return torch.cat(
        [
            symmetry(part, number).roll(tuple(shift), (-2, -1))
            for part, number, shift in zip(parts, which, shifts, strict=True)
        ]
    )


def drop_fields(rows: int, fields: int, whole: float) -> Tensor:
    """Draw which fields are shown: all in a share `whole` of the rows, else any number of them, any ones.

    Returns
    -------
    Tensor of bool, shape (rows, fields)
        At least one of each row.
    """
    kept = 1 + (torch.rand(rows) * fields).floor().clamp(max=fields - 1)
    kept[torch.rand(rows) < whole] = fields
    rank = torch.rand(rows, fields).argsort(1).argsort(1)
    return rank < kept[:, None]
