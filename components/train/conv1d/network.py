"""One-dimensional convolutional networks: the workshop paper's, and one that knows what a redshift does."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from components.common.errors import ParameterError
from components.train.conv1d.chirps import ChirpNetwork
from components.train.conv1d.convolution import LongConv1d, ReluMaxPool1d, fast_length
from components.train.conv1d.strided import StridedNetwork

ARCHITECTURES = ("paper", "restframe", "strided", "chirps")


@dataclass(frozen=True)
class Architecture:
    """What it takes to build a network again.

    Attributes
    ----------
    name : {"paper", "restframe", "strided", "chirps"}
        Which network.
    pixels : int
        Length of the input.
    inputs : int
        Channels of the input.
    kernels, channels : list of int
        Kernel widths in pixels, and output channels, of the three convolutions.
    outputs : int
        Numbers that come out: bins of the answer, or 1 for a point estimate.
    options : dict
        What else the architecture needs.
    input : str
        Which of `components.train.conv1d.inputs.KINDS` it is shown; empty in models of earlier versions, whose
        architecture says it.
    """

    name: str
    pixels: int
    inputs: int
    kernels: list[int]
    channels: list[int]
    outputs: int
    options: dict[str, Any] = field(default_factory=dict)
    input: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the JSON-able form that a model folder stores."""
        return asdict(self)

    def build(self) -> nn.Module:
        """Build the network with freshly drawn weights."""
        if self.name == "paper":
            return PaperNetwork(self.pixels, self.inputs, self.kernels, self.channels, self.outputs)
        if self.name == "restframe":
            return RestFrameNetwork(
                self.pixels, self.inputs, self.kernels, self.channels, self.outputs, **self.options
            )
        if self.name == "strided":
            return StridedNetwork(
                self.pixels, self.inputs, self.kernels, self.channels, self.outputs, **self.options
            )
        if self.name == "chirps":
            return ChirpNetwork(
                self.pixels, self.inputs, self.kernels, self.channels, self.outputs, **self.options
            )
        raise ParameterError(
            f"There is no architecture {self.name!r}.", f"Choose one of {', '.join(ARCHITECTURES)}."
        )


def scale_kernels(kernels: Sequence[float], bin_pixels: int) -> list[int]:
    """Kernel widths, given in lattice pixels, on a grid with pixels of `bin_pixels`; never below 3."""
    return [max(3, round(kernel / bin_pixels)) for kernel in kernels]


class PaperNetwork(nn.Module):
    """Three convolutions, each followed by ReLU and pooling by two, and two dense layers.

    He-uniform initialisation, as in Wang et al., "Introduction of Machine Learning for Astronomy".
    """

    hidden = 256

    def __init__(self, pixels: int, inputs: int, kernels: Sequence[int], channels: Sequence[int], outputs: int):
        super().__init__()
        layers: list[nn.Module] = []
        for before, after, kernel in zip([inputs, *channels], channels, kernels, strict=False):
            pixels = (pixels - kernel + 1) // 2
            if pixels < 1:
                raise ParameterError(
                    f"Kernels {list(kernels)} are longer than the spectrum that is left for them.",
                    "Give shorter kernels or smaller pixels.",
                )
            layers += [LongConv1d(before, after, kernel), ReluMaxPool1d()]
        self.features = nn.Sequential(*layers)
        self.head = nn.Sequential(
            nn.Flatten(), nn.Linear(channels[-1] * pixels, self.hidden), nn.ReLU(), nn.Linear(self.hidden, outputs)
        )
        for module in self.modules():
            if isinstance(module, nn.Conv1d | nn.Linear):
                nn.init.kaiming_uniform_(module.weight, nonlinearity="relu")
                nn.init.zeros_(module.bias)  # type: ignore[arg-type]

    def forward(self, spectra: Tensor) -> Tensor:
        """Map spectra of shape (batch, inputs, pixels) to (batch, outputs)."""
        answer: Tensor = self.head(self.features(spectra))
        return answer


