"""What may be wrong with a reconstruction."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from components.ingest.camels_snapshots.snapshot_header import Header
from components.predict.warning_bits import set_bits

BITS: Mapping[str, int] = {"NOT_TODAY": 1, "UNLIKE_TRAINING": 2}
"""Bits of `warning`: the snapshot is not of redshift 0; its structure is unlike that of all training boxes."""

_LATEST_REDSHIFT = 0.1
_STRANGE = 4.0
"""Standard deviations of the training boxes, of any of the numbers that describe how strong structure is."""


def find_warnings(header: Header, strangeness: npt.NDArray[np.floating]) -> npt.NDArray[np.int64]:
    """Return the bits of one snapshot, shape (1,)."""
    late = not -_LATEST_REDSHIFT < header.redshift < _LATEST_REDSHIFT
    return set_bits({"NOT_TODAY": np.array([late]), "UNLIKE_TRAINING": np.asarray(strangeness) > _STRANGE}, BITS)
