"""What a predicted class is to be distrusted for: bits that travel with it, as those of redshifts do."""

import numpy as np
import numpy.typing as npt

from components.common.tables import Columns
from components.predict.spectra.warnings import BITS as SPECTRUM_BITS
from components.predict.spectra.warnings import LITTLE_COVERAGE, LOW_SN
from components.predict.warning_bits import set_bits

UNSURE = 0.8
"""Below this probability, one answer in five or more is wrong if the probabilities are honest."""

BITS = {
    **{name: SPECTRUM_BITS[name] for name in ("LOW_SN", "LITTLE_COVERAGE", "RESAMPLED", "ZWARNING_INPUT")},
    "UNSURE": 1 << 7,
}
"""Value of each warning in the column `warning`; those that concern the spectrum mean what they mean to redshifts.

UNSURE: the most probable class has less than 0.8 of the probability. Look at the spectrum.
"""


def find_warnings(
    probability: npt.NDArray[np.float64], coverage: npt.NDArray[np.float32], spectra: Columns
) -> npt.NDArray[np.int64]:
    """Set the warning bits of n predictions.

    Parameters
    ----------
    probability : ndarray, shape (n, classes)
        Of the classes.
    coverage : ndarray, shape (n,)
        Fraction of the grid that is observed.
    spectra : dict of str to ndarray, shape (n,)
        `sn_median`, `resampled` and `zwarning` of the spectra.
    """
    conditions = {
        "LOW_SN": ~(spectra["sn_median"] >= LOW_SN),
        "LITTLE_COVERAGE": coverage < LITTLE_COVERAGE,
        "RESAMPLED": spectra["resampled"],
        "ZWARNING_INPUT": spectra["zwarning"] != 0,
        "UNSURE": probability.max(axis=1, initial=0.0) < UNSURE,
    }
    return set_bits(conditions, BITS)
