"""Statistics of the logarithms of a field's pixels, collected map by map."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from components.common.errors import InputError

BINS_PER_DEX = 500
_LOWEST, _HIGHEST = -45, 40
"""Decades: what float32 can hold."""


@dataclass(frozen=True)
class LogScaling:
    """How pixels of a field become numbers around 0.

    Attributes
    ----------
    floor : float
        Smaller pixels count as this.
    mean, std : float
        Of the decimal logarithms of training pixels, after that.
    floored : float
        Share of the training pixels below the floor.
    """

    floor: float
    mean: float
    std: float
    floored: float

    def apply(self, maps: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Scale pixels; none may be negative."""
        logarithms = np.log10(np.maximum(maps, np.float32(self.floor)))
        logarithms -= np.float32(self.mean)
        logarithms *= np.float32(1 / self.std)
        return logarithms


class LogHistogram:
    """Collect pixels of one field; what comes out does not depend on the order they come in.

    The bins are a five-hundredth of a decade wide, far below what mean and width of any field are known to.
    """

    def __init__(self) -> None:
        self._counts = np.zeros((_HIGHEST - _LOWEST) * BINS_PER_DEX, dtype=np.int64)
        self.zeros = 0

    def add(self, pixels: npt.NDArray[np.float32]) -> None:
        """Add pixels that are finite and not negative."""
        positive = pixels[pixels > 0]
        self.zeros += pixels.size - positive.size
        bins = ((np.log10(positive) - np.float32(_LOWEST)) * np.float32(BINS_PER_DEX)).astype(np.int64)
        self._counts += np.bincount(bins, minlength=len(self._counts))

    def scaling(self, name: str, floor_quantile: float) -> LogScaling:
        """Find floor, mean and width.

        The floor is the quantile of positive pixels where there are zeros, else below the smallest pixel, so
        that it only matters for zeros in maps to come.

        Raises
        ------
        InputError
            When all pixels are equal, or zero; `name` is the field's.
        """
        positive = int(self._counts.sum())
        centres = _LOWEST + (np.arange(len(self._counts)) + 0.5) / BINS_PER_DEX
        present = np.flatnonzero(self._counts)
        if len(present) < 2:
            raise InputError(
                f"The training maps of {name} are the same everywhere: nothing can be learnt from them.",
                "Leave the field out, or look at where its maps come from.",
            )
        first = present[0]
        if self.zeros:
            cumulated = np.cumsum(self._counts)
            first = int(np.searchsorted(cumulated, floor_quantile * positive, side="right"))
        floor = float(np.float32(10 ** (_LOWEST + first / BINS_PER_DEX)))
        below = int(self._counts[:first].sum()) + self.zeros
        values = np.concatenate([[np.log10(floor)], centres[first:]])
        weights = np.concatenate([[below], self._counts[first:]])
        mean = float(np.average(values, weights=weights))
        width = float(np.sqrt(np.average((values - mean) ** 2, weights=weights)))
        return LogScaling(floor, mean, width, below / (positive + self.zeros))
