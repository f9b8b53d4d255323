"""A small DR16Q with the true names and types of its columns, from the labels of the real spectra."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from astropy.io import fits

# Name: (format, value where the catalogue knows nothing). The order and the types are DR16Q_v4's, of which most
# columns that nobody here reads are left out.
COLUMNS: dict[str, tuple[str, Any]] = {
    "SDSS_NAME": ("18A", "000000.00+000000.0"), "RA": ("D", 0.0), "DEC": ("D", 0.0), "PLATE": ("J", -1),
    "MJD": ("J", -1), "FIBERID": ("I", -1), "AUTOCLASS_PQN": ("6A", "QSO"), "AUTOCLASS_DR14Q": ("6A", "QSO"),
    "IS_QSO_QN": ("I", 1), "Z_QN": ("D", -1.0), "THING_ID": ("K", -1), "Z_VI": ("D", -1.0), "Z_CONF": ("I", 0),
    "CLASS_PERSON": ("I", 0), "Z_DR12Q": ("D", -1.0), "IS_QSO_FINAL": ("I", 1), "Z": ("D", -1.0),
    "SOURCE_Z": ("12A", "PIPE"), "Z_PIPE": ("D", -1.0), "ZWARNING": ("J", 0), "OBJID": ("19A", "0"),
    "Z_PCA": ("D", -1.0), "ZWARN_PCA": ("K", 0), "BAL_PROB": ("E", 0.0), "PLATE_DUPLICATE": ("74J", -1),
    "PSFMAG": ("5E", 20.0), "SN_MEDIAN_ALL": ("D", 0.0),
}  # fmt: skip


def write_catalogue(path: Path, rows: list[dict[str, Any]]) -> Path:
    """Write a catalogue; what a row does not say is as the catalogue writes "unknown"."""
    columns = []
    for name, (kind, unknown) in COLUMNS.items():
        values: Any = [row.get(name, unknown) for row in rows]
        repeat = int(kind[:-1] or 1)
        if kind[-1] != "A" and repeat > 1:
            values = np.tile(np.array(values)[:, None], repeat)
        columns.append(fits.Column(name, kind, array=np.array(values)))
    path.parent.mkdir(parents=True, exist_ok=True)
    fits.BinTableHDU.from_columns(columns, name="CATALOG").writeto(path)
    return path


def real_rows(real_data: Path) -> list[dict[str, Any]]:
    """Rows for the real spectra: THING_ID from plate 3655's own catalogue, visual redshifts from the labels."""
    labels = pd.read_csv(real_data / "sdss" / "spectra" / "labels.csv")
    known = fits.getdata(real_data / "sdss" / "cat_for_clustering_plate3655.fits.gz")
    things = {(int(r["PLATE"]), int(r["FIBERID"])): int(r["THING_ID"]) for r in known}
    rows = []
    for label in labels.itertuples():
        plate, mjd, fiber = (int(part) for part in label.file.removesuffix(".fits").split("-")[1:])
        person = {"QSO": 3, "GALAXY": 4, "STAR": 1}[label[2]]
        rows.append(
            {
                "PLATE": plate, "MJD": mjd, "FIBERID": fiber, "THING_ID": things.get((plate, fiber), -1),
                "RA": label.ra, "DEC": label.dec, "Z_VI": label.redshift, "Z": label.redshift, "Z_CONF": 3,
                "CLASS_PERSON": person, "IS_QSO_FINAL": int(person == 3), "ZWARNING": label.zwarning,
                "SOURCE_Z": "VI",
            }
        )  # fmt: skip
    return rows
