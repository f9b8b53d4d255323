"""The section of a report on the training of a network or of boosted trees."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from components.common.report import Section
from components.evaluate.regression.diagrams import draw_learning_curves


def add_training(section: Section, history: Sequence[Mapping[str, Any]], loss: str) -> None:
    """Draw the losses of the epochs, or rounds of boosting, of which the best on rows held back was kept."""
    step = "round" if "round" in history[0] else "epoch"
    number, train, validation = (
        np.array([row[name] for row in history], dtype=np.float64)
        for name in (step, "train_loss", "validation_loss")
    )
    chosen = int(number[np.nanargmin(validation)])
    section.figure(draw_learning_curves(number, train, validation, chosen, loss=loss, step=step))
