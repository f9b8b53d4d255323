"""A cube of density as a stack of slabs: done alike to what a model learns from and to what it is asked about."""

import numpy as np
import numpy.typing as npt

from components.common.errors import ParameterError

AXES = "xyz"


def overdensity_slabs(density: npt.NDArray[np.float32], axis: str, channels: int) -> npt.NDArray[np.float32]:
    """Cut a cube into equal slabs across an axis.

    Parameters
    ----------
    density : ndarray, shape (n, n, n)
        Over its mean.
    axis : {"x", "y", "z"}
        Along which slabs follow each other.
    channels : int
        Slabs; divides n.

    Returns
    -------
    ndarray of float32, shape (channels, n, n)
        Overdensity, averaged over the depth of a slab. The other two axes keep their order.
    """
    side = len(density)
    require_slabs(side, channels)
    turned = np.moveaxis(density, AXES.index(axis), 0)
    slabs = turned.reshape(channels, side // channels, side, side).mean(axis=1, dtype=np.float64)
    return np.asarray(slabs - 1, dtype=np.float32)


def require_slabs(side: int, channels: int) -> None:
    """Refuse a number of slabs that does not divide the grid."""
    if channels < 1 or side % channels:
        good = ", ".join(str(n) for n in range(1, side + 1) if side % n == 0)
        raise ParameterError(
            f"A grid of {side} cells cannot be cut into {channels} equal slabs.", f"Choose one of {good}."
        )
