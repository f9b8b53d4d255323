"""What a prediction is to be distrusted for: bits that travel with it, as ZWARNING does with SDSS redshifts."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from components.common.tables import Columns
from components.physics.constants import SPEED_OF_LIGHT_KM_S
from components.predict.warning_bits import set_bits

LINE_WIDTH_KM_S = 6000.0
"""Redshifts that differ by less may be the same line: broad lines are hardly wider at half maximum."""

LOW_SN = 1.0
"""At this median S/N per 69 km/s pixel a line 5000 km/s wide is measured to 12 % of the continuum. C III] and
Mg II of an average quasar rise a third of the continuum above it: below this they are no three sigma detection."""

LITTLE_COVERAGE = 0.5
"""Half of the quasar grid is 0.23 dex. Mg II and H beta are 0.24 dex apart: one of them may be alone in there."""

COMPARABLE_MASS = 0.25
"""A second peak with a quarter of the first one's probability makes the first wrong in one case of five."""


class WarningBit(NamedTuple):
    """A reason to distrust a prediction.

    Attributes
    ----------
    name : str
        As in the column `warnings`.
    bit : int
        Its value in the column `warning`, which is the sum of those that hold.
    meaning : str
        When it is set.
    advice : str
        What to do.
    """

    name: str
    bit: int
    meaning: str
    advice: str


WARNINGS = (
    WarningBit(
        "LOW_SN",
        1 << 0,
        f"The median S/N per lattice pixel is below {LOW_SN:g}.",
        "Believe sigma rather than the redshift; use a deeper spectrum of the object where there is one.",
    ),
    WarningBit(
        "LITTLE_COVERAGE",
        1 << 1,
        f"Less than {LITTLE_COVERAGE:.0%} of the model's wavelength grid is observed.",
        "Look for a second line: with one alone the redshift is a guess among the lines it could be.",
    ),
    WarningBit(
        "MULTIMODAL",
        1 << 2,
        f"A second peak, more than {LINE_WIDTH_KM_S:.0f} km/s away, has at least {COMPARABLE_MASS:g} of the "
        "probability of the first.",
        "Try `second_redshift` too: most likely one line is taken for another.",
    ),
    WarningBit(
        "BROAD",
        1 << 3,
        f"The 68 % interval is wider than {LINE_WIDTH_KM_S:.0f} km/s: the model has recognised no line.",
        "Use the interval and not the redshift.",
    ),
    WarningBit(
        "EDGE",
        1 << 4,
        "The peak runs into an end of the range of redshifts that the model was trained on.",
        "The true redshift may lie outside: take a model that was trained on a wider range.",
    ),
    WarningBit(
        "RESAMPLED",
        1 << 5,
        "The file's pixels were off the SDSS lattice and had to be rebinned, which correlates their noise.",
        "Expect a sigma that is somewhat too small.",
    ),
    WarningBit(
        "ZWARNING_INPUT",
        1 << 6,
        "The survey's own pipeline has flagged this spectrum.",
        "Look up ZWARNING in the file: unplugged fibres and little coverage concern every method.",
    ),
)
"""All warnings; a bit never changes its meaning."""

BITS: Mapping[str, int] = {warning.name: warning.bit for warning in WARNINGS}


def find_warnings(
    predictions: Columns,
    spectra: Columns,
    second_mass: npt.NDArray[np.float64],
    at_edge: npt.NDArray[np.bool_],
) -> npt.NDArray[np.int64]:
    """Set the warning bits of n predictions.

    Parameters
    ----------
    predictions : dict of str to ndarray, shape (n,)
        `redshift`, `low68`, `high68`, `confidence` and `coverage`.
    spectra : dict of str to ndarray, shape (n,)
        `sn_median`, `resampled` and `zwarning` of the spectra.
    second_mass : ndarray, shape (n,)
        Probability of the second peak.
    at_edge : ndarray, shape (n,)
        Where the peak reaches the first or last bin.
    """
    width = predictions["high68"] - predictions["low68"]
    conditions = {
        "LOW_SN": ~(spectra["sn_median"] >= LOW_SN),
        "LITTLE_COVERAGE": predictions["coverage"] < LITTLE_COVERAGE,
        "MULTIMODAL": second_mass >= COMPARABLE_MASS * predictions["confidence"],
        "BROAD": SPEED_OF_LIGHT_KM_S * width > LINE_WIDTH_KM_S * (1 + predictions["redshift"]),
        "EDGE": at_edge,
        "RESAMPLED": spectra["resampled"],
        "ZWARNING_INPUT": spectra["zwarning"] != 0,
    }
    return set_bits(conditions, BITS)
