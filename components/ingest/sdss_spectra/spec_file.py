"""One spectrum from one file: `spec-*.fits` of SDSS and BOSS, lite or full, or SkyServer's CSV of a spectrum."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from components.ingest.sdss_spectra.fits_table import FitsTable, UnusableFileError, binary_tables
from components.ingest.sdss_spectra.placement import Placed, estimate_ivar, place
from components.ingest.sdss_spectra.schema import CLASSES, NO_NUMBER, UNKNOWN

UNUSABLE_BITS = 1 << 18 | 1 << 22 | 1 << 23
"""Bits of SPPIXMASK that make a pixel unusable: FULLREJECT, NOSKY, BRIGHTSKY.

The pipeline has set ivar to 0 for what is "considered very bad" (the first two by definition) and names BRIGHTSKY
the most useful bit to look at besides: sky so bright that the flux there cannot be trusted, mostly the airglow
lines beyond 7500 angstrom, about one pixel in twenty. NODATA is "deprecated, to be ignored". Only `and_mask`
counts: what happened in one of several exposures was dealt with when they were combined.
https://www.sdss3.org/dr10/algorithms/bitmask_sppixmask.php
"""

LOWEST_REDSHIFT = -0.01
"""Stars have redshifts down to -0.003; whatever is below is a sentinel for "not measured" (-1, -999)."""

_METADATA = (
    "Z", "ZWARNING", "CLASS", "PLATE", "MJD", "FIBERID", "PLUG_RA", "PLUG_DEC", "RA", "DEC", "THING_ID",
    "SPECTROFLUX", "VDISP",
)  # fmt: skip
_R_BAND = 2


@dataclass(frozen=True)
class Metadata:
    """What a file says about its object. Numbers that it does not know are NaN or -1.

    Attributes
    ----------
    id : str
        plate-mjd-fiber, or the file's name without suffix.
    redshift, zwarning, spectral_class
        The survey pipeline's verdict.
    ra, dec : float
        Degrees.
    thing_id : int
        SDSS's number of the object on the sky; -1 where the imaging has no match.
    magnitude_r : float
        Of the light in the fibre, which the pipeline has integrated over the spectrum (SPECTROFLUX).
    velocity_dispersion : float
        km/s; of quasars and stars, and where it could not be measured, NaN.
    """

    id: str
    redshift: float = float("nan")
    zwarning: int = 0
    spectral_class: str = UNKNOWN
    ra: float = float("nan")
    dec: float = float("nan")
    plate: int = NO_NUMBER
    mjd: int = NO_NUMBER
    fiber: int = NO_NUMBER
    thing_id: int = NO_NUMBER
    magnitude_r: float = float("nan")
    velocity_dispersion: float = float("nan")


@dataclass(frozen=True)
class Spectrum:
    """A spectrum on the lattice: metadata, and pixels as `placement.Placed` describes them."""

    metadata: Metadata
    placed: Placed

    @property
    def sn_median(self) -> float:
        """Median of flux * sqrt(ivar) over usable pixels."""
        good = self.placed.ivar > 0
        return float(np.median(self.placed.flux[good] * np.sqrt(self.placed.ivar[good])))


def is_redshift(values: npt.ArrayLike) -> npt.NDArray[np.bool_]:
    """Tell where a number can be a redshift: finite, and no sentinel."""
    numbers = np.asarray(values, dtype=np.float64)
    return np.isfinite(numbers) & (numbers > LOWEST_REDSHIFT)


def read_spectrum(path: Path) -> Spectrum:
    """Read one spectrum.

    Raises
    ------
    UnusableFileError
        When the file is missing, truncated, no FITS, has no coadd, or not one usable pixel.
    """
    metadata, pixels = _read(path, with_pixels=True)
    return Spectrum(metadata, _place(path, *pixels))


def read_metadata(path: Path) -> Metadata:
    """Read what a file says about its object, without its pixels."""
    return _read(path, with_pixels=False)[0]


def _read(path: Path, with_pixels: bool) -> tuple[Metadata, tuple[npt.NDArray[Any], ...]]:
    try:
        if path.suffix.lower() == ".csv":
            return Metadata(id=path.stem), _csv_pixels(path) if with_pixels else ()
        with path.open("rb") as file:
            return _from_tables(path, binary_tables(path, file), with_pixels)
    except FileNotFoundError as error:
        raise UnusableFileError("no file", f"There is no file {path}.", "Check the path.") from error
    except OSError as error:
        raise UnusableFileError(
            "unreadable", f"{path} cannot be read: {error.strerror}.", "Check its permissions and the disk."
        ) from error


def _from_tables(path: Path, tables: Any, with_pixels: bool) -> tuple[Metadata, tuple[npt.NDArray[Any], ...]]:
    """Take the coadd from the first table that has one and the metadata from the table behind it.

    Tables are known by their columns: many files name neither of them, and what follows (lines, single exposures)
    is never read.
    """
    pixels: tuple[npt.NDArray[Any], ...] | None = None
    for table in tables:
        if pixels is not None:
            return _metadata(path, table), pixels
        if {"FLUX", "LOGLAM"} <= table.columns.keys():
            pixels = _coadd_pixels(table) if with_pixels else ()
    if pixels is not None:
        return Metadata(id=path.stem), pixels
    raise UnusableFileError(
        "no coadd",
        f"{path} has no table with columns flux and loglam.",
        "Give a spec-PLATE-MJD-FIBER.fits file of SDSS, BOSS or eBOSS.",
    )


def _coadd_pixels(table: FitsTable) -> tuple[npt.NDArray[Any], ...]:
    names = ["LOGLAM", "FLUX", "IVAR", *(["AND_MASK"] if "AND_MASK" in table.columns else [])]
    columns = table.read(names)
    ivar = columns["IVAR"]
    if "AND_MASK" in columns:
        ivar[columns["AND_MASK"] & UNUSABLE_BITS != 0] = 0
    return columns["LOGLAM"], columns["FLUX"], ivar


def _csv_pixels(path: Path) -> tuple[npt.NDArray[Any], ...]:
    try:
        table = pd.read_csv(path, usecols=["Wavelength", "Flux"], dtype=np.float64)
    except (ValueError, UnicodeDecodeError) as error:
        raise UnusableFileError(
            "not a spectrum",
            f"{path} is not SkyServer's CSV of a spectrum: {error}.",
            "Give a CSV with columns Wavelength and Flux, or the FITS file.",
        ) from error
    flux = table["Flux"].to_numpy()
    return np.log10(table["Wavelength"].to_numpy()), flux, estimate_ivar(flux[None])[0]


def _place(path: Path, log_wavelength: Any, flux: Any, ivar: Any) -> Placed:
    good = np.isfinite(flux) & np.isfinite(ivar) & (ivar > 0)
    if not good.any():
        raise UnusableFileError(
            "no good pixels",
            f"{path} has not one usable pixel: flux is not finite, or ivar is zero, in all {good.size}.",
            "Leave the file out: its fibre was broken or unplugged.",
        )
    try:
        return place(log_wavelength, np.where(good, flux, 0), np.where(good, ivar, 0))
    except ValueError as error:
        raise UnusableFileError(
            "bad wavelengths", f"{path} has {error}.", "Check that the column loglam is log10 of angstroms."
        ) from error


def _metadata(path: Path, table: FitsTable) -> Metadata:
    names = [name for name in _METADATA if name in table.columns]
    if table.rows < 1 or not names:
        return Metadata(id=path.stem)
    row = {name: values[0] for name, values in table.read(names, stop=1).items()}
    plate, mjd, fiber, thing = (int(row.get(n, NO_NUMBER)) for n in ("PLATE", "MJD", "FIBERID", "THING_ID"))
    redshift = float(row.get("Z", np.nan))
    label = bytes(row.get("CLASS", b"")).decode("ascii", "replace").strip()
    nanomaggies = float(np.ravel(row["SPECTROFLUX"])[_R_BAND]) if "SPECTROFLUX" in row else 0.0
    dispersion = float(row.get("VDISP", 0.0))
    return Metadata(
        id=f"{plate:04d}-{mjd}-{fiber:04d}" if min(plate, mjd, fiber) >= 0 else path.stem,
        redshift=redshift if is_redshift(redshift) else float("nan"),
        zwarning=int(row.get("ZWARNING", 0)),
        spectral_class=label if label in CLASSES else UNKNOWN,
        ra=float(row.get("PLUG_RA", row.get("RA", np.nan))),
        dec=float(row.get("PLUG_DEC", row.get("DEC", np.nan))),
        plate=plate,
        mjd=mjd,
        fiber=fiber,
        thing_id=thing if thing > 0 else NO_NUMBER,
        magnitude_r=22.5 - 2.5 * float(np.log10(nanomaggies)) if nanomaggies > 0 else float("nan"),
        velocity_dispersion=dispersion if dispersion > 0 else float("nan"),
    )
