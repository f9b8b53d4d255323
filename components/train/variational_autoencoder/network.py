"""The networks: a U-Net in three dimensions that is periodic, and latents that carry what it cannot know."""

import math
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True)
class Architecture:
    """How a network is built.

    Attributes
    ----------
    fields : int
        Coarse fields that are shown, the linear estimate among them; 0 for the plain U-Net, which sees the density
        alone.
    summary : int
        Numbers that describe the whole box.
    width : int
        Features on the finer of two grids; the coarser has twice as many.
    latents : int
        Latent fields; 0 for a network without.
    bands : int
        Bands of wavenumber with a noise level of their own.
    """

    fields: int
    summary: int
    width: int
    latents: int
    bands: int

    def build(self) -> "Reconstructor":
        """Build it, with random weights."""
        return Reconstructor(self)

    def to_json(self) -> dict[str, Any]:
        """Return what `model.json` keeps."""
        return asdict(self)


@dataclass(frozen=True, eq=False)
class Prior:
    """What the network knows before latents are drawn.

    Attributes
    ----------
    mean_field : Tensor, shape (rows, z, y, x)
        Answer without latents.
    gate : Tensor
        Features that the latents are multiplied with.
    deep : Tensor
        Features on the coarser grid.
    mean, log_width : Tensor, shape (rows, latents, z/2, y/2, x/2)
        Of the latents, given the final field.
    """

    mean_field: Tensor
    gate: Tensor
    deep: Tensor
    mean: Tensor
    log_width: Tensor


