"""What predicted parameters are to be distrusted for: bits that travel with them."""

import numpy as np
import numpy.typing as npt

from components.predict.warning_bits import set_bits

Floats = npt.NDArray[np.float64]

_WIDE = 0.8
_FAR = 4.0
_NARROWEST, _WIDEST = 1 / 3, 3.0

BITS = {"MISSING_FIELDS": 1 << 0, "UNFAMILIAR": 1 << 1, "EDGE": 1 << 2, "UNINFORMED": 1 << 3}
"""Value of each warning in the column `warning`; a bit never changes its meaning.

MISSING_FIELDS: not all fields of the model are given; it answers by the others. UNFAMILIAR: in a field the mean
of the logarithm, or its scatter over the map, is far from that of training maps: look at the units. EDGE: omega_m
or sigma_8 is predicted within a standard deviation of the end of the range that was trained on, or beyond it.
UNINFORMED: a predicted standard deviation of omega_m or sigma_8 is hardly smaller than that of the prior.
"""


def find_warnings(
    missing: bool, prepared: npt.NDArray[np.float32], shown: npt.NDArray[np.bool_], mean: Floats, width: Floats
) -> npt.NDArray[np.int64]:
    """Set the warning bits of n maps.

    Parameters
    ----------
    missing : bool
        Whether a field of the model is.
    prepared : ndarray, shape (n, fields, grid, grid)
        Prepared maps.
    shown : ndarray of bool, shape (fields,)
        Which fields are there.
    mean, width : ndarray, shape (n, 2)
        Of omega_m and sigma_8, in units of the prior's standard deviation around its mean.
    """
    seen = prepared[:, shown].astype(np.float64)
    level, scatter = seen.mean(axis=(2, 3)), seen.std(axis=(2, 3))
    odd = (np.abs(level) > _FAR) | (scatter < _NARROWEST) | (scatter > _WIDEST)
    conditions = {
        "MISSING_FIELDS": np.full(len(prepared), missing),
        "UNFAMILIAR": odd.any(axis=1),
        "EDGE": (np.abs(mean) + width > np.sqrt(3)).any(axis=1),  # half the range of a uniform prior
        "UNINFORMED": (width > _WIDE).any(axis=1),
    }
    return set_bits(conditions, BITS)
