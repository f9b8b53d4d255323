"""The way to a trained network that does not import torch before the other files have been looked at."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from components.train.conv1d.inference import Conv1dModel


def load_conv1d(folder: Path) -> "Conv1dModel":
    """Load the model that `train/conv1d` wrote."""
    from components.train.conv1d.inference import load_model

    return load_model(folder)
