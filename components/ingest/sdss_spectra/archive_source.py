"""Labels from the DR16Q catalogue and spectra from the Science Archive Server of SDSS."""

import dataclasses
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd

from components.common.archive import Archive, NotInArchiveError, Request, store_if_there
from components.common.errors import InputError
from components.common.provenance import Provenance
from components.common.rejections import Rejections
from components.common.store import Store
from components.common.tables import Columns
from components.common.telemetry import report_progress, warn
from components.ingest.dataset import Source
from components.ingest.sdss_spectra.batches import SPECTRA_PER_BATCH, Reading, keep_rejected, read_spectra
from components.ingest.sdss_spectra.catalogue import read_catalogue
from components.ingest.sdss_spectra.fits_table import UnusableFileError, binary_tables
from components.ingest.sdss_spectra.objects import group_objects
from components.ingest.sdss_spectra.schema import GALAXY, MEASUREMENTS, NAMES
from components.ingest.sdss_spectra.selection import DUPLICATE, draw, unwanted
from components.ingest.sdss_spectra.settings import Settings

RELEASE = "dr16"
EASY_GALAXIES = "+main-galaxies"
"""Behind the name of a catalogue: galaxies of the main sample, by SkyServer, in the place of the catalogue's."""

_MEASURED = tuple(field.name for field in MEASUREMENTS)
_FIRST_BOSS_PLATE = 3510
_LEGACY_RUN2D = ("26", "103", "104")  # SDSS-I/II, and the two reductions of SEGUE


def open_archive(settings: Settings, rejections: Rejections) -> Source:
    """Fetch the catalogue, choose from it, and stream the spectra.

    Downloads go to a temporary folder and, where AWS_ENDPOINT_URL names a store, to its cache, so that a run that
    was interrupted continues and an unchanged one downloads nothing.

    Raises
    ------
    ArchiveError
        When the archive is down.
    InputError
        When the catalogue is none, or no row of it is wanted.
    """
    store = store_if_there()
    name = settings.catalogue.removesuffix(EASY_GALAXIES)
    with _archive(settings, store) as archive, tempfile.TemporaryDirectory(prefix="armillary-") as scratch:
        request = Request(f"{RELEASE}/eboss/qso/DR16Q/{name}", Path(scratch) / name)
        receipt = archive.obtain(request, _require_whole)
        known = read_catalogue(request.destination, settings.plates)
    easy: tuple[str, ...] = ()
    if name != settings.catalogue:
        known, easy = _with_main_galaxies(known, settings, store)
    labels, left_out = choose(known, settings)
    mine = settings.part.rows(len(labels), SPECTRA_PER_BATCH)
    own = labels.iloc[mine.start : mine.stop].reset_index(drop=True)
    provenance = Provenance(
        origin="real",
        archive=settings.archive_url,
        query=f"{settings.catalogue}: plates {settings.plates or 'all'}; classes {', '.join(settings.classes)}; "
        f"redshift {settings.minimum_redshift} to {settings.maximum_redshift}; rows {settings.rows or 'all'}; "
        f"spectra of reduction {settings.run2d}",
        release=f"{RELEASE.upper()} {settings.catalogue}",
        retrieved_at=datetime.now(UTC).isoformat(timespec="seconds"),
        sha256=receipt.sha256,
        seed=settings.seed,
        notes=(
            "Redshifts are visual (Z_VI) where Z_CONF is at least 2, else the catalogue's best (Z): "
            "redshift_source says which.",
            f"Rows of the catalogue on these plates that were not asked for: {left_out}.",
            *easy,
        ),
    )
    return Source(provenance, len(own), stream_spectra(settings, store, own, rejections))


