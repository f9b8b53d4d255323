"""Queries to SkyServer, and their answers as columns."""

import numpy as np
import pandas as pd

from components.common.tables import Columns

_SENTINEL = -9000.0
_PHOTOMETRY = {
    "redshift": "s.z",
    "petro_mag_r": "p.petroMag_r - p.extinction_r",
    **{
        f"{a}_{b}": f"(p.modelMag_{a} - p.extinction_{a}) - (p.modelMag_{b} - p.extinction_{b})"
        for a, b in ("ug", "gr", "ri", "iz")
    },
    "petro_r50_r": "p.petroR50_r",
    "petro_r90_r": "p.petroR90_r",
    "frac_dev_r": "p.fracDeV_r",
    "axis_ratio_dev": "p.deVAB_r",
    "axis_ratio_exp": "p.expAB_r",
    "dev_rad_r": "p.deVRad_r",
    "exp_rad_r": "p.expRad_r",
    "lnl_exp_minus_dev": "p.lnLExp_r - p.lnLDeV_r",
    "m_rr_cc": "p.mRrCc_r",
    "m_e1": "p.mE1_r",
    "m_e2": "p.mE2_r",
    "m_cr4": "p.mCr4_r",
    "velocity_dispersion": "s.velDisp",
    "d4000": "x.d4000_n",
    "h_alpha_ew": "-l.h_alpha_eqw",
    "log_stellar_mass": "e.lgm_tot_p50",
}
_SKY = {"ra": "p.ra", "dec": "p.dec"}
_JOINS = (
    "FROM zoo2MainSpecz g JOIN SpecObj s ON s.specObjID = g.specobjid JOIN PhotoObj p ON p.objID = g.dr8objid "
    "LEFT JOIN galSpecIndx x ON x.specObjID = s.specObjID LEFT JOIN galSpecLine l ON l.specObjID = s.specObjID "
    "LEFT JOIN galSpecExtra e ON e.specObjID = s.specObjID"
)


def photometry_query(identifiers: list[int]) -> str:
    """Return the SQL for the photometry of galaxies of Galaxy Zoo 2."""
    names = ", ".join(f"{source} AS {name}" for name, source in _PHOTOMETRY.items())
    listed = ",".join(str(identifier) for identifier in identifiers)
    return f"SELECT g.dr7objid AS dr7objid, {names} {_JOINS} WHERE g.dr7objid IN ({listed})"


def votes_query(votes: tuple[str, ...], first: int, rows: int) -> str:
    """Return the SQL for some rows of SkyServer's own table, votes and photometry together, in a fixed order."""
    columns = {**_SKY, **_PHOTOMETRY}
    names = ", ".join(f"{source} AS {name}" for name, source in columns.items())
    own = ", ".join(f"g.{name}" for name in ("total_classifications", "total_votes", *votes))
    return (
        f"SELECT g.dr7objid AS dr7objid, g.gz2class AS gz2_class, {names}, {own} {_JOINS} "
        f"ORDER BY g.dr7objid, g.specobjid OFFSET {first} ROWS FETCH NEXT {rows} ROWS ONLY"
    )


def count_query() -> str:
    """Return the SQL for the number of rows of SkyServer's own table, with the joins that rows are lost in."""
    return f"SELECT COUNT(*) AS number {_JOINS}"


def to_columns(table: pd.DataFrame) -> Columns:
    """Return the columns of an answer: identifiers as int64, NaN for what was not measured."""
    out: Columns = {}
    for name in table.columns:
        if name == "dr7objid":
            out[name] = table[name].astype(np.int64).to_numpy()
        elif name == "gz2_class":
            out[name] = table[name].fillna("").to_numpy(dtype=object)
        else:
            values = pd.to_numeric(table[name], errors="coerce").to_numpy(dtype=np.float64)
            limits = abs(values) < -_SENTINEL if name not in ("lnl_exp_minus_dev",) else np.isfinite(values)
            out[name] = np.where(limits, values, np.nan)
    return out
