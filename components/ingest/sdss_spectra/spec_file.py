"""One spectrum from one file: `spec-*.fits` of SDSS and BOSS, lite or full, or SkyServer's CSV of a spectrum."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from components.ingest.sdss_spectra.fits_table import FitsTable, UnusableFileError, binary_tables, opened
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
    "Z", "ZWARNING", "CLASS", "PLATE", "MJD", "FIBERID", "PLUG_RA", "PLUG_DEC", "RA", "DEC", "RACAT", "DECCAT",
    "FIBER_RA", "FIBER_DEC", "THING_ID", "SPECTROFLUX", "VDISP",
)  # fmt: skip
_PLACES = (("PLUG_RA", "PLUG_DEC"), ("RA", "DEC"), ("RACAT", "DECCAT"), ("FIBER_RA", "FIBER_DEC"))
"""Of the object: in files of SDSS to eBOSS, of other programs, and of SDSS-V, which has no THING_ID either."""

_R_BAND = 2
_FEWEST_FOR_NOISE = 4


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
            return Metadata(id=_stem(path)), _csv_pixels(path) if with_pixels else ()
        with opened(path) as file:
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
        return Metadata(id=_stem(path)), pixels
    raise UnusableFileError(
        "no coadd",
        f"{path} has no table with columns flux and loglam.",
        "Give a spec-PLATE-MJD-FIBER.fits file of SDSS, BOSS or eBOSS.",
    )


def _coadd_pixels(table: FitsTable) -> tuple[npt.NDArray[Any], ...]:
    names = ["LOGLAM", "FLUX", "IVAR", *(["AND_MASK"] if "AND_MASK" in table.columns else [])]
    columns = table.read(names)
    for name, values in columns.items():
        if values.ndim > 1 or values.dtype.kind not in "fiu":
            raise UnusableFileError(
                "odd layout",
                f"The column {name} of {table.path} is not one number for each pixel.",
                "Give a spec-PLATE-MJD-FIBER.fits file of SDSS, BOSS or eBOSS: a row is a pixel there.",
            )
    ivar = columns["IVAR"].astype(np.float32) if columns["IVAR"].dtype.kind != "f" else columns["IVAR"]
    if "AND_MASK" in columns:
        ivar[_whole(columns["AND_MASK"]) & UNUSABLE_BITS != 0] = 0
    return columns["LOGLAM"], columns["FLUX"], ivar


def _whole(mask: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """Return bits that other programs may have stored as floats."""
    return np.asarray(np.nan_to_num(mask, posinf=0, neginf=0), dtype=np.int64)


def _csv_pixels(path: Path) -> tuple[npt.NDArray[Any], ...]:
    try:
        table = pd.read_csv(path, skipinitialspace=True, comment="#")
        table.columns = table.columns.str.strip().str.lower()
        wavelength, flux = (table[name].to_numpy(dtype=np.float64) for name in ("wavelength", "flux"))
    except (KeyError, ValueError, AttributeError) as error:
        raise UnusableFileError(
            "not a spectrum",
            f"{path} is not SkyServer's CSV of a spectrum: {_why(error)}.",
            "Give a CSV with columns Wavelength and Flux, or the FITS file.",
        ) from error
    log_wavelength = np.log10(np.where(wavelength > 0, wavelength, np.nan))
    return log_wavelength, flux, _noise(flux)


def _noise(flux: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return estimate_ivar(flux[None])[0] if flux.size > _FEWEST_FOR_NOISE else np.zeros_like(flux)


def _why(error: Exception) -> str:
    return f"it has no column {error.args[0]}" if isinstance(error, KeyError) else str(error).strip().rstrip(".")


def _place(path: Path, log_wavelength: Any, flux: Any, ivar: Any) -> Placed:
    with np.errstate(over="ignore"):  # tables hold single precision: what is too large for it is no measurement
        good = np.isfinite(np.float32(flux)) & np.isfinite(np.float32(ivar)) & (ivar > 0)
    if not good.any():
        raise UnusableFileError(
            "no good pixels",
            f"{path} has not one usable pixel: flux is not finite, or ivar is zero, in all {good.size}.",
            "Leave the file out: its fibre was broken or unplugged."
            if good.size
            else "Get the file again: it has no rows.",
        )
    try:
        return place(log_wavelength, np.where(good, flux, 0), np.where(good, ivar, 0))
    except ValueError as error:
        raise UnusableFileError(
            "bad wavelengths",
            f"{path} has {error}.",
            "Sort its rows by the column loglam, which is log10 of the wavelength in angstroms.",
        ) from error


def _metadata(path: Path, table: FitsTable) -> Metadata:
    names = [name for name in _METADATA if name in table.columns]
    if table.rows < 1 or not names:
        return Metadata(id=_stem(path))
    row = {name: values[0] for name, values in table.read(names, stop=1).items()}
    plate, mjd, fiber, thing = (int(_number(row, n, NO_NUMBER)) for n in ("PLATE", "MJD", "FIBERID", "THING_ID"))
    redshift = _number(row, "Z")
    label = bytes(row.get("CLASS", b"")).decode("ascii", "replace").strip()
    nanomaggies = _number(row, "SPECTROFLUX", 0.0, _R_BAND)
    dispersion = _number(row, "VDISP", 0.0)
    ra, dec = _place_on_the_sky(row)
    return Metadata(
        id=f"{plate:04d}-{mjd}-{fiber:04d}" if min(plate, mjd, fiber) >= 0 else _stem(path),
        redshift=redshift if is_redshift(redshift) else float("nan"),
        zwarning=int(_number(row, "ZWARNING", 0)),
        spectral_class=label if label in CLASSES else UNKNOWN,
        ra=ra,
        dec=dec,
        plate=plate,
        mjd=mjd,
        fiber=fiber,
        thing_id=thing if thing > 0 else NO_NUMBER,
        magnitude_r=22.5 - 2.5 * float(np.log10(nanomaggies)) if nanomaggies > 0 else float("nan"),
        velocity_dispersion=dispersion if dispersion > 0 else float("nan"),
    )


def _stem(path: Path) -> str:
    return Path(path.name.removesuffix(".gz")).stem


def _place_on_the_sky(row: dict[str, Any]) -> tuple[float, float]:
    """Return right ascension and declination by the first names under which there is a place, no sentinel."""
    for names in _PLACES:
        ra, dec = (_number(row, name) for name in names)
        if 0 <= ra <= 360 and abs(dec) <= 90:
            return ra, dec
    return float("nan"), float("nan")


def _number(row: dict[str, Any], name: str, unknown: float = float("nan"), place: int = 0) -> float:
    """Return a number of a row, or what stands for none where it is absent, no number, or not finite."""
    values = np.ravel(row.get(name, unknown))
    if place >= values.size or values.dtype.kind not in "fiu" or not np.isfinite(values[place]):
        return unknown
    return float(values[place])