def _with_main_galaxies(
    labels: pd.DataFrame, settings: Settings, store: Store | None
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Put galaxies of the main sample in the place of the catalogue's, and say so."""
    from components.ingest.sdss_spectra.skyserver import ask  # which streams its spectra with this module

    galaxies, digest = ask(dataclasses.replace(settings, source="skyserver", classes=(GALAXY,)), store)
    quasars = labels[labels["spectral_class"] != GALAXY]
    note = (
        f"Easy negatives: the {len(galaxies)} galaxies are of the main sample (SkyServer, answer {digest[:16]}), "
        "near and bright, and observed by other spectrographs than the quasars. Who tells these apart has told "
        "plates from plates too: the galaxies of the superset, which were targeted as quasars, are the hard ones."
    )
    return pd.concat([quasars, galaxies], ignore_index=True), (note,)


def spectrum_paths(plate: int, mjd: int, fiber: int, run2d: str) -> list[str]:
    """List where on the server a spectrum can be, the likeliest first: lite files, then full ones."""
    name = f"{plate:04d}/spec-{plate:04d}-{mjd}-{fiber:04d}.fits"
    if plate >= _FIRST_BOSS_PLATE:
        root = f"{RELEASE}/eboss/spectro/redux/{run2d}/spectra"
        return [f"{root}/lite/{name}", f"{root}/full/{name}"]
    roots = [f"{RELEASE}/sdss/spectro/redux/{version}/spectra" for version in _LEGACY_RUN2D]
    return [f"{root}/lite/{name}" for root in roots] + [f"{root}/{name}" for root in roots]


def _archive(settings: Settings, store: Store | None) -> Archive:
    return Archive(settings.archive_url, store, version=settings.data_version, sharers=settings.shards)


def choose(labels: pd.DataFrame, settings: Settings) -> tuple[pd.DataFrame, str]:
    """Return the rows that are wanted, with their objects, and in words how many are not."""
    reasons = unwanted(labels, settings).mask(labels.duplicated("id"), DUPLICATE)
    counts = reasons[reasons != ""].value_counts()
    left_out = ", ".join(f"{count} {reason}" for reason, count in counts.items()) or "none"
    candidates = labels[reasons == ""]
    if candidates.empty:
        raise InputError(
            f"No row of {settings.catalogue} on the plates {settings.plates or '(all)'} is wanted: {left_out}.",
            "Widen plates, classes or the redshift range.",
        )
    if settings.rows > len(candidates):
        warn(f"{settings.rows} spectra were asked for, but only {len(candidates)} rows fit.")
    chosen = candidates.iloc[draw(len(candidates), settings.rows, settings.seed)].reset_index(drop=True)
    place = (chosen[name].to_numpy() for name in ("thing_id", "ra", "dec"))
    return chosen.assign(object_id=group_objects(chosen["id"].to_numpy(dtype=object), *place)), left_out


def stream_spectra(
    settings: Settings, store: Store | None, labels: pd.DataFrame, rejections: Rejections
) -> Iterator[Columns]:
    """Fetch the spectra of labels and yield them in batches, in the order of the labels."""
    with _archive(settings, store) as archive:
        for start in range(0, len(labels), SPECTRA_PER_BATCH):
            part = labels.iloc[start : start + SPECTRA_PER_BATCH]
            with tempfile.TemporaryDirectory(prefix="armillary-") as scratch:
                files = _fetch(archive, part, settings.run2d, Path(scratch), rejections, len(labels))
                reading = read_spectra(list(files.values()))
            keep_rejected(reading, rejections)
            by_file = {path: row for row, path in files.items()}
            columns = _with_labels(reading, part.loc[[by_file[path] for path in reading.files]], rejections)
            if len(columns["id"]):
                yield columns


def _fetch(
    archive: Archive, part: pd.DataFrame, run2d: str, scratch: Path, rejections: Rejections, total: int
) -> dict[int, Path]:
    """Fetch the spectra of a batch, trying for each one place after the other until none is left."""
    places = {
        row: iter(spectrum_paths(plate, mjd, fiber, run2d))
        for row, plate, mjd, fiber in part[["plate", "mjd", "fiber"]].itertuples()
    }
    destinations = {row: scratch / f"spec-{name}.fits" for row, name in part["id"].items()}
    rows = {path: row for row, path in destinations.items()}
    files: dict[int, Path] = {}
    failed: dict[int, str] = {}
    while places:
        tries = {row: next(paths, None) for row, paths in places.items()}
        gone = [row for row, path in tries.items() if path is None]
        rejections.add_many(part.loc[gone, "id"], "not in archive", "no such spectrum in this data release")
        # A spectrum of a release and a reduction never changes: what may is the catalogue.
        requests = [
            Request(path, destinations[row], version="") for row, path in tries.items() if path is not None
        ]
        places = {row: paths for row, paths in places.items() if tries[row] is not None}
        for fetched in archive.fetch_many(requests, check=_require_whole):
            row = rows[fetched.request.destination]
            if isinstance(fetched.error, NotInArchiveError):
                continue
            del places[row]
            if fetched.error is not None:
                failed[row] = str(fetched.error)
            else:
                files[row] = fetched.request.destination
            report_progress(int(part.index[0]) + len(files), total, "spectra", rejected=len(rejections))
    for row, detail in sorted(failed.items()):  # in the catalogue's order, however the network delivered them
        rejections.add(part.at[row, "id"], "download failed", detail)
    return dict(sorted(files.items()))


def _require_whole(path: Path) -> None:
    """Walk the headers of a FITS file, which fails for a web page and for a file that was cut."""
    with path.open("rb") as file:
        if not any(True for _ in list(binary_tables(path, file))):
            raise UnusableFileError("no table", f"{path.name} holds no table.", "It is not what was asked for.")


def _with_labels(reading: Reading, labels: pd.DataFrame, rejections: Rejections) -> Columns:
    """Put the catalogue's labels over those of the files, and leave out files of another spectrum."""
    columns = reading.columns
    other = (columns["plate"] >= 0) & (columns["id"] != labels["id"].to_numpy(dtype=object))
    rejections.add_many(labels["id"][other], "wrong file", "the file holds another spectrum than its name says")
    columns = {**columns, **{name: labels[name].to_numpy() for name in (*NAMES, *_MEASURED) if name in labels}}
    for name in ("ra", "dec"):
        columns[name] = np.where(np.isnan(columns[name]), reading.columns[name], columns[name])
    return {name: values[~other] for name, values in columns.items()}
