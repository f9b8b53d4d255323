"""What the networks are shown of a spectrum."""

import torch
from torch import Tensor

_FLUX_SCALE = 3.0
_LARGEST_SIGNIFICANCE = 20.0


def flux_alone(flux: Tensor, ivar: Tensor) -> Tensor:
    """Normalised flux, as in the workshop paper: (batch, pixels) twice gives (batch, 1, pixels)."""
    del ivar
    return flux[:, None]


def flux_and_noise(flux: Tensor, ivar: Tensor) -> Tensor:
    """Flux, the logarithm of how well it is known, and whether it was observed: shape (batch, 3, pixels)."""
    significance = torch.sqrt(torch.clamp(ivar, min=0.0)).clamp(max=_LARGEST_SIGNIFICANCE)
    return torch.stack([flux / _FLUX_SCALE, torch.log1p(significance), (ivar > 0).to(flux.dtype)], 1)


INPUTS = {"paper": (flux_alone, 1), "restframe": (flux_and_noise, 3)}
"""By architecture: the function that makes the input, and how many channels it has."""
