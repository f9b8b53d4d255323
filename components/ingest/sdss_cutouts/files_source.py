"""Pictures in a folder, with `labels.csv` beside them."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd

from components.common.errors import InputError
from components.common.provenance import Provenance
from components.common.rejections import Rejections
from components.common.tables import Columns
from components.ingest.dataset import Source
from components.ingest.sdss_cutouts.label_file import LABELS, read_labels
from components.ingest.sdss_cutouts.labels import DETAILS, reasons_against, to_columns, with_groups
from components.ingest.sdss_cutouts.pictures import UnusablePictureError, read_picture
from components.ingest.sdss_cutouts.schema import ROWS_PER_BATCH, complete
from components.ingest.sdss_cutouts.settings import Settings
from components.ingest.sdss_spectra.selection import draw
from components.physics.sdss_imaging import SCALE_ARCSEC

SUFFIXES = (".jpg", ".jpeg", ".png")


def find_pictures(folder: Path) -> list[Path]:
    """List the pictures below a folder, in order."""
    if not folder.is_dir():
        raise InputError(f"There is no folder {folder}.", "Set location to the folder that holds the pictures.")
    named = (f for f in folder.rglob("*") if f.suffix.lower() in SUFFIXES and not f.name.startswith("."))
    files = [f for f in named if f.is_file()]  # no folder of that name, and no link to nowhere
    if not files:
        raise InputError(
            f"There is no picture in {folder}.", f"Put files into it that end in {', '.join(SUFFIXES)}."
        )
    return sorted(files)


def open_folder(folder: Path, settings: Settings, rejections: Rejections) -> Source:
    """Label the pictures of a folder, and stream them.

    `labels.csv` has the columns `file` (relative to the folder) and `redshift`; of the others in
    `schema.SCALARS`, of `id`, `object_id` and of `run`, `camcol` and `field` it has what is known.
    """
    before = rejections if settings.part.is_first else Rejections()  # all shards choose, the first one tells
    files = {path.relative_to(folder).as_posix(): path for path in find_pictures(folder)}
    labels = _match(read_labels(folder / LABELS, "file"), files, before)
    reasons = reasons_against(labels, settings)
    for reason, rows in labels[reasons != ""].groupby(reasons[reasons != ""]):
        before.add_many(rows["file"], str(reason), DETAILS[str(reason)])
    wanted = labels[reasons == ""].reset_index(drop=True)
    drawn = draw(len(wanted), settings.rows, settings.seed)
    before.add_many(
        wanted["file"][~np.isin(np.arange(len(wanted)), drawn)], "not drawn", "more than were asked for"
    )
    chosen = wanted.iloc[drawn].reset_index(drop=True)
    given = chosen["object_id"] if "object_id" in chosen else pd.Series(np.nan, index=chosen.index)
    grouped = with_groups(chosen)
    grouped["object_id"] = given.where(given.notna(), grouped["object_id"])
    mine = settings.part.rows(len(grouped), ROWS_PER_BATCH)
    own = grouped.iloc[mine.start : mine.stop]
    provenance = Provenance(
        origin="real",
        archive=f"folder {folder}",
        query=f"redshift {settings.minimum_redshift} to {settings.maximum_redshift}; r up to "
        f"{settings.maximum_magnitude:g}; rows {settings.rows or 'all'}",
        retrieved_at=datetime.now(UTC).isoformat(timespec="seconds"),
        seed=settings.seed,
        notes=(
            f"Redshifts are those of {LABELS}.",
            f"Pictures are taken to have SDSS's pixels of {SCALE_ARCSEC} arcsec and SkyServer's colours.",
        ),
    )
    asked = len(own) + len(rejections)
    return Source(provenance, asked, _stream(own, files, settings.size, rejections))


def _match(labels: pd.DataFrame, files: dict[str, Path], rejections: Rejections) -> pd.DataFrame:
    """Keep the labels that have a file; a file without label, and a label without file, are told."""
    known = labels["file"].isin(list(files))
    rejections.add_many(labels["file"][~known], "no file", f"{LABELS} names it, but it is not there")
    without = sorted(set(files) - set(labels["file"]))
    rejections.add_many(without, "no label", f"{LABELS} does not name it")
    kept = labels[known].reset_index(drop=True)
    names = kept["file"].map(lambda name: Path(name).with_suffix("").as_posix())  # those of a subfolder with it
    return kept.assign(id=kept["id"].fillna(names) if "id" in kept else names)


def _stream(labels: pd.DataFrame, files: dict[str, Path], size: int, rejections: Rejections) -> Iterator[Columns]:
    for start in range(0, len(labels), ROWS_PER_BATCH):
        part = labels.iloc[start : start + ROWS_PER_BATCH]
        yield from read_batch(part, [files[name] for name in part["file"]], size, rejections)


def read_batch(labels: pd.DataFrame, paths: list[Path], size: int, rejections: Rejections) -> Iterator[Columns]:
    """Read the pictures of rows and yield those that can be used, if any, as one batch."""
    images, rows = [], []
    for row, path in enumerate(paths):
        try:
            images.append(read_picture(path, size))
            rows.append(row)
        except UnusablePictureError as error:
            rejections.add(str(labels["id"].iloc[row]), error.reason, str(error))
    if rows:
        yield complete({**to_columns(labels.iloc[rows]), "image": np.stack(images)})
