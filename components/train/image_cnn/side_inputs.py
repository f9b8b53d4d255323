"""What a network is told beside the picture: a magnitude and colours, on one scale, with what is missing said."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

MAGNITUDES = ("m_u", "m_g", "m_r", "m_i", "m_z")
"""Columns with dereddened magnitudes."""

_REFERENCE = MAGNITUDES.index("m_r")
_LARGEST = 6.0
_NORMAL = 1.4826


@dataclass(frozen=True)
class SideInputs:
    """Scales of a magnitude and four colours, from training rows.

    A colour says what kind of galaxy at what redshift it is, a magnitude how far away: as differences they are
    learnt at once, as five magnitudes that are almost equal they are not.

    Attributes
    ----------
    centre, scale : list of float
        Median and normalised median absolute deviation of the magnitude in r and of the colours from u to z.
    """

    centre: list[float]
    scale: list[float]

    @classmethod
    def of_training(cls, magnitudes: npt.NDArray[np.float32]) -> "SideInputs":
        """Find the scales of training rows: magnitudes of shape (n, 5), NaN where missing."""
        numbers = _numbers(magnitudes)
        known = [column[np.isfinite(column)] for column in numbers.T]
        centre = [float(np.median(column)) if column.size else 0.0 for column in known]
        spread = [
            _NORMAL * float(np.median(np.abs(c - m))) if c.size else 0.0
            for c, m in zip(known, centre, strict=True)
        ]
        return cls(centre, [width or 1.0 for width in spread])

    @property
    def count(self) -> int:
        """Numbers that an object is described with."""
        return 2 * len(self.centre)

    def make(self, magnitudes: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Turn magnitudes (n, 5) into numbers around 0, and for each 1 where it is missing: shape (n, count)."""
        scaled = (_numbers(magnitudes) - np.array(self.centre)) / np.array(self.scale)
        missing = ~np.isfinite(scaled)
        numbers = np.where(missing, 0.0, np.clip(scaled, -_LARGEST, _LARGEST))
        return np.concatenate([numbers, missing], axis=1).astype(np.float32)

    def to_json(self) -> dict[str, Any]:
        """Return the JSON-able form that a model folder stores."""
        return asdict(self)


def stack_magnitudes(columns: dict[str, npt.NDArray[Any]]) -> npt.NDArray[np.float32]:
    """Gather the columns `MAGNITUDES` of a table: shape (n, 5)."""
    return np.stack([np.asarray(columns[name], dtype=np.float32) for name in MAGNITUDES], axis=1)


def _numbers(magnitudes: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    m = magnitudes.astype(np.float64)
    return np.concatenate([m[:, [_REFERENCE]], m[:, :-1] - m[:, 1:]], axis=1)
