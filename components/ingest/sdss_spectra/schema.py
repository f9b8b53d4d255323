"""The table of spectra that every source of this component writes, the simulator included."""

import numpy as np

from components.common.tables import Columns, column, tensor_column

TENSOR_PIXELS = 4700
"""Room for a spectrum: the quasar grid has 4618 pixels, the longest BOSS coadds about 4650."""

QSO = "QSO"
GALAXY = "GALAXY"
STAR = "STAR"
UNKNOWN = "UNKNOWN"
CLASSES = (QSO, GALAXY, STAR, UNKNOWN)

NO_NUMBER = -1
"""Plate, MJD and fibre of a spectrum that has none; also SDSS's own sentinel for "not measured"."""

FIELDS = (
    column("id", "string", "plate-mjd-fiber, or the name of the file; unique for each observation"),
    column("object_id", "string", "the object on the sky; two spectra of one object share it"),
    column("spectral_class", "string", "QSO, GALAXY, STAR or UNKNOWN"),
    column("redshift", "float64", "label; NaN where unknown"),
    column("redshift_source", "string", "which measurement the label is: Z_VI, Z, Z_PIPE, labels.csv, ..."),
    column("zwarning", "int64", "warning bits of the survey's pipeline; 0 is good"),
    column("is_bal", "bool", "broad absorption lines"),
    column("ra", "float64", "right ascension, ICRS; NaN where unknown", "deg"),
    column("dec", "float64", "declination, ICRS; NaN where unknown", "deg"),
    column("plate", "int64", "plate number; -1 where none"),
    column("mjd", "int64", "modified Julian date of the observation; -1 where none", "d"),
    column("fiber", "int64", "fibre number; -1 where none"),
    column("sn_median", "float32", "median of flux * sqrt(ivar) over pixels with ivar > 0"),
    column("resampled", "bool", "pixels were off the 1e-4 lattice and had to be rebinned"),
    column("first_pixel", "int64", "lattice index of flux[0]: log10(wavelength / angstrom) / 1e-4"),
    column("pixels", "int64", "leading pixels that belong to the spectrum; the rest is padding"),
    tensor_column(
        "flux",
        (TENSOR_PIXELS,),
        "flux density, finite everywhere, 0 where missing",
        "1e-17 erg s-1 cm-2 angstrom-1",
    ),
    tensor_column(
        "ivar",
        (TENSOR_PIXELS,),
        "inverse variance of the flux; 0 where missing or masked",
        "1e34 erg-2 s2 cm4 angstrom2",
    ),
)
"""Fields of `dataset.parquet`, for `components.common.tables.TableWriter`."""

NAMES = tuple(field.name for field in FIELDS)

MEASUREMENTS = (
    column(
        "magnitude_r",
        "float64",
        "r magnitude of the light in the fibre, extinction included; NaN where unknown",
        "mag",
    ),
    column(
        "magnitude_r_total",
        "float64",
        "r magnitude of the whole galaxy, extinction included; NaN where unknown",
        "mag",
    ),
    column("velocity_dispersion", "float64", "of the stars; NaN where unknown", "km/s"),
    column("stellar_mass", "float64", "log10 of the mass of all stars; NaN where unknown", "log10(solMass)"),
)
"""Further fields of the table, which not every source knows."""


def with_measurements(columns: Columns) -> Columns:
    """Add what a source does not know of `MEASUREMENTS`, as NaN."""
    absent = [field.name for field in MEASUREMENTS if field.name not in columns]
    return {**columns, **{name: np.full(len(columns["id"]), np.nan) for name in absent}}
