"""The section of a report on the training of a network."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from components.common.report import Section
from components.evaluate.regression.diagrams import draw_learning_curves


def add_training(section: Section, history: Sequence[Mapping[str, Any]], loss: str) -> None:
    """Draw the losses of the epochs, of which the one with the lowest on validation rows was kept."""
    epoch, train, validation = (
        np.array([row[name] for row in history], dtype=np.float64)
        for name in ("epoch", "train_loss", "validation_loss")
    )
    chosen = int(epoch[np.nanargmin(validation)])
    section.figure(draw_learning_curves(epoch, train, validation, chosen, loss=loss))
