"""Five-band flux, cut out of the survey's calibrated frames: on a disk, or fetched field by field."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from components.common.archive import Archive, NotInArchiveError, store_if_there
from components.common.errors import ArchiveError, InputError
from components.common.rejections import Rejections
from components.common.store import Store
from components.common.tables import Columns
from components.common.telemetry import warn
from components.ingest.dataset import Source
from components.ingest.sdss_cutouts.frame_file import (
    Frame,
    UnusableFrameError,
    cut_out,
    frame_name,
    read_frame,
    require_frame,
)
from components.ingest.sdss_cutouts.label_file import LABELS, read_labels
from components.ingest.sdss_cutouts.labels import choose, to_columns
from components.ingest.sdss_cutouts.schema import ROWS_PER_BATCH, complete
from components.ingest.sdss_cutouts.settings import Settings
from components.ingest.sdss_cutouts.skyserver import ask, real_provenance
from components.ingest.skyserver import RELEASE

RERUN = 301
"""Of the photometric pipeline, since Data Release 8."""

_DOWN_AFTER = 5
"""So many fields in a row that could not be fetched mean that the archive is down, not that the frames are."""

_FIELD = ["run", "camcol", "field"]
_EDGE = "edge of the field", "the picture would reach beyond the frame"


def open_frames(settings: Settings, rejections: Rejections) -> Source:
    """Label galaxies, and stream pictures cut out of the frames that they are on.

    With a `location`, the frames are looked for below it, and the labels are those of `labels.csv` in it if there
    is one: columns `id`, `ra`, `dec`, `run`, `camcol`, `field` and `redshift`. Everything else comes from the
    archive.

    Raises
    ------
    ArchiveError
        When an archive is down.
    InputError
        When no row is wanted.
    """
    store = Store.if_configured() if settings.location else store_if_there()
    folder = Path(settings.location) if settings.location else None
    if folder is not None and not folder.is_dir():
        raise InputError(f"There is no folder {folder}.", "Set location to the folder that holds the frames.")
    labels, digest = _labels(settings, folder, store)
    chosen, left_out = choose(labels, settings, LABELS if folder else "SkyServer's answer")
    chosen = chosen.sort_values([*_FIELD, "id"], ignore_index=True)  # so that a frame is opened once
    mine = settings.part.rows(len(chosen), ROWS_PER_BATCH)
    own = chosen.iloc[mine.start : mine.stop].reset_index(drop=True)
    archive = f"folder {folder}" if folder else f"{settings.skyserver_url} and {settings.archive_url}"
    provenance = real_provenance(settings, archive, digest, left_out)
    if folder and (folder / LABELS).is_file():
        ranges = f"redshift {settings.minimum_redshift} to {settings.maximum_redshift}"
        notes = (f"Redshifts are those of {LABELS}.", *provenance.notes[1:])
        provenance = replace(provenance, query=f"{LABELS}: {ranges}", release="", notes=notes)
    return Source(provenance, len(own), _stream(settings, folder, store, own, rejections))


def frame_path(run: int, camcol: int, field: int, band: str) -> str:
    """Return where the Science Archive Server has a frame."""
    return f"{RELEASE}/eboss/photoObj/frames/{RERUN}/{run}/{camcol}/{frame_name(run, camcol, field, band)}"


def _labels(settings: Settings, folder: Path | None, store: Store | None) -> tuple[pd.DataFrame, str]:
    if folder is None or not (folder / LABELS).is_file():
        return ask(settings, store)
    labels = read_labels(folder / LABELS, "id")
    if missing := sorted({"ra", "dec", *_FIELD} - set(labels.columns)):
        raise InputError(
            f"{folder / LABELS} has no column {', '.join(missing)}.",
            "Give the columns id, ra, dec, run, camcol, field and redshift.",
        )
    placed = labels[["ra", "dec", *_FIELD]].notna().all(axis=1)
    if not placed.all():
        warn(f"{(~placed).sum()} rows of {LABELS} have no position or field, and are left out.")
    return labels[placed].astype(dict.fromkeys(_FIELD, np.int64)).reset_index(drop=True), ""


def _stream(
    settings: Settings, folder: Path | None, store: Store | None, labels: pd.DataFrame, rejections: Rejections
) -> Iterator[Columns]:
    with ExitStack() as stack:
        archive = None
        if folder is None:
            archive = stack.enter_context(
                Archive(settings.archive_url, store, sharers=settings.shards)  # calibrated once, for good
            )
        failures = 0
        places = {path.name: path for path in folder.rglob("frame-*.fits*")} if folder is not None else {}
        for start in range(0, len(labels), ROWS_PER_BATCH):
            part = labels.iloc[start : start + ROWS_PER_BATCH]
            images: dict[int, npt.NDArray[np.float32]] = {}
            for key, own in part.groupby(_FIELD, sort=False):
                run, camcol, field = (int(number) for number in key)
                with tempfile.TemporaryDirectory(prefix="armillary-") as scratch:
                    try:
                        paths = _find(archive, places, (run, camcol, field), settings.bands, Path(scratch))
                        frames = [read_frame(path, b) for path, b in zip(paths, settings.bands, strict=True)]
                    except UnusableFrameError as error:
                        rejections.add_many(own["id"], error.reason, str(error))
                        continue
                    except ArchiveError as error:
                        failures += 1
                        if failures >= _DOWN_AFTER:
                            raise
                        rejections.add_many(own["id"], "download failed", str(error))
                        continue
                failures = 0
                images.update(_cut(frames, own, settings, rejections))
            if images:
                rows = sorted(images)
                yield complete({**to_columns(labels.loc[rows]), "image": np.stack([images[row] for row in rows])})


def _find(
    archive: Archive | None,
    places: dict[str, Path],
    field: tuple[int, int, int],
    bands: tuple[str, ...],
    scratch: Path,
) -> list[Path]:
    """Return the files of a field's bands, from the folder or else from the archive."""
    names = [frame_name(*field, band) for band in bands]
    if archive is None:
        missing = Path("nowhere")
        unpacked = [name.removesuffix(".bz2") for name in names]
        return [places.get(n, places.get(u, missing / n)) for n, u in zip(names, unpacked, strict=True)]
    try:
        return [
            archive.fetch(frame_path(*field, band), scratch / name, check=require_frame)
            for band, name in zip(bands, names, strict=True)
        ]
    except NotInArchiveError as error:
        raise UnusableFrameError("not in archive", str(error)) from error


def _cut(
    frames: list[Frame], labels: pd.DataFrame, settings: Settings, rejections: Rejections
) -> dict[int, npt.NDArray[np.float32]]:
    reference = settings.bands.index("r") if "r" in settings.bands else 0
    result = {}
    for row, name, ra, dec in labels[["id", "ra", "dec"]].itertuples():
        image = cut_out(frames, reference, ra, dec, settings.size)
        if image is None:
            rejections.add(str(name), *_EDGE)
        else:
            result[row] = image
    return result
