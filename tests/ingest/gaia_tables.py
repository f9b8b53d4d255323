"""Small tables of stars in all formats, for tests of readers."""

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from astropy.table import MaskedColumn, Table

from components.ingest.gaia_stars.schema import NAMES


def real_stars(real_data: Path) -> pd.DataFrame:
    """The real cone with the columns that ingest wants and gaia_source has; nulls are None or NaN."""
    path = real_data / "gaia" / "dr3_cone_ra45_dec0_r0.5deg.parquet"
    there = [name for name in NAMES if name in pq.read_schema(path).names]
    return pq.read_table(path, columns=there).to_pandas()


def made_up_stars(rows: int = 40, ra: float = 10.0, dec: float = 20.0) -> pd.DataFrame:
    """Stars that are good in every way, within half a degree of a place."""
    rng = np.random.default_rng(rows)
    columns: dict[str, Any] = {name: rng.uniform(0.01, 0.1, rows) for name in NAMES}
    columns.update(
        source_id=10**18 + np.arange(rows),
        ra=(ra + rng.uniform(-0.5, 0.5, rows)) % 360,
        dec=np.clip(dec + rng.uniform(-0.5, 0.5, rows), -90, 90),
        parallax=rng.normal(1, 0.1, rows),
        pmra=rng.normal(3, 2, rows),
        pmdec=rng.normal(-2, 2, rows),
        phot_g_mean_mag=rng.uniform(12, 17, rows),
        bp_rp=rng.uniform(0.5, 2, rows),
        ruwe=rng.uniform(0.9, 1.2, rows),
        nu_eff_used_in_astrometry=rng.uniform(1.3, 1.6, rows),
        pseudocolour=np.nan,
        visibility_periods_used=np.full(rows, 15, dtype=np.int16),
        astrometric_params_solved=np.full(rows, 31, dtype=np.int16),
        spectraltype_esphs=np.array(["G"] * rows, dtype=object),
    )
    return pd.DataFrame(columns)


def write(stars: pd.DataFrame, path: Path) -> Path:
    """Write stars in the format that the path's name says."""
    plain = path.name.removesuffix(".gz")
    if plain.endswith(".csv"):
        stars.to_csv(path, index=False)
    elif plain.endswith(".parquet"):
        stars.to_parquet(path, index=False)
    else:
        table = Table()
        for name in stars:
            values = stars[name].to_numpy()
            if values.dtype == object:
                table[name] = MaskedColumn([v or "" for v in values], mask=[not v for v in values])
            else:
                table[name] = MaskedColumn(values, mask=pd.isna(values))
        kind = {"fits": "fits", "vot": "votable"}[plain.rsplit(".", 1)[1]]
        bare = path.with_name(plain)
        table.write(bare, format=kind, overwrite=True)
        if bare != path:
            path.write_bytes(gzip.compress(bare.read_bytes()))
            bare.unlink()
    return path
