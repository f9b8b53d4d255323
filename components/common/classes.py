"""Names of classes and their indices, for whoever learns to tell them apart."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from components.common.errors import InputError


def encode(labels: npt.NDArray[Any], classes: Sequence[str]) -> npt.NDArray[np.int64]:
    """Turn names of classes into their indices.

    Raises
    ------
    InputError
        When a label is none of the classes.
    """
    index = {name: number for number, name in enumerate(classes)}
    unknown = sorted({str(label) for label in labels} - set(index))
    if unknown:
        raise InputError(
            f"Rows are labelled {', '.join(unknown)}, which is none of the classes {', '.join(classes)}.",
            "Preprocess the data set with all classes that its rows have, or leave those rows out.",
        )
    return np.fromiter((index[str(label)] for label in labels), np.int64, len(labels))


def require_every_class(counts: npt.NDArray[Any], classes: Sequence[str], split: str) -> None:
    """Raise an InputError where a class has no row in a split."""
    absent = [name for name, count in zip(classes, counts, strict=True) if not count]
    if absent:
        raise InputError(
            f"No {split} row is a {', or a '.join(absent)}.",
            "Give more rows of that class, or another seed or larger fraction for the split.",
        )
