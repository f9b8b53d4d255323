"""Real galaxies and the templates to make spectra of them, from the files that the package kcorrect brings along.

kcorrect (Blanton & Roweis 2007, AJ 133, 734; BSD-3) ships photometry and redshifts of 10,000 SDSS galaxies for its
tests, five spectral templates and the response of the SDSS filters. Only its files are read: importing it would
import matplotlib.
"""

from dataclasses import replace
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd

from components.common.errors import InputError
from components.ingest.sdss_spectra.fits_table import FitsTable, binary_tables
from components.physics.galaxies import GalaxyCatalogue, fit_catalogue
from components.physics.galaxy_templates import take_apart
from components.physics.photometry import Band

PHOTOMETRY, TEMPLATES = "data/test/gst_tests_small.fits", "data/templates/kcorrect-default-v4.fits"
REDSHIFT_RANGE = (0.01, 0.5)
_BANDS = "ugriz"
_MAGNITUDE_RANGE = (10.0, 20.0)
_CALIBRATION_ERROR = np.array([0.05, 0.02, 0.02, 0.02, 0.03])
"""Magnitudes by which photometry and templates may disagree, added to the errors: least in g, r and i."""


@cache
def real_galaxies() -> GalaxyCatalogue:
    """Load the galaxies with usable photometry in all bands, fitted with the templates. Takes about a second.

    Raises
    ------
    InputError
        When kcorrect is not installed, or without its files.
    """
    bands = tuple(_read_band(name) for name in _BANDS)
    wavelength, templates = _read_templates()
    table = _read(PHOTOMETRY, ["MODELFLUX", "MODELFLUX_IVAR", "EXTINCTION", "Z"])
    flux, ivar, extinction, redshift = (values.astype(np.float64) for values in table.values())
    maggies, ivar = flux * 1e-9, ivar * 1e18
    faintest, brightest = (10 ** (-0.4 * m) for m in _MAGNITUDE_RANGE[::-1])
    r = maggies[:, _BANDS.index("r")]
    usable = (maggies > 0).all(axis=1) & (ivar > 0).all(axis=1) & np.isfinite(extinction).all(axis=1)
    usable &= (r > faintest) & (r < brightest)
    usable &= (redshift > REDSHIFT_RANGE[0]) & (redshift < REDSHIFT_RANGE[1])
    floor = np.where(maggies > 0, maggies * _CALIBRATION_ERROR * np.log(10) / 2.5, 1.0)
    ivar = 1 / (1 / np.where(ivar > 0, ivar, 1.0) + floor**2)
    fitted = fit_catalogue(
        take_apart(wavelength, templates),
        bands,
        maggies[usable],
        ivar[usable],
        extinction[usable],
        redshift[usable],
    )
    return replace(fitted, row=np.flatnonzero(usable)[fitted.row])


def read_photometry(columns: list[str]) -> dict[str, np.ndarray]:
    """Read columns of the photometry of all galaxies; `GalaxyCatalogue.row` counts its rows.

    Raises
    ------
    InputError
        When kcorrect is not installed, or without its files.
    """
    return _read(PHOTOMETRY, columns)


def read_band(name: str) -> Band:
    """Read the response of one of the SDSS filters u, g, r, i, z."""
    return _read_band(name)


def _folder() -> Path:
    found = find_spec("kcorrect")
    if found is None or found.origin is None:
        raise InputError(
            "The package kcorrect is not installed, which holds the real galaxies.",
            "Install the project again (`make setup`), or choose another source.",
        )
    return Path(found.origin).parent


def _read(name: str, columns: list[str]) -> dict[str, np.ndarray]:
    path = _folder() / name
    try:
        with path.open("rb") as file:
            table: FitsTable = next(binary_tables(path, file))
            return table.read(columns)
    except FileNotFoundError as error:
        raise InputError(
            f"kcorrect is installed without {name}.", "Install the version in constraints.txt."
        ) from error


def _read_templates() -> tuple[np.ndarray, np.ndarray]:
    table = _read(TEMPLATES, ["wave", "flux"])
    wavelength = table["wave"][0].astype(np.float64)
    return wavelength, table["flux"][0].reshape(-1, wavelength.size).astype(np.float64)


def _read_band(name: str) -> Band:
    path = _folder() / f"data/responses/sdss_{name}0.dat"
    rows = pd.read_csv(path, sep="|", comment="#", skipinitialspace=True, skip_blank_lines=True)
    rows.columns = rows.columns.str.strip()
    return Band(name, rows["lambda"].to_numpy(np.float64), rows["pass"].clip(lower=0).to_numpy(np.float64))
