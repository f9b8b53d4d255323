"""`labels.csv` beside pictures or frames: what it must hold, and the names that people give its columns."""

from pathlib import Path

import numpy as np
import pandas as pd

from components.common.errors import InputError
from components.physics.sdss_imaging import BANDS

LABELS = "labels.csv"

_RENAMED = {
    "z": "redshift", "zerr": "redshift_error", "objid": "id", "dr7objid": "id", "petror50_r": "petro_r50",
    "petror90_r": "petro_r90", "petromag_r": "petro_mag_r", "expab_r": "axis_ratio",
    **{f"modelmag_{band}": f"mag_{band}" for band in BANDS},
    **{f"modelmagerr_{band}": f"mag_error_{band}" for band in BANDS},
}  # fmt: skip
"""SkyServer's names, in lower case. A column `z` is the redshift; the magnitude in z is `mag_z`."""

_SHORT = {band: f"mag_{band}" for band in BANDS}
"""SkyServer's own short names of the model magnitudes: beside `r` and `i`, `z` is one of them and no redshift."""

_TEXT = ("file", "id", "object_id", "redshift_source")


def rename(table: pd.DataFrame) -> pd.DataFrame:
    """Give columns the names that they have here; of several with the same name the first counts."""
    table = table.set_axis(table.columns.astype(str).str.strip().str.lower(), axis=1)
    known = _RENAMED | _SHORT if {"r", "i"} <= set(table.columns) else _RENAMED
    table = table.rename(columns={old: new for old, new in known.items() if new not in table.columns})
    return table.loc[:, ~table.columns.duplicated()].copy()


def read_labels(path: Path, key: str, needed: tuple[str, ...] = ("redshift",)) -> pd.DataFrame:
    """Read labels; numbers that are none become NaN, and `ra` and `dec` are there in any case.

    Parameters
    ----------
    path : Path
        A CSV file with a header line.
    key : {"file", "id"}
        Column that names the rows.
    needed : tuple of str
        Columns that must be there beside it.

    Raises
    ------
    InputError
        When it cannot be read or lacks a column.
    """
    try:
        # Without index_col=False, commas at the ends of the lines would shift all columns by one.
        labels = pd.read_csv(path, skipinitialspace=True, comment="#", dtype=str, index_col=False)
    except (ValueError, OSError) as error:
        raise InputError(
            f"{path} cannot be read as CSV: {error}.", "Write it with a header line and commas."
        ) from error
    labels = rename(labels)
    if missing := sorted({key, *needed} - set(labels.columns)):
        raise InputError(
            f"{path} has columns {', '.join(labels.columns)}, but not {' and '.join(missing)}.",
            f"Name the columns {key}, ra, dec, redshift, mag_u to mag_z.",
        )
    for name in labels.columns:
        labels[name] = labels[name].str.strip() if name in _TEXT else pd.to_numeric(labels[name], errors="coerce")
    for name in ("ra", "dec"):
        if name not in labels:
            labels[name] = np.nan
    sources = labels["redshift_source"] if "redshift_source" in labels else pd.Series(np.nan, index=labels.index)
    return labels.assign(redshift_source=sources.astype(object).where(sources.notna(), LABELS))
