"""Labels from the quasar catalogue of SDSS's sixteenth data release, DR16Q, or from its superset.

DR16Q (750,414 quasars) and the superset it was taken from (1,440,615 observations of quasars, stars and galaxies)
have some hundred columns and up to 1.6 GB: they are read in blocks, a few columns each.

References
----------
Lyke et al. 2020, ApJS 250, 8.
https://data.sdss.org/datamodel/files/BOSS_QSO/DR16Q/DR16Q_v4.html
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from components.common.errors import InputError, ParameterError
from components.ingest.sdss_spectra.fits_table import FitsTable, UnusableFileError, binary_tables
from components.ingest.sdss_spectra.schema import GALAXY, NO_NUMBER, QSO, STAR, UNKNOWN
from components.ingest.sdss_spectra.spec_file import is_redshift

SURE = 2
"""Z_CONF from which the catalogue's authors use a visual redshift: 0 none, 1 guess, 2 probable, 3 certain."""

BAL_PROBABILITY = 0.75
"""BAL_PROB from which an object is taken for a BAL quasar, after Lyke et al. 2020."""

CLASS_PERSON = {1: STAR, 3: QSO, 4: GALAXY, 30: QSO, 50: QSO}
"""Verdict of the visual inspection: star, quasar, galaxy, BAL quasar, blazar; 0 is not inspected."""

_BAL_PERSON = 30
_REQUIRED = ("PLATE", "MJD", "FIBERID")
_OPTIONAL = (
    "THING_ID", "RA", "DEC", "Z", "SOURCE_Z", "Z_VI", "Z_CONF", "ZWARNING", "CLASS_PERSON", "IS_QSO_FINAL",
    "AUTOCLASS_PQN", "BAL_PROB",
)  # fmt: skip
_BYTES_PER_BLOCK = 32 << 20

Values = Mapping[str, npt.NDArray[Any]]


def read_catalogue(path: Path, plates: str = "") -> pd.DataFrame:
    """Read the labels of a catalogue, of some plates or all.

    Parameters
    ----------
    path : Path
        `DR16Q_v4.fits`, `DR16Q_Superset_v3.fits`, or a table with the same columns.
    plates : str
        Such as "3655-3660,4000"; empty means all.

    Returns
    -------
    DataFrame
        As `label_rows` makes it.

    Raises
    ------
    InputError
        When the file is no such catalogue.
    ParameterError
        When `plates` is no list of plates.
    """
    ranges = parse_plates(plates)
    try:
        with path.open("rb") as file:
            table = next(iter(binary_tables(path, file)), None)
            if table is None:
                raise UnusableFileError("no table", f"{path} holds no table.", "Give a catalogue such as DR16Q.")
            blocks = [_keep_plates(block, ranges) for block in _blocks(table)]
    except FileNotFoundError as error:
        raise InputError(f"There is no catalogue {path}.", "Check the path.") from error
    values = {name: np.concatenate([b[name] for b in blocks]) for name in blocks[0]} if blocks else {}
    if not values or not len(values["PLATE"]):
        raise InputError(
            f"{path.name} has no observation{f' on the plates {plates}' if plates else ''}.",
            "Choose other plates, or none for all.",
        )
    return label_rows(values)


def label_rows(values: Values) -> pd.DataFrame:
    """Turn columns of the catalogue into labels.

    The redshift is Z_VI where a person was sure of it (Z_CONF of at least 2), else Z, the catalogue's own choice
    among earlier visual inspections and the pipeline. Sentinels (-1, -999) are no redshifts. The class is the
    person's verdict, else IS_QSO_FINAL, else the automatic class; a table without any of them is one of quasars.

    Parameters
    ----------
    values : mapping of str to ndarray
        Columns under their names in DR16Q; all but PLATE, MJD and FIBERID may be missing.

    Returns
    -------
    DataFrame
        Columns id, spectral_class, redshift, redshift_source, is_bal, ra, dec, plate, mjd, fiber, thing_id, and,
        where the catalogue has ZWARNING and SN_MEDIAN_ALL, zwarning and sn_median.
    """
    rows = len(values["PLATE"])
    person = _get(values, "CLASS_PERSON", rows, 0)
    redshift, source = _redshift(values, rows)
    labels = pd.DataFrame(
        {
            "id": _ids(values),
            "spectral_class": _spectral_class(values, person),
            "redshift": redshift,
            "redshift_source": source,
            "is_bal": (person == _BAL_PERSON) | (_get(values, "BAL_PROB", rows, 0.0) >= BAL_PROBABILITY),
            "ra": _get(values, "RA", rows, np.nan).astype(np.float64),
            "dec": _get(values, "DEC", rows, np.nan).astype(np.float64),
            "plate": values["PLATE"].astype(np.int64),
            "mjd": values["MJD"].astype(np.int64),
            "fiber": values["FIBERID"].astype(np.int64),
            "thing_id": _get(values, "THING_ID", rows, NO_NUMBER).astype(np.int64),
        }
    )
    if "ZWARNING" in values:
        labels["zwarning"] = values["ZWARNING"].astype(np.int64)
    if "SN_MEDIAN_ALL" in values:
        labels["sn_median"] = values["SN_MEDIAN_ALL"].astype(np.float32)
    return labels


