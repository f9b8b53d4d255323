"""Spectrum files written by astropy, in SDSS's layout, for what no real file shows."""

from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits


def write_spec(
    path: Path,
    *,
    pixels: int = 400,
    first_pixel: int = 36000,
    loglam: Any = None,
    flux: Any = None,
    ivar: Any = None,
    and_mask: Any = None,
    plate: int = 4000,
    mjd: int = 55500,
    fiber: int = 1,
    redshift: float = 1.5,
    spectral_class: str = "QSO",
    ra: float = 150.0,
    dec: float = 2.0,
    thing_id: int = -1,
    exposures: int = 0,
) -> Path:
    """Write primary header, coadd, metadata and, for a full file, single exposures behind them."""
    if loglam is None:
        loglam = 1e-4 * (first_pixel + np.arange(pixels))
    n = len(loglam)
    rng = np.random.default_rng(fiber)
    coadd = fits.BinTableHDU.from_columns(
        [
            fits.Column("flux", "E", array=rng.normal(2, 0.5, n) if flux is None else flux),
            fits.Column("loglam", "E", array=loglam),
            fits.Column("ivar", "E", array=np.full(n, 4.0) if ivar is None else ivar),
            fits.Column("and_mask", "J", array=np.zeros(n, int) if and_mask is None else and_mask),
        ],
        name="COADD",
    )
    row = {"PLATE": plate, "MJD": mjd, "FIBERID": fiber, "THING_ID": thing_id, "ZWARNING": 0}
    columns = [fits.Column(name, "J", array=[value]) for name, value in row.items()]
    columns += [fits.Column("Z", "E", array=[redshift]), fits.Column("CLASS", "6A", array=[spectral_class])]
    columns += [fits.Column("PLUG_RA", "D", array=[ra]), fits.Column("PLUG_DEC", "D", array=[dec])]
    metadata = fits.BinTableHDU.from_columns(columns, name="SPECOBJ")
    extra = [fits.BinTableHDU(coadd.data, name=f"B1-{i:08d}") for i in range(exposures)]
    path.parent.mkdir(parents=True, exist_ok=True)
    fits.HDUList([fits.PrimaryHDU(), coadd, metadata, *extra]).writeto(path)
    return path
