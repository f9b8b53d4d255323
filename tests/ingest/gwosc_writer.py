"""GWOSC files for tests, laid out like the real ones."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np

_QUALITY = ("DATA", "CBC_CAT1", "CBC_CAT2", "CBC_CAT3", "BURST_CAT1", "BURST_CAT2", "BURST_CAT3")
_INJECTIONS = ("NO_CBC_HW_INJ", "NO_BURST_HW_INJ", "NO_DETCHAR_HW_INJ", "NO_CW_HW_INJ", "NO_STOCH_HW_INJ")


def write_gwosc(
    folder: Path,
    detector: str,
    strain: np.ndarray,
    gps_start: int = 1_126_259_446,
    rate: float = 4096.0,
    **masks: Any,
) -> Path:
    """Write a file; `quality` and `injections` are masks by second, all set where not given."""
    seconds = int(len(strain) / rate)
    path = folder / f"{detector[0]}-{detector}_TEST_4KHZ_R1-{gps_start}-{seconds}.hdf5"
    folder.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        file["meta/Detector"] = detector
        file["meta/GPSstart"] = gps_start
        data = file.create_dataset("strain/Strain", data=strain)
        data.attrs["Xspacing"] = 1 / rate
        for prefix, mask, names, given in (
            ("quality/simple", "DQ", _QUALITY, masks.get("quality")),
            ("quality/injections", "Inj", _INJECTIONS, masks.get("injections")),
        ):
            file[f"{prefix}/{mask}Shortnames"] = np.array(names, dtype="S20")
            every = np.full(seconds, (1 << len(names)) - 1, dtype=np.uint32)
            file[f"{prefix}/{mask}mask"] = every if given is None else np.asarray(given, dtype=np.uint32)
    return path
