"""Stars that cannot be used by anyone: without an identifier, a place, a parallax, a motion or a magnitude."""

import numpy as np
import numpy.typing as npt

from components.common.rejections import Rejections
from components.common.tables import Columns

DUPLICATE = "duplicate source_id"
_NEEDED: dict[str, tuple[str, ...]] = {
    "no identifier": (),
    "no place": ("ra", "dec"),
    "no parallax": ("parallax",),
    "no proper motion": ("pmra", "pmdec"),
    "no magnitude": ("phot_g_mean_mag",),
    "no astrometric error": ("parallax_error", "pmra_error", "pmdec_error"),
}
_DETAILS = {
    "no identifier": "source_id is null, or was rounded by a program that took it for a float: write it as text",
    "no place": "ra or dec is null or not on the sky",
    "no parallax": "parallax is null: a solution of two parameters",
    "no proper motion": "pmra or pmdec is null",
    "no magnitude": "phot_g_mean_mag is null",
    "no astrometric error": "an error of parallax or proper motion is null or not positive",
}


def usable(columns: Columns, rejections: Rejections) -> npt.NDArray[np.bool_]:
    """Tell which stars of a complete batch can be used, and record the others with the first reason that holds.

    Nulls elsewhere, such as in colour, RUWE or spectral type, are kept: they are what is known about a star.
    """
    keep = np.ones(len(columns["source_id"]), dtype=bool)
    for reason, names in _NEEDED.items():
        bad = np.logical_or.reduce([columns["source_id"] < 0, *(~np.isfinite(columns[name]) for name in names)])
        if reason == "no place":
            with np.errstate(invalid="ignore"):
                bad |= ~((np.abs(columns["dec"]) <= 90) & (columns["ra"] >= -180) & (columns["ra"] <= 360))
        if reason == "no astrometric error":
            with np.errstate(invalid="ignore"):
                bad |= ~np.logical_and.reduce([columns[name] > 0 for name in names])
        rejections.add_many(columns["source_id"][keep & bad], reason, _DETAILS[reason])
        keep &= ~bad
    return keep


def first_of_each(source_id: npt.NDArray[np.int64], rejections: Rejections) -> npt.NDArray[np.bool_]:
    """Tell which rows are the first with their source_id, and record the others."""
    keep = source_id < 0  # those without one are no doubles of each other
    keep[np.unique(source_id, return_index=True)[1]] = True
    rejections.add_many(source_id[~keep], DUPLICATE, "another row has it too; the first is kept")
    return keep