def parse_plates(text: str) -> list[tuple[int, int]]:
    """Read "3655-3660,4000" as inclusive ranges; an empty text is an empty list, which means all plates."""
    ranges = []
    for part in filter(None, (p.strip() for p in text.split(","))):
        first, _, last = part.partition("-")
        try:
            ranges.append((int(first), int(last or first)))
        except ValueError as error:
            raise ParameterError(
                f"plates is {text!r}, which is no list of plates.", "Write something like 3655-3660,4000."
            ) from error
    return ranges


def _blocks(table: FitsTable) -> Any:
    names = [*_REQUIRED, *(name for name in _OPTIONAL if name in table.columns)]
    step = max(1, _BYTES_PER_BLOCK // max(1, table.row_bytes))
    return (table.read(names, start, start + step) for start in range(0, table.rows, step))


def _keep_plates(block: dict[str, npt.NDArray[Any]], ranges: list[tuple[int, int]]) -> dict[str, npt.NDArray[Any]]:
    if not ranges:
        return block
    plate = block["PLATE"]
    keep = np.logical_or.reduce([(plate >= first) & (plate <= last) for first, last in ranges])
    return {name: values[keep] for name, values in block.items()}


def _get(values: Values, name: str, rows: int, default: float) -> npt.NDArray[Any]:
    return np.asarray(values[name]) if name in values else np.full(rows, default)


def _ids(values: Values) -> npt.NDArray[np.object_]:
    plate, fiber = (np.char.zfill(values[name].astype(np.int64).astype(str), 4) for name in ("PLATE", "FIBERID"))
    mjd = values["MJD"].astype(np.int64).astype(str)
    return np.char.add(np.char.add(np.char.add(plate, "-"), np.char.add(mjd, "-")), fiber).astype(object)


def _redshift(values: Values, rows: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.object_]]:
    visual = _get(values, "Z_VI", rows, np.nan).astype(np.float64)
    sure = is_redshift(visual) & (visual != 0) & (_get(values, "Z_CONF", rows, SURE) >= SURE)
    best = _get(values, "Z", rows, np.nan).astype(np.float64)
    usable = is_redshift(best) & ~sure
    redshift = np.where(sure, visual, np.where(usable, best, np.nan))
    origin = values["SOURCE_Z"].astype(str).astype(object) if "SOURCE_Z" in values else np.full(rows, "", object)
    named = np.where(origin == "", "Z", "Z/" + origin)
    return redshift, np.where(sure, "Z_VI", np.where(usable, named, "")).astype(object)


def _spectral_class(values: Values, person: npt.NDArray[Any]) -> npt.NDArray[np.object_]:
    if not {"CLASS_PERSON", "IS_QSO_FINAL", "AUTOCLASS_PQN"} & values.keys():
        return np.full(len(person), QSO, dtype=object)
    automatic = np.full(len(person), UNKNOWN, dtype=object)
    if "AUTOCLASS_PQN" in values:
        text = values["AUTOCLASS_PQN"].astype(str)
        automatic = np.where(np.isin(text, (QSO, GALAXY, STAR)), text, UNKNOWN).astype(object)
    final = _get(values, "IS_QSO_FINAL", len(person), 0) > 0
    verdicts = [person == code for code in CLASS_PERSON]
    return np.asarray(
        np.select([*verdicts, final], [*CLASS_PERSON.values(), QSO], default=automatic), dtype=object
    )
