"""Queries to SkyServer, and their answers as columns."""

import numpy as np
import pandas as pd

from components.common.tables import Columns
from components.ingest.galaxy_zoo.derived import measured
from components.ingest.galaxy_zoo.names import find_columns
from components.ingest.galaxy_zoo.schema import TEXT_COLUMNS
from components.physics.sdss_imaging import BANDS

_PHOTOMETRY = (
    "s.z", "s.velDisp", *(f"p.dered_{band}" for band in BANDS), "p.petroMag_r", "p.extinction_r", "p.petroR50_r",
    "p.petroR90_r", "p.fracDeV_r", "p.deVAB_r", "p.expAB_r", "p.deVRad_r", "p.expRad_r", "p.lnLExp_r",
    "p.lnLDeV_r", "p.mRrCc_r", "p.mE1_r", "p.mE2_r", "p.mCr4_r", "x.d4000_n", "l.h_alpha_eqw", "e.lgm_tot_p50",
)  # fmt: skip
"""By SkyServer's own names: a query has to fit into an address, and -9999 is known only before it is used."""

_JOINS = (
    "FROM zoo2MainSpecz g JOIN SpecObj s ON s.specObjID=g.specobjid JOIN PhotoObj p ON p.objID=g.dr8objid "
    "LEFT JOIN galSpecIndx x ON x.specObjID=s.specObjID LEFT JOIN galSpecLine l ON l.specObjID=s.specObjID "
    "LEFT JOIN galSpecExtra e ON e.specObjID=s.specObjID"
)


def photometry_query(identifiers: list[int]) -> str:
    """Return the SQL for the photometry of galaxies of Galaxy Zoo 2."""
    listed = ",".join(str(identifier) for identifier in identifiers)
    return f"SELECT g.dr7objid,{','.join(_PHOTOMETRY)} {_JOINS} WHERE g.dr7objid IN ({listed})"


def votes_query(first: int, rows: int) -> str:
    """Return the SQL for some rows of SkyServer's own table, votes and photometry together, in a fixed order."""
    return (
        f"SELECT g.*,{','.join(_PHOTOMETRY)} {_JOINS} "
        f"ORDER BY g.dr7objid,g.specobjid OFFSET {first} ROWS FETCH NEXT {rows} ROWS ONLY"
    )


def count_query() -> str:
    """Return the SQL for the number of rows of SkyServer's own table, with the joins that rows are lost in."""
    return f"SELECT COUNT(*) AS number {_JOINS}"


def to_columns(table: pd.DataFrame) -> Columns:
    """Return the columns of an answer by our names: identifiers as int64, NaN for what was not measured."""
    out: Columns = {}
    for ours, theirs in find_columns(table.columns, "The answer of SkyServer", ("dr7objid",)).items():
        values = table[theirs]
        if ours == "dr7objid":
            out[ours] = values.astype(np.int64).to_numpy()
        elif ours in TEXT_COLUMNS:
            out[ours] = values.fillna("").astype(str).to_numpy(dtype=object)
        else:
            out[ours] = measured(pd.to_numeric(values, errors="coerce").to_numpy(dtype=np.float64), ours)
    return out
