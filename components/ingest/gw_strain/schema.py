"""The table of strain that every source of this component writes, the simulator included."""

import numpy as np
import numpy.typing as npt

from components.common.tables import Columns, column, tensor_column
from components.physics.detectors import DETECTORS

SAMPLE_RATE_HZ = 2048.0
SAMPLES = 4096
"""Two seconds, as in the G2Net competition."""

NOISE = "noise"
SIGNAL = "signal"
CLASSES = (NOISE, SIGNAL)
"""Their order is the index of the class."""

FIELDS = (
    column("id", "string", "name of the window; unique"),
    column("segment_id", "string", "stretch of noise that the window is cut from: windows of one share it"),
    column("waveform_id", "string", "wave that was injected, empty for noise and where unknown"),
    column("label", "string", "noise or signal"),
    column("gps_start", "float64", "time of the first sample; NaN where there is none", "s"),
    column(
        "snr_network", "float64", "optimal signal-to-noise ratio of all detectors; 0 for noise, NaN if unknown"
    ),
    *(
        column(f"snr_{name.lower()}", "float64", f"optimal signal-to-noise ratio in {name}, from 20 Hz on")
        for name in DETECTORS
    ),
    column("mass_1", "float64", "heavier mass in the detectors' frame; NaN for noise", "solMass"),
    column("mass_2", "float64", "lighter mass in the detectors' frame; NaN for noise", "solMass"),
    column("chirp_mass", "float64", "chirp mass in the detectors' frame; NaN for noise", "solMass"),
    column("spin_1", "float64", "spin of the heavier body along the orbit's axis; NaN for noise"),
    column("spin_2", "float64", "spin of the lighter body along the orbit's axis; NaN for noise"),
    column("distance", "float64", "luminosity distance at which it is that loud; NaN for noise", "Mpc"),
    column("longitude", "float64", "right ascension less sidereal time; NaN for noise", "rad"),
    column("latitude", "float64", "declination; NaN for noise", "rad"),
    column("polarisation", "float64", "polarisation angle; NaN for noise", "rad"),
    column("cos_inclination", "float64", "1 for an orbit seen face-on; NaN for noise"),
    column("merger_time", "float64", "when the peak passes the Earth's centre, from the first sample", "s"),
    tensor_column(
        "strain",
        (len(DETECTORS), SAMPLES),
        f"strain at {SAMPLE_RATE_HZ:g} Hz in {', '.join(DETECTORS)}; NaN throughout for a missing detector",
        dtype="float64",
    ),
)
"""Fields of `dataset.parquet`, for `components.common.tables.TableWriter`."""

NAMES = tuple(field.name for field in FIELDS)
UNKNOWN = (
    "gps_start", "snr_network", *(f"snr_{name.lower()}" for name in DETECTORS), "mass_1", "mass_2", "chirp_mass",
    "spin_1", "spin_2", "distance", "longitude", "latitude", "polarisation", "cos_inclination", "merger_time",
)  # fmt: skip
"""What is NaN where nobody knows, or where there is no wave."""


def complete(columns: Columns) -> Columns:
    """Fill in what a source does not know, in the order of the table."""
    rows = len(columns["id"])
    blank: npt.NDArray[np.float64] = np.full(rows, np.nan)
    return {name: columns.get(name, blank) for name in NAMES}
