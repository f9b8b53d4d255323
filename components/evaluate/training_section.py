"""The section of a report on the training of a network or of boosted trees."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from components.common.files import read_json
from components.common.report import Section
from components.common.splits import SPLITS
from components.common.tables import read_table
from components.common.wording import counted, grouped
from components.evaluate.regression.diagrams import draw_learning_curves


def count_splits(table: Path) -> dict[str, int]:
    """Count the rows of each part of a preprocessed data set."""
    names, counts = np.unique(read_table(table, ["split"])["split"].astype(np.str_), return_counts=True)
    return dict.fromkeys(SPLITS, 0) | dict(zip(names.tolist(), counts.tolist(), strict=True))


def read_history(path: Path) -> list[dict[str, Any]]:
    """Read the epochs of a training that may not have been, such as that of a network for comparison."""
    epochs: list[dict[str, Any]] = read_json(path) if path.is_file() else []
    return epochs


def add_training(
    section: Section,
    history: Sequence[Mapping[str, Any]],
    loss: str,
    rows: Mapping[str, int] | None = None,
    noun: str = "rows",
) -> None:
    """Draw the losses of the epochs, or rounds of boosting, of which the best on rows held back was kept.

    Parameters
    ----------
    section : Section
        To add to.
    history : sequence of dict
        `epoch` or `round`, `train_loss` and `validation_loss` of each.
    loss : str
        Name of the loss, with its unit.
    rows : mapping of str to int, optional
        As of `count_splits`: how many rows it learnt from.
    noun : str
        What a row is, in the plural.
    """
    if rows is not None:
        section.text(
            f"{counted(rows['train'], noun, noun)} to learn from, {grouped(rows['validation'])} to choose by and "
            f"{grouped(rows['test'])} to test on. What belongs together is in one of the three parts."
        )
    step = "round" if "round" in history[0] else "epoch"
    number, train, validation = (
        np.array([row[name] for row in history], dtype=np.float64)
        for name in (step, "train_loss", "validation_loss")
    )
    chosen = int(number[np.nanargmin(validation)])
    section.figure(draw_learning_curves(number, train, validation, chosen, loss=loss, step=step))
