"""Labels of pictures: which of them are wanted, which galaxy and which field each is of."""

import numpy as np
import pandas as pd

from components.common.errors import InputError
from components.common.tables import Columns
from components.common.telemetry import warn
from components.ingest.sdss_cutouts.schema import NAMES, healpix_fields
from components.ingest.sdss_cutouts.settings import Settings
from components.ingest.sdss_spectra.objects import group_objects
from components.ingest.sdss_spectra.selection import draw
from components.physics.sdss_imaging import BANDS

DUPLICATE, NO_REDSHIFT, OUT_OF_RANGE, TOO_FAINT = "duplicate", "no redshift", "redshift range", "too faint"
DETAILS = {
    DUPLICATE: "another row has this id; the first one counts",
    NO_REDSHIFT: "the redshift is missing or no redshift",
    OUT_OF_RANGE: "outside minimum_redshift to maximum_redshift",
    TOO_FAINT: "fainter than maximum_magnitude",
}
SENTINEL = -9000.0
"""SDSS writes -9999 for what was not measured."""

_FIELD = ("run", "camcol", "field")
_NO_REDSHIFT_BELOW = -0.01


def reasons_against(labels: pd.DataFrame, settings: Settings) -> pd.Series:
    """Say why a row is not wanted; empty where it is.

    Parameters
    ----------
    labels : DataFrame
        With columns `id` and `redshift`; `petro_mag_r` and extinction_r where known.
    settings : Settings
        Ranges wanted.
    """
    redshift = labels["redshift"].to_numpy(dtype=np.float64)
    inside = (redshift >= settings.minimum_redshift) & (redshift <= settings.maximum_redshift)
    faint = np.zeros(len(labels), dtype=bool)
    for name in ("petro_mag_r", "mag_r"):
        if name in labels:
            dust = labels["extinction_r"].to_numpy(dtype=np.float64) if "extinction_r" in labels else np.zeros(1)
            known = np.where(dust > SENTINEL, dust, 0.0)
            faint = labels[name].to_numpy(dtype=np.float64) - known > settings.maximum_magnitude
            break
    reasons = np.select(
        [labels.duplicated("id"), ~(redshift > _NO_REDSHIFT_BELOW), ~inside, faint],
        [DUPLICATE, NO_REDSHIFT, OUT_OF_RANGE, TOO_FAINT],
        default="",
    )
    return pd.Series(reasons, index=labels.index, dtype=object)


def choose(labels: pd.DataFrame, settings: Settings, where: str) -> tuple[pd.DataFrame, str]:
    """Return the rows that are wanted, with their galaxies and fields, and in words how many are not."""
    reasons = reasons_against(labels, settings)
    counts = reasons[reasons != ""].value_counts()
    left_out = ", ".join(f"{count} {reason}" for reason, count in counts.items()) or "none"
    candidates = labels[reasons == ""]
    if candidates.empty:
        raise InputError(
            f"No galaxy of {where} is wanted: {left_out}.",
            "Widen the redshift range, the magnitude or the part of the sky.",
        )
    if settings.rows > len(candidates):
        warn(f"{settings.rows} pictures were asked for, but only {len(candidates)} galaxies fit.")
    chosen = candidates.iloc[draw(len(candidates), settings.rows, settings.seed)].reset_index(drop=True)
    return with_groups(chosen), left_out


def with_groups(labels: pd.DataFrame) -> pd.DataFrame:
    """Add `object_id`, by nearness on the sky, and `field_id`."""
    ids = labels["id"].to_numpy(dtype=object)
    ra, dec = (labels[name].to_numpy(dtype=np.float64) for name in ("ra", "dec"))
    thing = np.full(len(ids), -1, dtype=np.int64)
    return labels.assign(object_id=group_objects(ids, thing, ra, dec), field_id=_fields(labels, ra, dec))


def to_columns(labels: pd.DataFrame) -> Columns:
    """Return what the labels know of the table's columns, with SDSS's sentinels as NaN."""
    columns: Columns = {name: labels[name].to_numpy() for name in NAMES if name in labels}
    measured = ("redshift_error", "petro_r50", "petro_r90", "axis_ratio")
    photometry = tuple(f"{name}_{band}" for name in ("mag", "mag_error", "extinction") for band in BANDS)
    for name in {*measured, *photometry} & set(columns):
        values = columns[name].astype(np.float64)
        columns[name] = np.where(values > SENTINEL, values, np.nan)
    return columns


def _fields(labels: pd.DataFrame, ra: np.ndarray, dec: np.ndarray) -> np.ndarray:
    """Name the survey's field of each row, else its patch of sky; a row without either is a field of its own."""
    place = np.isfinite(ra) & np.isfinite(dec)
    patches = healpix_fields(np.where(place, ra, 0.0), np.where(place, dec, 0.0))
    fields = np.where(place, patches, labels["id"].to_numpy(dtype=object))
    if set(_FIELD) <= set(labels.columns):
        numbers = labels[list(_FIELD)].to_numpy(dtype=np.float64)
        known = np.isfinite(numbers).all(axis=1)
        fields[known] = [f"{int(run)}-{int(camcol)}-{int(field)}" for run, camcol, field in numbers[known]]
    return np.asarray(fields, dtype=object)
