"""What regressors are shown of a spectrum, and what they are asked about it.

A spectrum is divided by its median flux, which is told apart: its logarithm is most of the magnitude, and would be
lost among a thousand pixels. Regressors are therefore asked for the magnitude relative to that of the median flux,
and for ln(1 + z), in which a shift of the spectrum is the same at any redshift.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from components.common.errors import InputError
from components.common.tables import Columns, open_table

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]

COLUMNS = ("flux", "ivar", "offset", "scale", "coverage")
"""Columns of a prepared table that `describe` needs."""

GROUPS = ("group", "object_id")
"""Columns that name what was split as a whole; the first that a table has counts."""

TARGETS = ("redshift", "magnitude_r")
FURTHER = ("velocity_dispersion", "stellar_mass")
"""Targets of models of their own: not every spectrum has them."""

LOWEST, HIGHEST = -1.0, 3.0
"""Relative flux is clipped here: a cosmic ray must not outweigh a line, nor a line all others."""

_FAINTEST = 1e-3


@dataclass(frozen=True)
class Spectra:
    """Features of n spectra.

    Attributes
    ----------
    pixels : ndarray, shape (n, pixels)
        Flux relative to its median, minus one, clipped; 0 where nothing was observed.
    brightness : ndarray, shape (n,)
        Magnitude of the median flux, on the scale 22.5 - 2.5 log10 of the flux unit.
    quality : ndarray, shape (n, 2)
        ln of the signal-to-noise ratio, and coverage: what tells how far a prediction can be trusted.
    """

    pixels: Singles
    brightness: Floats
    quality: Floats

    def __len__(self) -> int:
        return len(self.brightness)

    def __getitem__(self, rows: Any) -> "Spectra":
        return Spectra(self.pixels[rows], self.brightness[rows], self.quality[rows])

    @classmethod
    def joined(cls, parts: Sequence["Spectra"]) -> "Spectra":
        """Put spectra after each other."""
        names = ("pixels", "brightness", "quality")
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def describe(columns: Columns) -> Spectra:
    """Turn prepared spectra into features.

    Parameters
    ----------
    columns : dict of str to ndarray
        `COLUMNS` of a table that was prepared with the normalisation `robust`, whose offset is the median flux.
    """
    offset = np.maximum(columns["offset"].astype(np.float64), _FAINTEST)
    relative = columns["flux"] * (columns["scale"] / offset).astype(np.float32)[:, None]
    observed = columns["ivar"] > 0
    noise = np.sqrt(np.nanmedian(np.where(observed, columns["ivar"], np.nan)[:, ::4], axis=1))
    ratio = noise * offset / np.maximum(columns["scale"], 1e-30)
    quality = np.column_stack([np.log(np.clip(np.nan_to_num(ratio, nan=0.1), 0.1, 1e3)), columns["coverage"]])
    return Spectra(np.clip(relative, LOWEST, HIGHEST).astype(np.float32), 22.5 - 2.5 * np.log10(offset), quality)


def to_targets(labels: Columns, spectra: Spectra, where: str, targets: Sequence[str] = TARGETS) -> Floats:
    """Return what is learnt, one column for each target: see `to_target`.

    Raises
    ------
    InputError
        When a label is missing.
    """
    missing = [name for name in targets if not np.isfinite(labels[name]).all()]
    if missing:
        raise InputError(
            f"There are rows of {where} without {' and '.join(missing)}.",
            "Take a source that has both, such as source=skyserver, or leave these rows out.",
        )
    return np.column_stack([to_target(name, labels[name], spectra.brightness) for name in targets])


def to_target(name: str, values: Floats, brightness: Floats) -> Floats:
    """Turn labels into what is learnt: ln(1 + z), r relative to the median flux, ln of the velocity dispersion.

    Of the mass, in powers of ten, what is learnt is that of a galaxy whose median flux has magnitude 0.
    """
    if name == "redshift":
        return np.asarray(np.log1p(values))
    if name == "magnitude_r":
        return np.asarray(values - brightness)
    return np.asarray(np.log(values) if name == "velocity_dispersion" else values + 0.4 * brightness)


def from_target(name: str, values: Floats, brightness: Floats) -> Floats:
    """Undo `to_target`."""
    if name == "redshift":
        return np.asarray(np.expm1(values))
    if name == "magnitude_r":
        return np.asarray(values + brightness)
    return np.asarray(np.exp(values) if name == "velocity_dispersion" else values - 0.4 * brightness)


def group_column(table: Path) -> str:
    """Return which of `GROUPS` the rows of a table were split by."""
    with open_table(table) as file:
        there = set(file.schema_arrow.names)
    return next(name for name in GROUPS if name in there)
