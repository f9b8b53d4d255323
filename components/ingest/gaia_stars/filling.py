"""Make whole what a file lacks: what follows from other columns, and what has to be assumed and is said."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from components.common.errors import InputError
from components.common.tables import Columns
from components.ingest.gaia_stars.schema import DTYPES, NAMES
from components.physics.celestial import GAIA_SHIFT, ecliptic_latitude, healpix_pixels, icrs_to_galactic
from components.physics.gaia_astrometry import parallax_error, proper_motion_errors

REQUIRED = ("ra", "dec", "parallax", "pmra", "pmdec", "phot_g_mean_mag")
_ERRORS = ("parallax_error", "pmra_error", "pmdec_error")


@dataclass
class Filled:
    """Columns of stars, and what was assumed to make them so.

    Attributes
    ----------
    columns : Columns
        Whole.
    notes : list of str
        For the provenance.
    """

    columns: Columns
    notes: list[str] = field(default_factory=list)


def fill(found: Columns, where: str, release: str) -> Filled:
    """Compute or assume what is missing among columns that were read from a file.

    Raises
    ------
    InputError
        When something is missing that nothing can stand for.
    """
    require(found, where)
    columns = {name: to_numbers(found[name], name) for name in found if name in NAMES or name in ("g_rp", "bp_g")}
    filled = Filled(columns)
    _identifiers(filled, where)
    _colours(columns)
    _errors(filled, release)
    place = (columns["ra"], columns["dec"])
    good = np.isfinite(place[0]) & np.isfinite(place[1])
    if "l" not in columns or "b" not in columns:
        columns["l"], columns["b"] = (np.where(good, c, np.nan) for c in icrs_to_galactic(*place))
    if "ecl_lat" not in columns:
        columns["ecl_lat"] = ecliptic_latitude(*place)
    absent = [name for name in ("ruwe", "visibility_periods_used", "bp_rp") if name not in columns]
    if absent:
        filled.notes.append(f"Not in the files, hence unknown for all stars: {', '.join(absent)}.")
    return filled


def require(found: Iterable[str], where: str) -> None:
    """Raise an error where a column is missing that nothing can stand for."""
    if missing := [name for name in REQUIRED if name not in found]:
        raise InputError(
            f"{where} has no column {', '.join(missing)}.",
            "Give a table with positions, parallax, proper motions and G under the names of Gaia or VizieR.",
        )


def to_numbers(values: npt.NDArray[np.generic], name: str) -> npt.NDArray[np.generic]:
    """Return a column as the schema wants it, also where it came as text."""
    if name == "spectraltype_esphs":
        text = np.char.strip(values.astype(np.str_))
        return np.where(text == "unknown", "", text).astype(object)
    if name == "source_id":
        return to_identifiers(values)
    wanted = np.dtype(DTYPES.get(name, np.float64))
    if values.dtype.kind not in "OUS":
        whole = wanted.kind == "i" and values.dtype.kind == "f"
        return np.where(np.isfinite(values), values, -1).astype(wanted) if whole else values
    # A column of text where numbers should be: what is none counts as null.
    numbers = np.array([_number(str(value)) for value in values])
    return np.where(np.isfinite(numbers), numbers, -1).astype(wanted) if wanted.kind == "i" else numbers


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")


def to_identifiers(values: npt.NDArray[np.generic]) -> npt.NDArray[np.int64]:
    """Return identifiers as integers, of text such as "Gaia DR3 123" too; -1 for none, or for a rounded one."""
    if values.dtype.kind in "iu":
        return values.astype(np.int64)
    if values.dtype.kind == "f":
        small = np.abs(values.astype(np.float64)) < 2**53
        return np.where(small, np.nan_to_num(values.astype(np.float64)), -1).astype(np.int64)
    last = [str(value).split()[-1:] for value in values]
    return np.array([int(t[0]) if t and t[0].isdigit() else -1 for t in last], dtype=np.int64)


def _identifiers(filled: Filled, where: str) -> None:
    columns = filled.columns
    if "source_id" in columns:
        return
    good = np.isfinite(columns["ra"]) & (np.abs(columns["dec"]) <= 90)
    ra, dec = (np.where(good, columns[name], 0.0) for name in ("ra", "dec"))
    columns["source_id"] = (healpix_pixels(ra, dec) << GAIA_SHIFT) + np.arange(len(good))
    filled.notes.append(f"{where} has no source_id: identifiers were made of HEALPix pixel and row.")


def _colours(columns: Columns) -> None:
    """Complete G, BP, RP and their colours from each other."""
    magnitude = columns["phot_g_mean_mag"]
    blue, red = columns.get("phot_bp_mean_mag"), columns.get("phot_rp_mean_mag")
    g_rp, bp_g = columns.pop("g_rp", None), columns.pop("bp_g", None)
    colour = columns.get("bp_rp")
    if red is None and g_rp is not None:
        red = magnitude - g_rp
    if blue is None and bp_g is not None:
        blue = magnitude + bp_g
    if colour is None and blue is not None and red is not None:
        colour = blue - red
    if blue is None and red is not None and colour is not None:
        blue = red + colour
    known = {"phot_bp_mean_mag": blue, "phot_rp_mean_mag": red, "bp_rp": colour}
    columns.update({name: values for name, values in known.items() if values is not None})


def _errors(filled: Filled, release: str) -> None:
    """Put the median errors of DR3 by magnitude where a file has none."""
    columns = filled.columns
    missing = [name for name in _ERRORS if name not in columns]
    if not missing:
        return
    magnitude = columns["phot_g_mean_mag"].astype(np.float64)
    model = dict(zip(_ERRORS, (parallax_error(magnitude), *proper_motion_errors(magnitude)), strict=True))
    columns.update({name: model[name] for name in missing})
    worse = " Those of DR2 were about twice as large." if release == "dr2" else ""
    filled.notes.append(
        f"Not in the files: {', '.join(missing)}. Assumed: the median error of Gaia DR3 at each star's G.{worse}"
    )
