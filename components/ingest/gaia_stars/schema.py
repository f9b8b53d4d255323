"""Columns of the tables of stars."""

from typing import Any

import numpy as np

from components.common.tables import Columns, column

STARS_PER_GROUP = 1 << 16
"""Rows of a row group: rows of stars are short, and tables of ten million of them are wanted."""

_ASTROMETRY = "Gaia's astrometric solution"
FIELDS = (
    column("source_id", "int64", "Gaia's identifier; its upper bits are the nested HEALPix pixel of level 12"),
    column("ra", "float64", "right ascension, ICRS", "deg"),
    column("dec", "float64", "declination, ICRS", "deg"),
    column("l", "float64", "galactic longitude", "deg"),
    column("b", "float64", "galactic latitude", "deg"),
    column("parallax", "float64", "as published, with its zero-point", "mas"),
    column("parallax_error", "float32", "formal error of parallax", "mas"),
    column("pmra", "float64", "proper motion in right ascension, with cos(dec)", "mas/yr"),
    column("pmra_error", "float32", "formal error of pmra", "mas/yr"),
    column("pmdec", "float64", "proper motion in declination", "mas/yr"),
    column("pmdec_error", "float32", "formal error of pmdec", "mas/yr"),
    column("pmra_pmdec_corr", "float32", "correlation of pmra and pmdec; NaN where unknown"),
    column("parallax_pmra_corr", "float32", "correlation of parallax and pmra; NaN where unknown"),
    column("parallax_pmdec_corr", "float32", "correlation of parallax and pmdec; NaN where unknown"),
    column("ruwe", "float32", f"renormalised unit weight error of {_ASTROMETRY}; NaN where unknown"),
    column("visibility_periods_used", "int32", f"separate groups of observations in {_ASTROMETRY}; -1 unknown"),
    column("astrometric_params_solved", "int16", "31, 95 or 3 for 5, 6 or 2 parameters; -1 unknown"),
    column("nu_eff_used_in_astrometry", "float32", "effective wavenumber of 5-parameter solutions", "1/micron"),
    column("pseudocolour", "float32", "effective wavenumber fitted in 6-parameter solutions", "1/micron"),
    column("ecl_lat", "float64", "ecliptic latitude", "deg"),
    column("phot_g_mean_mag", "float32", "magnitude G", "mag"),
    column("phot_bp_mean_mag", "float32", "magnitude BP", "mag"),
    column("phot_rp_mean_mag", "float32", "magnitude RP", "mag"),
    column("bp_rp", "float32", "colour BP - RP", "mag"),
    column("phot_bp_rp_excess_factor", "float32", "flux in BP and RP over that in G: large where stars blend"),
    column("spectraltype_esphs", "string", "spectral letter of ESP-HS; empty where there is none"),
    column("teff_gspphot", "float32", "effective temperature of GSP-Phot (Priam's in DR2)", "K"),
    column("logg_gspphot", "float32", "log g of GSP-Phot", "log10(cm/s2)"),
    column("mh_gspphot", "float32", "[M/H] of GSP-Phot", "dex"),
)
TRUTH_FIELDS = (
    column("source_id", "int64", "as in dataset.parquet, in its order"),
    column("cluster", "string", "name of the cluster that the star belongs to; empty for the field"),
    column("probability", "float32", "of membership, as the catalogue gives it; 1 where it is known"),
)
NAMES = tuple(field.name for field in FIELDS)
DTYPES: dict[str, Any] = {field.name: field.type.to_pandas_dtype() for field in FIELDS}
UNKNOWN = {"visibility_periods_used": -1, "astrometric_params_solved": -1, "spectraltype_esphs": ""}


def complete(columns: Columns) -> Columns:
    """Put columns in the table's order and types, and fill those that are not there with what means unknown."""
    rows = len(columns["source_id"])
    result: Columns = {}
    for name in NAMES:
        kind = object if name == "spectraltype_esphs" else DTYPES[name]
        values = columns.get(name)
        result[name] = (
            np.full(rows, UNKNOWN.get(name, np.nan), dtype=kind)
            if values is None
            else np.asarray(values).astype(kind, copy=False)
        )
    return result
