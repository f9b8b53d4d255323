"""What the networks are shown: of a spectrum, or of the strain in several detectors."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from components.common.errors import InputError

_FLUX_SCALE = 3.0
_LARGEST_SIGNIFICANCE = 20.0
_LARGEST_SHIFT = 200  # samples: a tenth of a second at 2048 Hz


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


def shift_and_flip(strain: Tensor) -> Tensor:
    """Move all detectors of a window by the same time, and change the sign of all at random.

    A wave that comes a little later is as much a wave, and so is one whose source has turned: more windows to
    learn from than there are.
    """
    shift = int(torch.randint(-_LARGEST_SHIFT, _LARGEST_SHIFT + 1, (1,)))
    sign = 1 - 2 * torch.randint(0, 2, (len(strain), 1, 1), device=strain.device, dtype=strain.dtype)
    return torch.roll(strain, shift, -1) * sign


def unchanged(shown: Tensor) -> Tensor:
    """Return the input as it is."""
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
        Varies a minibatch of inputs in training.
    """

    columns: tuple[str, ...]
    make: Callable[..., Tensor]
    data: str
    augment: Callable[[Tensor], Tensor] = unchanged


KINDS = {
    "flux": InputKind(("flux", "ivar"), flux_alone, "spectra"),
    "flux_and_noise": InputKind(("flux", "ivar"), flux_and_noise, "spectra"),
    "strain": InputKind(("strain",), strain_alone, "strain", shift_and_flip),
}
"""Kinds of inputs by the name that a model stores."""

CHANNELS = {"flux": 1, "flux_and_noise": 3}
"""Channels of the inputs that are made of spectra; strain has as many as there are detectors."""

_OF_SPECTRA = {"paper": "flux", "restframe": "flux_and_noise", "strided": "flux_and_noise"}


def kind_for(architecture: str, columns: set[str]) -> str:
    """Name the kind of input that an architecture takes of a table with these columns."""
    if {"flux", "ivar"} <= columns:
        return _OF_SPECTRA[architecture]
    if "strain" in columns and architecture != "restframe":
        return "strain"
    raise InputError(
        f"The table has neither spectra nor strain that the architecture {architecture} can read.",
        "Give the folder that a preprocess stage wrote; restframe reads spectra only.",
    )
