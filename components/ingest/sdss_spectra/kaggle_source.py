"""The workshop's own data: spectra on the quasar grid in HDF5 files from Kaggle (ywangscience/sdss-iii-iv)."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
import pandas as pd

from components.common.errors import InputError
from components.common.provenance import Provenance
from components.common.rejections import Rejections
from components.common.tables import Columns
from components.ingest.dataset import Source
from components.ingest.sdss_spectra.batches import SPECTRA_PER_BATCH
from components.ingest.sdss_spectra.catalogue import label_rows
from components.ingest.sdss_spectra.objects import group_objects
from components.ingest.sdss_spectra.placement import estimate_ivar
from components.ingest.sdss_spectra.schema import NAMES, TENSOR_PIXELS
from components.ingest.sdss_spectra.selection import DUPLICATE, draw, reject, unwanted
from components.ingest.sdss_spectra.settings import Settings
from components.physics.wavelength_grid import QUASAR_GRID

_FLUX = "flux_norm"
_REQUIRED = ("z_vi", "plate", "mjd", "fiberid")
_OPTIONAL = ("z", "z_conf", "thing_id", "class_person", "is_qso_final", "bal_prob", "sn_median_all")
_DENSE = 4
"""A stretch of rows is read whole if at least one in so many of them is wanted: HDF5 is slow at picking."""

_NOTES = (
    "Fluxes are the workshop's flux_norm: rescaled to 0..1 for each spectrum, so brightness is lost.",
    "The file has no errors: ivar is estimated from the scatter between pixels, the same all over a spectrum. "
    "Pixels outside the observed range repeat the edge, and bad pixels are not marked.",
    "Redshifts are z_vi, visual inspection, where z_conf is not below 2, else z: redshift_source says which.",
)


def open_hdf5(settings: Settings, rejections: Rejections) -> Source:
    """Read the labels of HDF5 files, such as that of quasars and that of galaxies, and stream their spectra.

    Raises
    ------
    InputError
        When a file is missing, no HDF5, or not laid out as the workshop's.
    """
    paths = _located(settings.location)
    labels = pd.concat([_labels_of(path, number) for number, path in enumerate(paths)], ignore_index=True)
    reasons = unwanted(labels, settings).mask(labels.duplicated("id"), DUPLICATE)
    if settings.rows:  # the draw is from what is wanted, so that as many arrive as were asked for
        candidates = labels[reasons == ""]
        labels = candidates.iloc[draw(len(candidates), settings.rows, settings.seed)]
    before = rejections if settings.part.is_first else Rejections()  # all shards choose, the first one tells
    labels = reject(labels, reasons.loc[labels.index], "id", before)
    unknown = np.full(len(labels), np.nan)
    labels = labels.assign(
        object_id=group_objects(labels["id"].to_numpy(object), labels["thing_id"].to_numpy(), unknown, unknown)
    )
    provenance = Provenance(
        origin="real",
        archive=f"Kaggle ywangscience/sdss-iii-iv, {', '.join(path.name for path in paths)}",
        query=f"classes {', '.join(settings.classes)}; redshift {settings.minimum_redshift} to "
        f"{settings.maximum_redshift}; rows {settings.rows or 'all'}",
        release="DR16Q",
        retrieved_at=datetime.now(UTC).isoformat(timespec="seconds"),
        seed=settings.seed,
        notes=_NOTES,
    )
    mine = settings.part.rows(len(labels), SPECTRA_PER_BATCH)
    own = labels.iloc[mine.start : mine.stop]
    return Source(provenance, len(own) + len(rejections), _stream(paths, own, rejections))


def _located(location: str) -> list[Path]:
    whole = Path(location).expanduser()
    return [whole] if whole.exists() else [Path(part.strip()).expanduser() for part in location.split(",")]


def _open(path: Path) -> h5py.File:
    if not path.is_file():
        raise InputError(
            f"There is no file {path}.",
            "Set location to the .h5 file, unzipped, from `kaggle datasets download ywangscience/sdss-iii-iv`.",
        )
    try:
        return h5py.File(path, "r")
    except OSError as error:
        raise InputError(
            f"{path} is not a whole HDF5 file: {error}.", "Unzip it, or download it again."
        ) from error


def _labels_of(path: Path, number: int) -> pd.DataFrame:
    """Return the labels of a file, and beside them which file and which of its rows they are of."""
    with _open(path) as file:
        labels = _labels(path, file)
    return labels.assign(file=number, row=np.arange(len(labels)))


def _labels(path: Path, file: h5py.File) -> pd.DataFrame:
    missing = sorted({_FLUX, *_REQUIRED} - set(file))
    if missing:
        raise InputError(
            f"{path} has no data set {', '.join(missing)}; it has {', '.join(sorted(file)) or 'none'}.",
            "Give dr16q-log-zvi-quasar.h5 or dr16q-log-zvi-galaxy.h5 of the workshop.",
        )
    shape = file[_FLUX].shape
    if len(shape) != 2 or shape[1] != QUASAR_GRID.pixels:
        raise InputError(
            f"{_FLUX} in {path} has shape {shape}, not (spectra, {QUASAR_GRID.pixels}).",
            "Give a file on the workshop's grid, log10(wavelength) from 3.5522 to 4.0139.",
        )
    present = [name for name in (*_REQUIRED, *_OPTIONAL) if name in file]
    wrong = [name for name in present if file[name].shape[:1] != shape[:1]]
    if wrong:
        raise InputError(
            f"{', '.join(wrong)} in {path} is not as long as {_FLUX} ({shape[0]}).", "The file is damaged."
        )
    return label_rows({name.upper(): np.asarray(file[name]).reshape(shape[0]) for name in present})


def _stream(paths: Sequence[Path], labels: pd.DataFrame, rejections: Rejections) -> Iterator[Columns]:
    for start in range(0, len(labels), SPECTRA_PER_BATCH):
        part = labels.iloc[start : start + SPECTRA_PER_BATCH]
        flux = np.concatenate(
            [_read_flux(paths[int(n)], rows.to_numpy()) for n, rows in part.groupby("file")["row"]]
        )
        ivar = estimate_ivar(flux)
        good = ivar.any(axis=1)
        rejections.add_many(part["id"][~good], "no good pixels", f"{_FLUX} is constant or not finite")
        if good.any():
            yield _columns(part[good], flux[good], ivar[good])


def _read_flux(path: Path, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    with _open(path) as file:
        return _read_rows(file[_FLUX], rows)


def _read_rows(data: Any, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    first, last = int(rows[0]), int(rows[-1])
    if last - first < _DENSE * len(rows):
        return np.asarray(data[first : last + 1], dtype=np.float64)[rows - first]
    return np.asarray(data[rows], dtype=np.float64)


def _columns(
    labels: pd.DataFrame, normalised: npt.NDArray[np.floating], estimated: npt.NDArray[np.floating]
) -> Columns:
    rows = len(labels)
    flux, ivar = (np.zeros((rows, TENSOR_PIXELS), dtype=np.float32) for _ in range(2))
    flux[:, : QUASAR_GRID.pixels] = np.where(np.isfinite(normalised), normalised, 0)
    ivar[:, : QUASAR_GRID.pixels] = estimated
    if "sn_median" not in labels:
        labels = labels.assign(sn_median=np.nanmedian(normalised * np.sqrt(estimated), axis=1))
    return {
        "zwarning": np.zeros(rows, dtype=np.int64),
        **{name: labels[name].to_numpy() for name in NAMES if name in labels},
        "resampled": np.zeros(rows, dtype=bool),
        "first_pixel": np.full(rows, QUASAR_GRID.first_pixel),
        "pixels": np.full(rows, QUASAR_GRID.pixels),
        "flux": flux,
        "ivar": ivar,
    }
