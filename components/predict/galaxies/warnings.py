"""What a predicted redshift of a galaxy is to be distrusted for: bits that travel with it, as quasars' do."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from components.common.tables import Columns
from components.predict.spectra.warnings import BITS as SPECTRUM_BITS
from components.predict.spectra.warnings import LITTLE_COVERAGE, LOW_SN
from components.predict.warning_bits import set_bits

_SHARED = ("LOW_SN", "LITTLE_COVERAGE", "EDGE", "RESAMPLED", "ZWARNING_INPUT")

BITS = {
    **{name: SPECTRUM_BITS[name] for name in _SHARED},
    "UNFAMILIAR": 1 << 8,
}
"""Value of each warning in the column `warning`; those that spectra of quasars have too mean the same here.

UNFAMILIAR: the spectrum is unlike those that the model was trained on: a galaxy outside of their redshifts,
another kind of object, or a fault of the spectrum. The prediction is a guess, its error was never measured and is
not given. EDGE: the predicted redshift is outside of those that the model was trained on.
"""


def find_warnings(
    redshift: npt.NDArray[np.float64],
    known_range: Sequence[float],
    coverage: npt.NDArray[np.float32],
    unfamiliar: npt.NDArray[np.bool_],
    spectra: Columns,
) -> npt.NDArray[np.int64]:
    """Set the warning bits of n predictions.

    Parameters
    ----------
    redshift : ndarray, shape (n,)
        Predicted.
    known_range : sequence of float
        Smallest and largest redshift of the training data.
    coverage : ndarray, shape (n,)
        Fraction of the grid that is observed.
    unfamiliar : ndarray of bool, shape (n,)
        Where the spectrum is unlike the training data.
    spectra : dict of str to ndarray, shape (n,)
        `sn_median`, `resampled` and `zwarning` of the spectra.
    """
    conditions = {
        "LOW_SN": ~(spectra["sn_median"] >= LOW_SN),
        "LITTLE_COVERAGE": coverage < LITTLE_COVERAGE,
        "EDGE": (redshift < known_range[0]) | (redshift > known_range[1]),
        "RESAMPLED": spectra["resampled"],
        "ZWARNING_INPUT": spectra["zwarning"] != 0,
        "UNFAMILIAR": unfamiliar,
    }
    return set_bits(conditions, BITS)
