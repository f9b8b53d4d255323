"""What the networks are shown: of a spectrum, or of the strain in several detectors."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from components.common.errors import InputError

_FLUX_SCALE = 3.0
_LARGEST_SIGNIFICANCE = 20.0
_LARGEST_SHIFT = 200  # samples: a tenth of a second at 2048 Hz
_LOST = 0.1
"""Share of the training windows that lose their third detector."""


def flux_alone(flux: Tensor, ivar: Tensor) -> Tensor:
    """Normalised flux, as in the workshop paper: (batch, pixels) twice gives (batch, 1, pixels)."""
    del ivar
    return flux[:, None]


def flux_and_noise(flux: Tensor, ivar: Tensor) -> Tensor:
    """Flux, the logarithm of how well it is known, and whether it was observed: shape (batch, 3, pixels)."""
    significance = torch.sqrt(torch.clamp(ivar, min=0.0)).clamp(max=_LARGEST_SIGNIFICANCE)
    return torch.stack([flux / _FLUX_SCALE, torch.log1p(significance), (ivar > 0).to(flux.dtype)], 1)


def strain_alone(strain: Tensor) -> Tensor:
    """Whitened strain as it is: (batch, detectors, samples)."""
    return strain


def vary_strain(strain: Tensor, truth: Tensor) -> Tensor:
    """Make other windows of a minibatch that are as much noise, or as much a wave.

    All detectors move by the same time: a wave that comes a little later is as much a wave. The sign of each
    detector is drawn: sources turn, and noise has none. Windows of noise exchange their detectors, since noise in
    one knows nothing of the others: there is more noise to learn from than there are windows. Virgo, the last of
    three, is taken from some windows, as it is not there in most real data.

    Parameters
    ----------
    strain : Tensor, shape (batch, detectors, samples)
        Whitened.
    truth : Tensor, shape (batch,)
        Index of the class; 0 is noise.
    """
    shift = int(torch.randint(-_LARGEST_SHIFT, _LARGEST_SHIFT + 1, (1,)))
    varied = torch.roll(strain, shift, -1)
    noise = torch.nonzero(truth == 0)[:, 0]
    for detector in range(strain.shape[1]):
        other = torch.randperm(len(noise)).to(noise.device)
        varied[noise, detector] = varied[noise[other], detector]
    sign = 1 - 2 * torch.randint(0, 2, strain.shape[:2], device=strain.device)
    if strain.shape[1] > 2:
        sign[:, -1] *= torch.rand(len(strain), device=strain.device) >= _LOST
    return varied * sign[..., None].to(strain.dtype)


def unchanged(shown: Tensor, truth: Tensor) -> Tensor:
    """Return the input as it is."""
    del truth
    return shown


@dataclass(frozen=True)
class InputKind:
    """A kind of input.

    Attributes
    ----------
    columns : tuple of str
        Columns of the table that it is made of; the first has the length of the input as its last dimension.
    make : callable
        Makes the input, of shape (batch, channels, length), of these columns.
    data : str
        Which kind of data it is of: spectra or strain.
    augment : callable
        Varies a minibatch of inputs, given their targets, in training.
    """

    columns: tuple[str, ...]
    make: Callable[..., Tensor]
    data: str
    augment: Callable[[Tensor, Tensor], Tensor] = unchanged


KINDS = {
    "flux": InputKind(("flux", "ivar"), flux_alone, "spectra"),
    "flux_and_noise": InputKind(("flux", "ivar"), flux_and_noise, "spectra"),
    "strain": InputKind(("strain",), strain_alone, "strain", vary_strain),
}
"""Kinds of inputs by the name that a model stores."""

CHANNELS = {"flux": 1, "flux_and_noise": 3}
"""Channels of the inputs that are made of spectra; strain has as many as there are detectors."""

_OF_SPECTRA = {"paper": "flux", "restframe": "flux_and_noise", "strided": "flux_and_noise"}


def kind_for(architecture: str, columns: set[str]) -> str:
    """Name the kind of input that an architecture takes of a table with these columns."""
    if {"flux", "ivar"} <= columns and architecture in _OF_SPECTRA:
        return _OF_SPECTRA[architecture]
    if "strain" in columns and architecture != "restframe":
        return "strain"
    raise InputError(
        f"The table has neither spectra nor strain that the architecture {architecture} can read.",
        "Give the folder that a preprocess stage wrote; restframe reads spectra only, chirps strain only.",
    )
