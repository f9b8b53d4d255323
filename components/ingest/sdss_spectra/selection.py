"""Labels as a table, and which of its rows are wanted."""

import numpy as np
import pandas as pd

from components.common.rejections import Rejections
from components.ingest.sdss_spectra.schema import STAR
from components.ingest.sdss_spectra.settings import Settings
from components.ingest.sdss_spectra.spec_file import is_redshift

NO_REDSHIFT, OTHER_CLASS, OUT_OF_RANGE, NOT_DRAWN, DUPLICATE = (
    "no redshift",
    "class",
    "redshift range",
    "not drawn",
    "duplicate",
)


def unwanted(labels: pd.DataFrame, settings: Settings) -> pd.Series:
    """Say why a row is not wanted; empty where it is.

    Parameters
    ----------
    labels : DataFrame
        With columns `spectral_class` and `redshift`.
    settings : Settings
        Classes and redshift range.
    """
    redshift = labels["redshift"].to_numpy(dtype=np.float64)
    star = labels["spectral_class"].to_numpy() == STAR
    inside = (redshift >= settings.minimum_redshift) & (redshift <= settings.maximum_redshift)
    reasons = np.select(
        [~labels["spectral_class"].isin(settings.classes), ~is_redshift(redshift), ~(inside | star)],
        [OTHER_CLASS, NO_REDSHIFT, OUT_OF_RANGE],
        default="",
    )
    return pd.Series(reasons, index=labels.index, dtype=object)


def reject(labels: pd.DataFrame, reasons: pd.Series, names: str, rejections: Rejections) -> pd.DataFrame:
    """Keep the rows without a reason, recording the others under their value in the column `names`."""
    for reason, rows in labels[reasons != ""].groupby(reasons[reasons != ""]):
        rejections.add_many(rows[names], str(reason))
    return labels[reasons == ""]


def draw(rows: int, wanted: int, seed: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Choose `wanted` of `rows` at random, in order; all of them where `wanted` is 0 or too many.

    The first rows of a catalogue lie in one patch of sky, so they are no sample of it.
    """
    if wanted == 0 or wanted >= rows:
        return np.arange(rows)
    chosen = np.random.default_rng(seed).choice(rows, size=wanted, replace=False)
    return np.sort(chosen)
