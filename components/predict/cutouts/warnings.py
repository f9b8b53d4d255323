"""What a predicted redshift of a picture is to be distrusted for: bits that travel with it."""

import numpy as np
import numpy.typing as npt

from components.common.distributions import BinnedDistribution
from components.common.tables import Columns
from components.predict.warning_bits import set_bits

BROAD_WIDTH = 0.1
"""Width of a 68 % interval, in units of 1 + z: twice the error beyond which a redshift counts as an outlier."""

COMPARABLE_MASS = 0.2
UNFAMILIAR_SCALES = 5.0

BITS = {
    "NO_MAGNITUDES": 1 << 0,
    "SOME_MAGNITUDES": 1 << 1,
    "BROAD": 1 << 2,
    "MULTIMODAL": 1 << 3,
    "EDGE": 1 << 4,
    "UNFAMILIAR": 1 << 5,
}
"""Value of each warning in the column `warning`; a bit never changes its meaning.

NO_MAGNITUDES: the model learnt from pictures with magnitudes, and none is known here. Expect a wider interval;
give mag_u to mag_z and extinction_u to extinction_z in a table. SOME_MAGNITUDES: at least one is missing.
BROAD: the 68 % interval is wider than 0.1 (1 + z). MULTIMODAL: a fifth of the probability or more is at another
redshift than around the strongest peak. EDGE: the interval reaches the end of the redshifts that the model knows.
UNFAMILIAR: magnitude or colours are far from those of all training rows; the answer is a guess.
"""


def find_warnings(
    distribution: BinnedDistribution,
    columns: Columns,
    magnitudes: npt.NDArray[np.float32] | None,
    scaled: npt.NDArray[np.float32] | None,
) -> npt.NDArray[np.int64]:
    """Set the warning bits of n predictions.

    Parameters
    ----------
    distribution : BinnedDistribution
        What was predicted.
    columns : dict of str to ndarray, shape (n,)
        `redshift`, `low68` and `high68`.
    magnitudes : ndarray, shape (n, 5), or None
        What the model was told; None where it is not told any.
    scaled : ndarray, shape (n, k), or None
        The same on the model's scale, 0 where missing.
    """
    count = len(distribution)
    none = np.zeros(count, dtype=bool)
    missing = none[:, None] if magnitudes is None else ~np.isfinite(magnitudes)
    width = columns["high68"] - columns["low68"]
    outside = np.where(distribution.peak_window(), 0.0, distribution.probability).sum(axis=1)
    first, last = distribution.edges[1], distribution.edges[-2]
    conditions = {
        "NO_MAGNITUDES": missing.all(axis=1),
        "SOME_MAGNITUDES": missing.any(axis=1) & ~missing.all(axis=1),
        "BROAD": width > BROAD_WIDTH * (1 + columns["redshift"]),
        "MULTIMODAL": outside >= COMPARABLE_MASS * distribution.probability.sum(axis=1),
        "EDGE": (columns["low68"] <= first) | (columns["high68"] >= last),
        "UNFAMILIAR": none if scaled is None else (np.abs(scaled) >= UNFAMILIAR_SCALES).any(axis=1),
    }
    return set_bits(conditions, BITS)
