"""The eight symmetries of a square picture or map that has no direction."""

import torch
from torch import Tensor

SYMMETRIES = 8


def symmetry(images: Tensor, number: int) -> Tensor:
    """Return one of the eight views of squares (..., size, size), by its number: four turns, and their mirrors."""
    turned = torch.rot90(images, number % 4, (-2, -1))
    return turned.flip(-1) if number >= 4 else turned