class Reconstructor(nn.Module):
    """Initial density from final density.

    A convolution knows no place and every one of them is periodic, as the box is. The decoder is linear in the
    latents and what it makes of them depends on the final field: the mean over the latents is then the answer at
    their mean, and samples differ most where the final field says least.

    Parameters
    ----------
    architecture : Architecture
        Its sizes.
    """

    def __init__(self, architecture: Architecture):
        super().__init__()
        self.architecture = architecture
        width, latents = architecture.width, architecture.latents
        self.stem = convolution(8 + architecture.fields + architecture.summary, width)
        self.before = ResidualBlock(width)
        self.down = nn.Conv3d(8 * width, 2 * width, 1)
        self.deep = nn.Sequential(ResidualBlock(2 * width), ResidualBlock(2 * width))
        self.up = nn.Conv3d(2 * width, 8 * width, 1)
        self.after = ResidualBlock(width)
        last = convolution(width, 1)
        nn.init.zeros_(last.weight)  # begins as the linear estimate
        self.head = nn.Sequential(nn.SiLU(), last)
        self.noise = NoiseLevel(architecture.summary, architecture.bands)
        if latents:
            self.prior = nn.Conv3d(2 * width, 2 * latents, 1)
            self.recognised = nn.Conv3d(width, 2 * latents, 1)
            self.posterior = nn.Sequential(convolution(2 * width + 8, width), nn.SiLU())
            self.gate = nn.Conv3d(width, _GATES, 1)
            self.spread = nn.Conv3d(latents, 8 * _GATES, 1, bias=False)
            self.paint = convolution(_GATES, 1, bias=False)
            self.direct = convolution(8, 2 * latents, bias=False)

    def look(self, fine: Tensor, coarse: Tensor, summary: Tensor) -> Prior:
        """Look at a final field; the last of the coarse fields is the linear estimate, to which is added."""
        shown = [folded(fine)]
        shown.append(summary[:, :, None, None, None].expand(-1, -1, *shown[0].shape[2:]))
        if self.architecture.fields:
            shown.append(coarse)
        x = self.before(self.stem(torch.cat(shown, 1)))
        deep = self.deep(self.down(folded(x)))
        x = self.after(x + unfolded(self.up(deep)))
        mean_field = self.head(x)[:, 0]
        if self.architecture.fields:
            mean_field = mean_field + coarse[:, -1]
        if not self.architecture.latents:
            nothing = deep[:, :0]
            return Prior(mean_field, x[:, :0], deep, nothing, nothing)
        mean, log_width = self.prior(deep).chunk(2, 1)
        return Prior(mean_field, self.gate(x), deep, mean, log_width.clamp(*_LOG_WIDTHS))

    def recognise(self, prior: Prior, target: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and logarithmic width of the latents once the initial field is known as well."""
        missed = folded((target - prior.mean_field.detach())[:, None])
        found = self.recognised(self.posterior(torch.cat([prior.deep, missed], 1))) + self.direct(missed)
        mean, log_width = found.chunk(2, 1)
        return prior.mean + mean, (prior.log_width + log_width).clamp(*_LOG_WIDTHS)

    def decode(self, prior: Prior, latents: Tensor) -> Tensor:
        """Answer for given latents, shape (rows, z, y, x)."""
        painted: Tensor = self.paint(unfolded(self.spread(latents)) * prior.gate)
        return prior.mean_field + painted[:, 0]

    @torch.no_grad()
    def begin_latents(self, missed: Tensor) -> None:
        """Let each latent begin as one pattern of neighbouring cells, which it carries half of the power of.

        Random weights would take long to find that latents can say anything at all.

        Parameters
        ----------
        missed : Tensor, shape (rows, z, y, x)
            What the network misses before it has learnt anything.
        """
        patterns = haar(self.architecture.latents).to(missed)
        found = torch.einsum("lk,rkzyx->lrzyx", patterns, folded(missed[:, None]))
        scale = found.flatten(1).square().mean(1).sqrt()
        for layer in (self.direct, self.spread, self.gate, self.paint, self.recognised):
            layer.weight.mul_(_QUIET)
        for number, (pattern, size) in enumerate(zip(patterns, scale, strict=True)):
            self.direct.weight[number, :, 1, 1, 1] += _HALF * pattern / size
            self.spread.weight[:, number, 0, 0, 0] += _HALF * size * pattern.repeat(_GATES)
        self.paint.weight[:, :, 1, 1, 1] += 1 / _GATES
        even, narrower = self.gate.bias, self.recognised.bias
        assert even is not None
        assert narrower is not None
        even += 1
        narrower[self.architecture.latents :] += math.log(_HALF)

    def mean(self, prior: Prior) -> Tensor:
        """Answer in the mean over the latents."""
        return self.decode(prior, prior.mean) if self.architecture.latents else prior.mean_field


_GATES = 8

_LOG_WIDTHS = (-2.0, 1.0)
"""Of latents: narrower ones would make a single odd box cost more than all others together."""

_LARGEST_CHANGE = 3.0
"""Of the logarithmic noise power, from box to box."""

_HALF = 0.5**0.5
"""Amplitude of half of the power."""

_QUIET = 0.2
"""Of random weights beside those that are set."""


class ResidualBlock(nn.Module):
    """Two convolutions beside the identity."""

    def __init__(self, width: int):
        super().__init__()
        self.layers = nn.Sequential(
            nn.GroupNorm(4, width), nn.SiLU(), convolution(width, width), nn.SiLU(), convolution(width, width)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Apply it."""
        changed: Tensor = self.layers(x)
        return x + changed


class NoiseLevel(nn.Module):
    """Logarithmic noise power by band of wavenumber, from the numbers that describe the box."""

    def __init__(self, summary: int, bands: int):
        super().__init__()
        self.linear = nn.Linear(summary, bands)
        nn.init.zeros_(self.linear.weight)

    def forward(self, summary: Tensor) -> Tensor:
        """Return shape (rows, bands)."""
        change = functional.linear(summary, self.linear.weight) / _LARGEST_CHANGE
        level: Tensor = self.linear.bias + _LARGEST_CHANGE * torch.tanh(change)
        return level


def convolution(inputs: int, outputs: int, bias: bool = True) -> nn.Conv3d:
    """Convolve 3 x 3 x 3 cells of a periodic box."""
    return nn.Conv3d(inputs, outputs, 3, padding=1, padding_mode="circular", bias=bias)


def folded(x: Tensor) -> Tensor:
    """Turn each block of 2 x 2 x 2 cells into features of one cell."""
    rows, features, *cells = x.shape
    z, y, x_ = (side // 2 for side in cells)
    blocks = x.reshape(rows, features, z, 2, y, 2, x_, 2).permute(0, 1, 3, 5, 7, 2, 4, 6)
    return blocks.reshape(rows, 8 * features, z, y, x_)


def unfolded(x: Tensor) -> Tensor:
    """Do the reverse of `folded`."""
    rows, features, z, y, x_ = x.shape
    blocks = x.reshape(rows, features // 8, 2, 2, 2, z, y, x_).permute(0, 1, 5, 2, 6, 3, 7, 4)
    return blocks.reshape(rows, features // 8, 2 * z, 2 * y, 2 * x_)


def haar(count: int) -> Tensor:
    """Return patterns of signs of blocks of 2 x 2 x 2 cells, shape (at most 8, 8), the even one first."""
    pair = torch.tensor([[1.0, 1.0], [1.0, -1.0]])
    return torch.kron(torch.kron(pair, pair), pair)[:count] / 8**0.5


def divergence(mean: Tensor, log_width: Tensor, prior: Prior) -> Tensor:
    """Kullback-Leibler divergence of each latent from its prior in nats, shape (rows, latents, z, y, x)."""
    ratio = torch.exp(2 * (log_width - prior.log_width))
    distance = ((mean - prior.mean) * torch.exp(-prior.log_width)) ** 2
    return 0.5 * (ratio + distance - 1) - (log_width - prior.log_width)


class WaveLikelihood(nn.Module):
    """Gaussian likelihood of a field whose noise has a power of its own in each band of wavenumber.

    Parameters
    ----------
    band : Tensor of int64, shape of the transform
        Band of each wave; -1 for those that do not count.
    weight : Tensor, same shape
        How many waves each entry stands for.
    bands : int
        Number of bands.
    """

    band: Tensor
    weight: Tensor
    counts: Tensor

    def __init__(self, band: Tensor, weight: Tensor, bands: int):
        super().__init__()
        flat = torch.where(band < 0, bands, band).flatten()
        self.register_buffer("band", flat, persistent=False)
        self.register_buffer("weight", torch.where(band < 0, 0.0, weight).flatten().float(), persistent=False)
        self.register_buffer(
            "counts", torch.bincount(flat, self.weight, bands + 1)[:bands].float(), persistent=False
        )

    def power(self, field: Tensor) -> Tensor:
        """Mean squared amplitude in each band, shape (rows, bands); 1 for white noise of unit variance."""
        modes = torch.view_as_real(torch.fft.rfftn(field.float(), dim=(-3, -2, -1), norm="ortho")).square().sum(-1)
        sums = modes.new_zeros(len(field), len(self.counts) + 1)
        sums = sums.index_add(1, self.band, modes.flatten(1) * self.weight)
        return sums[:, :-1] / self.counts.clamp(min=1)

    def forward(self, missed: Tensor, log_noise: Tensor) -> Tensor:
        """Return the negative logarithm of the likelihood of each row, in nats, less a constant."""
        level = log_noise.float()
        misfit = self.power(missed) * torch.exp(-level) + level
        return 0.5 * (misfit * self.counts).sum(1)
