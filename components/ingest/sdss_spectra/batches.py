"""Many spectra at once: from files to the columns of the table, with what could not be read kept aside."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from components.common.rejections import Rejections
from components.common.tables import Columns
from components.common.telemetry import warn
from components.ingest.sdss_spectra.fits_table import UnusableFileError
from components.ingest.sdss_spectra.objects import group_objects
from components.ingest.sdss_spectra.schema import NAMES, TENSOR_PIXELS
from components.ingest.sdss_spectra.spec_file import Spectrum, read_spectrum

SPECTRA_PER_BATCH = 512

Rejected = tuple[str, str, str]

_MEASURED = ("magnitude_r", "velocity_dispersion")


@dataclass(frozen=True)
class Reading:
    """Spectra read from files.

    Attributes
    ----------
    columns : dict of str to ndarray
        The columns of `schema.FIELDS` and what files know of `schema.MEASUREMENTS`; labels are what the survey's
    pipeline says in the files. files : list of Path
        The file of each row.
    rejected : list of (str, str, str)
        Files that could not be used: name, reason, detail.
    """

    columns: Columns
    files: list[Path]
    rejected: list[Rejected]


def read_spectra(paths: Sequence[Path]) -> Reading:
    """Read spectra from files, in their order, going on where one cannot be used.

    Holds all of them in memory (38 kB each): hand over thousands in slices.
    """
    spectra: list[Spectrum] = []
    files: list[Path] = []
    rejected: list[Rejected] = []
    for path in paths:
        try:
            spectra.append(read_spectrum(path))
            files.append(path)
        except UnusableFileError as error:
            rejected.append((path.name, error.reason, str(error)))
    return Reading(to_columns(spectra), files, rejected)


def keep_rejected(reading: Reading, rejections: Rejections) -> None:
    """Record what could not be read, and tell the person at the keyboard about the first of it."""
    for rejected in reading.rejected:
        rejections.add(*rejected)
    if reading.rejected:
        warn(f"{len(reading.rejected)} files cannot be used. The first: {reading.rejected[0][2]}")


def to_columns(spectra: Sequence[Spectrum]) -> Columns:
    """Arrange spectra as the columns of the table."""
    flux, ivar = (np.zeros((len(spectra), TENSOR_PIXELS), dtype=np.float32) for _ in range(2))
    for row, spectrum in enumerate(spectra):
        flux[row, : spectrum.placed.flux.size] = spectrum.placed.flux
        ivar[row, : spectrum.placed.ivar.size] = spectrum.placed.ivar
    known = [s.metadata for s in spectra]
    ids = _array([m.id for m in known], object)
    ra, dec = _array([m.ra for m in known], np.float64), _array([m.dec for m in known], np.float64)
    redshift = _array([m.redshift for m in known], np.float64)
    columns: Columns = {
        "id": ids,
        "object_id": group_objects(ids, _array([m.thing_id for m in known], np.int64), ra, dec),
        "spectral_class": _array([m.spectral_class for m in known], object),
        "redshift": redshift,
        "redshift_source": np.where(np.isfinite(redshift), "Z_PIPE", "").astype(object),
        "zwarning": _array([m.zwarning for m in known], np.int64),
        "is_bal": np.zeros(len(known), dtype=bool),
        "ra": ra,
        "dec": dec,
        "plate": _array([m.plate for m in known], np.int64),
        "mjd": _array([m.mjd for m in known], np.int64),
        "fiber": _array([m.fiber for m in known], np.int64),
        "sn_median": _array([s.sn_median for s in spectra], np.float32),
        "resampled": _array([s.placed.resampled for s in spectra], np.bool_),
        "first_pixel": _array([s.placed.first_pixel for s in spectra], np.int64),
        "pixels": _array([s.placed.flux.size for s in spectra], np.int64),
        "flux": flux,
        "ivar": ivar,
    }
    measured = {name: _array([getattr(m, name) for m in known], np.float64) for name in _MEASURED}
    return {name: columns[name] for name in NAMES} | measured


def _array(values: Sequence[Any], dtype: Any) -> Any:
    return np.array(values, dtype=dtype)
