"""What a predicted morphology is to be distrusted for: bits that travel with it."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from components.predict.warning_bits import set_bits

UNSURE = 0.6
"""Below this probability two of five answers, or more, are wrong if the probabilities are honest."""

FEW_FEATURES = 0.5
BITS = {"FEW_FEATURES": 1 << 0, "OUT_OF_RANGE": 1 << 1, "UNSURE": 1 << 7}
"""Value of each warning in the column `warning`.

FEW_FEATURES: less than half of what the model looks at was measured. Give a table with more columns.
OUT_OF_RANGE: a measurement lies where next to no training galaxy did. Mind units, and corrections for extinction.
UNSURE: the most probable class has less than 0.6 of the probability. Look at the picture.
"""


def find_warnings(
    probability: npt.NDArray[np.float64],
    features: npt.NDArray[np.float32],
    names: Sequence[str],
    ranges: Mapping[str, Sequence[float]],
) -> npt.NDArray[np.int64]:
    """Set the warning bits of n predictions.

    Parameters
    ----------
    probability : ndarray, shape (n, classes)
        Of the classes.
    features : ndarray, shape (n, features)
        What the model was given; NaN where missing.
    names : sequence of str
        Of the features.
    ranges : mapping of str to (float, float)
        Between which values nearly all training galaxies lie.
    """
    low, high = np.array([ranges.get(name, (-np.inf, np.inf)) for name in names], dtype=np.float64).T
    reach = np.where(np.isfinite(high - low), high - low, 0.0)
    beyond = (features < low - 0.1 * reach) | (features > high + 0.1 * reach)
    conditions = {
        "FEW_FEATURES": np.isfinite(features).mean(axis=1) < FEW_FEATURES,
        "OUT_OF_RANGE": beyond.any(axis=1),
        "UNSURE": probability.max(axis=1, initial=0.0) < UNSURE,
    }
    return set_bits(conditions, BITS)
