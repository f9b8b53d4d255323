"""Columns that follow from others, for sources that do not give them."""

import numpy as np

from components.common.tables import Columns
from components.physics.galaxy_distances import distance_modulus, kpc_per_arcsec


def derive(columns: Columns) -> Columns:
    """Return the columns with those that follow from them; what is there already is kept.

    Distances are those of a flat universe with H0 = 70 km/s/Mpc; redshifts below 0.002, where peculiar motions
    count, give none.
    """
    out = dict(columns)
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


def _finite(values: np.ndarray) -> np.ndarray:
    return np.where(np.isfinite(values), values, np.nan)