class RestFrameNetwork(nn.Module):
    """Compares a spectrum with templates, learned in the rest frame, at every redshift at once.

    On a grid uniform in log wavelength a redshift is a shift, so what was learnt from a line at one redshift
    holds at all others. Three short convolutions turn the spectrum into features: is there a line here, an edge,
    a break? These are correlated with templates of features, over shifts from redshift 0 to the largest, and two
    convolutions along the shifts weigh the templates' answers into logits. The pixels that were observed count as
    a feature of their own, so that a template can say what it expects beyond them.

    Parameters
    ----------
    pixels, inputs : int
        Length and channels of the input; its last channel is 1 where a pixel was observed and 0 elsewhere.
    kernels, channels : sequence of int
        Of the three convolutions; the first halves the number of pixels.
    outputs : int
        Bins of redshift: `subpixels` for each shift by one (halved) pixel.
    templates : int
        Number of templates.
    subpixels : int
        Bins of redshift in a (halved) pixel.
    dropout : float
        Probability with which a feature is left out in training.
    """

    smoothing = 7
    prior_knots = 40

    def __init__(
        self,
        pixels: int,
        inputs: int,
        kernels: Sequence[int],
        channels: Sequence[int],
        outputs: int,
        templates: int,
        subpixels: int,
        dropout: float,
    ):
        super().__init__()
        self.pixels, self.subpixels, self.templates_count = pixels // 2, subpixels, templates
        self.shifts = outputs // subpixels
        self.length = fast_length(self.pixels + self.shifts - 1)
        layers: list[nn.Module] = []
        for index, (kernel, before, after) in enumerate(zip(kernels, [inputs, *channels], channels, strict=False)):
            stride = 2 if index == 0 else 1
            layers += [
                nn.Conv1d(before, after, kernel, stride, kernel // 2, bias=False),
                nn.BatchNorm1d(after),
                nn.GELU(),
            ]
        self.features = nn.Sequential(*layers[:-1], nn.Tanh())
        self.dropout = nn.Dropout1d(dropout)
        rest_pixels = self.pixels + self.shifts - 1
        self.templates = nn.Parameter(0.02 * torch.randn(templates, channels[-1] + 1, rest_pixels))
        self.rescale = nn.BatchNorm1d(templates)
        self.weigh = nn.Sequential(
            nn.Conv1d(templates, templates, self.smoothing, padding="same"),
            nn.GELU(),
            nn.Conv1d(templates, subpixels, self.smoothing, padding="same"),
        )
        self.plain = nn.Parameter(torch.full((templates,), 1.0 / templates))
        self.prior = nn.Parameter(torch.zeros(1, 1, self.prior_knots))

    def forward(self, spectra: Tensor) -> Tensor:
        """Map spectra of shape (batch, inputs, pixels) to logits of shape (batch, outputs)."""
        observed = functional.max_pool1d(spectra[:, -1:], 2)
        features = self.features(spectra)[..., : self.pixels].float() * observed
        features = self.dropout(torch.cat([features, observed], 1))
        with torch.autocast(spectra.device.type, enabled=False):
            matches = self.rescale(self._correlate(features) / math.sqrt(self.pixels))
        prior = functional.interpolate(self.prior, size=self.shifts, mode="linear")
        logits = self.weigh(matches) + (matches * self.plain[:, None]).sum(1, keepdim=True) + prior
        by_shift: Tensor = logits.float().transpose(1, 2)
        return by_shift.reshape(len(spectra), self.shifts * self.subpixels)

    def _correlate(self, features: Tensor) -> Tensor:
        """Correlate (batch, channels, pixels) with the templates at each shift: (batch, templates, shifts).

        A redshift that moves the spectrum s pixels redward compares its pixel p with rest-frame pixel
        p - s + shifts - 1. Products of complex spectra are written as real matrix products, frequency by
        frequency: several times faster than complex ones on a CPU.
        """
        seen = torch.fft.rfft(features, n=self.length).permute(2, 0, 1)
        known = torch.fft.rfft(self.templates, n=self.length).permute(2, 1, 0)
        left = torch.cat([seen.real, seen.imag], 2)
        right = torch.cat([torch.cat([known.real, known.imag], 2), torch.cat([known.imag, -known.real], 2)], 1)
        product = torch.bmm(left, right)
        spectrum = torch.complex(product[..., : self.templates_count], product[..., self.templates_count :])
        lags: Tensor = torch.fft.irfft(spectrum.permute(1, 2, 0), n=self.length)
        return lags[..., : self.shifts].flip(-1)
