"""Columns that follow from others, for sources that do not give them."""

from itertools import pairwise

import numpy as np
import numpy.typing as npt

from components.common.tables import Columns
from components.physics.galaxy_distances import distance_modulus, kpc_per_arcsec
from components.physics.sdss_imaging import BANDS

INGREDIENTS = (
    *(f"{name}_{band}" for name in ("dered", "modelmag", "extinction") for band in BANDS),
    "petromag_r", "lnlexp_r", "lnldev_r", "h_alpha_eqw",
)  # fmt: skip
"""SkyServer's names, in lower case, of what columns of ours are made of in tables that hold these not."""

_NOT_MEASURED = -9999.0
_NEARLY = -9000.0


def measured(values: npt.NDArray[np.float64], name: str) -> npt.NDArray[np.float64]:
    """Return values with NaN for the -9999 that SDSS writes where nothing was measured, or for what became of it.

    Only of likelihoods are numbers as low as this ones that were measured.
    """
    missing = values == _NOT_MEASURED if name.startswith("lnl") else values <= _NEARLY
    return np.where(missing, np.nan, values)


def derive(columns: Columns) -> Columns:
    """Return the columns with those that follow from them; what is there already is kept, but for `INGREDIENTS`.

    Distances are those of a flat universe with H0 = 70 km/s/Mpc; redshifts below 0.002, where peculiar motions
    count, give none.
    """
    out = {name: values for name, values in columns.items() if name not in INGREDIENTS}
    out = _without_dust(columns) | _others(columns) | out
    with np.errstate(divide="ignore", invalid="ignore"):
        if "velocity_dispersion" in out:
            out["velocity_dispersion"] = np.where(
                out["velocity_dispersion"] > 0, out["velocity_dispersion"], np.nan
            )
        if {"petro_r50_r", "petro_r90_r"} <= set(out):
            out.setdefault("concentration_r", _finite(out["petro_r90_r"] / out["petro_r50_r"]))
        if {"petro_mag_r", "petro_r50_r"} <= set(out):
            area = 2 * np.pi * np.asarray(out["petro_r50_r"]) ** 2
            out.setdefault("surface_brightness_r", _finite(out["petro_mag_r"] + 2.5 * np.log10(area)))
        if "redshift" in out:
            redshift = np.where(out["redshift"] > 0.002, out["redshift"], np.nan)
            if "petro_mag_r" in out:
                out.setdefault("absolute_mag_r", _finite(out["petro_mag_r"] - distance_modulus(redshift)))
            if "petro_r50_r" in out:
                out.setdefault("petro_r50_kpc", _finite(out["petro_r50_r"] * kpc_per_arcsec(redshift)))
    return out


def _without_dust(columns: Columns) -> Columns:
    """Make the magnitude and the colours that ours are from SkyServer's own columns, as far as they are there."""
    dust = {band: columns[f"extinction_{band}"] for band in BANDS if f"extinction_{band}" in columns}
    bands = {band: columns[f"dered_{band}"] for band in BANDS if f"dered_{band}" in columns}
    for band in dust:
        if f"modelmag_{band}" in columns:
            bands.setdefault(band, columns[f"modelmag_{band}"] - dust[band])
    pairs = [(blue, red) for blue, red in pairwise(BANDS) if {blue, red} <= set(bands)]
    out = {f"{blue}_{red}": bands[blue] - bands[red] for blue, red in pairs}
    if "petromag_r" in columns and "r" in dust:
        out["petro_mag_r"] = columns["petromag_r"] - dust["r"]
    return out


def _others(columns: Columns) -> Columns:
    """Make what SkyServer has as a pair, or with the other sign: its lines are negative in emission."""
    out = {}
    if {"lnlexp_r", "lnldev_r"} <= set(columns):
        out["lnl_exp_minus_dev"] = columns["lnlexp_r"] - columns["lnldev_r"]
    if "h_alpha_eqw" in columns:
        out["h_alpha_ew"] = -columns["h_alpha_eqw"]
    return out


def _finite(values: np.ndarray) -> np.ndarray:
    return np.where(np.isfinite(values), values, np.nan)
