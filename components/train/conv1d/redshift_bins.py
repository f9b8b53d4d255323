"""Redshift as a shift: bins uniform in log10(1 + z), and what a network is asked to say about them."""

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True)
class RedshiftBins:
    """Bins uniform in log10(1 + z), the first centred on redshift 0.

    Attributes
    ----------
    step : float
        Width in log10(1 + z).
    count : int
        Number of bins.
    """

    step: float
    count: int

    @classmethod
    def covering(cls, largest_redshift: float, pixel_step: float, subpixels: int) -> "RedshiftBins":
        """Whole pixels, each cut into `subpixels` bins, from redshift 0 to a little beyond the largest."""
        shifts = math.ceil(math.log10(1.0 + largest_redshift) / pixel_step) + 8
        return cls(pixel_step / subpixels, shifts * subpixels)

    @property
    def edges(self) -> npt.NDArray[np.float64]:
        """Redshifts between the bins, shape (count + 1,)."""
        return np.asarray(10.0 ** (self.step * (np.arange(self.count + 1) - 0.5)) - 1.0)

    def to_json(self) -> dict[str, Any]:
        """Return the JSON-able form that a model folder stores."""
        return asdict(self)

    def cross_entropy(self, logits: Tensor, redshift: Tensor) -> Tensor:
        """Mean cross entropy with the truth shared between the two bins nearest to it.

        Parameters
        ----------
        logits : Tensor, shape (batch, count)
        redshift : Tensor, shape (batch,)
        """
        position = (torch.log10(1.0 + redshift.double()) / self.step).clamp(0, self.count - 1.001)
        lower = position.floor().long()
        share = (position - lower).to(logits.dtype)
        log_probability = functional.log_softmax(logits, dim=1)
        nearest = torch.stack([lower, lower + 1], 1)
        weight = torch.stack([1.0 - share, share], 1)
        return -(torch.gather(log_probability, 1, nearest) * weight).sum(1).mean()
