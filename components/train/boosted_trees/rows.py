"""Rows of a table of features, as every estimator here takes them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from components.common.classes import encode
from components.common.errors import InputError
from components.common.tables import Columns, open_table, read_settings, read_table
from components.common.telemetry import warn

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]
Indices = npt.NDArray[np.int64]

LABEL = "label"
GROUPS = ("group_id", "object_id", "id")
"""Columns that say which rows belong together; the first that a table has counts."""


@dataclass(frozen=True)
class Rows:
    """Features and classes of n objects.

    Attributes
    ----------
    features : ndarray, shape (n, k)
        NaN where a value is missing.
    truth : ndarray of int, shape (n,)
        Index of the class.
    groups : ndarray, shape (n,)
        Rows of one group are of one object.
    """

    features: Singles
    truth: Indices
    groups: npt.NDArray[Any]

    def __len__(self) -> int:
        return len(self.truth)

    def __getitem__(self, rows: npt.NDArray[Any]) -> "Rows":
        return Rows(self.features[rows], self.truth[rows], self.groups[rows])


@dataclass(frozen=True)
class Plan:
    """What a table of features says of itself.

    Attributes
    ----------
    features, classes : tuple of str
        Names of the columns to learn from, and of the classes.
    group : str
        Column that says which rows belong together.
    settings : dict
        All that preprocess stored.
    """

    features: tuple[str, ...]
    classes: tuple[str, ...]
    group: str
    settings: dict[str, Any]


def read_plan(table: Path) -> Plan:
    """Read which features and classes a table has.

    Raises
    ------
    InputError
        When it does not say, or lacks a column that it names.
    """
    settings = read_settings(table)
    features, classes = (tuple(settings.get(name, ())) for name in ("features", "classes"))
    if not features or len(set(classes)) < 2:
        raise InputError(
            f"{table} names {len(features)} features and {len(classes)} classes: nothing can be learnt from it.",
            "Give the folder that preprocess wrote, with at least two classes.",
        )
    with open_table(table) as file:
        known = set(file.schema_arrow.names)
    if missing := sorted({*features, LABEL} - known):
        raise InputError(
            f"{table} has no column {', '.join(missing)}.", "Give the folder that preprocess wrote, unchanged."
        )
    group = next((name for name in GROUPS if name in known), LABEL)
    return Plan(features, classes, group, settings)


def read_rows(table: Path, plan: Plan, split: str, most: int, seed: int) -> Rows:
    """Read rows of one split, at most so many, drawn at random.

    Raises
    ------
    InputError
        When there is none.
    """
    columns = read_table(table, list({*plan.features, LABEL, plan.group}), split)
    count = len(columns[LABEL])
    if count == 0:
        raise InputError(
            f"{table} has no rows in the split {split!r}.", "Give more rows, or a larger fraction to that split."
        )
    rows = Rows(stack(columns, plan.features), encode(columns[LABEL], plan.classes), columns[plan.group])
    if count <= most:
        return rows
    warn(f"Of {count} rows of the split {split}, {most} are used: all are held in memory.")
    return rows[np.sort(np.random.default_rng(seed % 2**64).choice(count, most, replace=False))]


def stack(columns: Columns, features: tuple[str, ...]) -> Singles:
    """Put columns beside each other, shape (n, k); what is infinite counts as missing."""
    values = np.stack([np.asarray(columns[name], dtype=np.float32) for name in features], axis=1)
    return np.where(np.isfinite(values), values, np.float32(np.nan))
