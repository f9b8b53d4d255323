"""Warnings that travel with predictions as a sum of bits, as ZWARNING does with SDSS redshifts."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from components.common.tables import Columns


def set_bits(conditions: Mapping[str, npt.NDArray[np.bool_]], values: Mapping[str, int]) -> npt.NDArray[np.int64]:
    """Add up the warnings that hold.

    Parameters
    ----------
    conditions : dict of str to ndarray of bool, shape (n,)
        Where each warning holds, by its name.
    values : dict of str to int
        The bit of each.
    """
    first = next(iter(conditions.values()))
    bits = np.zeros(len(first), dtype=np.int64)
    for name, holds in conditions.items():
        bits |= np.where(holds, values[name], 0)
    return bits


def describe(bits: int, values: Mapping[str, int]) -> list[str]:
    """Name the warnings that are set in `bits`.

    Bits that no warning has, as from a later version, are named by their number.
    """
    names = [name for name, bit in values.items() if bits & bit]
    unknown = bits & ~sum(values.values())
    return names + [f"BIT_{n}" for n in range(unknown.bit_length()) if unknown >> n & 1]


def warning_columns(bits: npt.NDArray[np.int64], values: Mapping[str, int]) -> Columns:
    """Return the columns `warning`, the bits, and `warnings`, their names separated by spaces."""
    names = {value: " ".join(describe(int(value), values)) for value in np.unique(bits)}
    return {"warning": bits, "warnings": np.array([names[value] for value in bits], dtype=object)}
