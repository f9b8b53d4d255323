"""Pictures to predict for: files with what is known of them, or positions whose pictures an archive has."""

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from components.common.archive import Archive, NotInArchiveError
from components.common.archive_files import Request as Download
from components.common.errors import InputError
from components.common.rejections import Rejections
from components.common.store import Store
from components.common.tables import Columns, open_table, read_batches, read_table
from components.common.telemetry import report_progress
from components.ingest.sdss_cutouts.files_source import SUFFIXES, find_pictures
from components.ingest.sdss_cutouts.label_file import LABELS, read_labels, rename
from components.ingest.sdss_cutouts.labels import to_columns
from components.ingest.sdss_cutouts.pictures import UnusablePictureError, read_picture, require_picture
from components.ingest.sdss_cutouts.schema import NAMES, ROWS_PER_BATCH, complete
from components.ingest.sdss_cutouts.skyserver import picture_path
from components.ingest.skyserver import REQUESTS_PER_MINUTE
from components.physics.sdss_imaging import BANDS

TABLES = (".csv", ".parquet")

_NUMBERS = ("ra", "dec", "redshift", *(f"{name}_{band}" for name in ("mag", "extinction") for band in BANDS))


@dataclass(frozen=True)
class Request:
    """Some pictures that are wanted.

    Attributes
    ----------
    labels : DataFrame
        Column `id`, and of those of the ingest stage what is known.
    files : list of Path, or None
        Their files; None where they are to be fetched by position.
    table : Path or None
        A table of an ingest stage, which holds the pictures themselves: of flux there are no picture files.
    """

    labels: pd.DataFrame
    files: list[Path] | None
    table: Path | None = None


def find_requests(inputs: Sequence[Path]) -> list[Request]:
    """Sort out what was given: pictures, folders of pictures, tables of positions, and ingested tables.

    Raises
    ------
    InputError
        When there is neither, or a table has no positions.
    """
    files: list[Path] = []
    tables: list[Path] = []
    for path in inputs:
        if path.is_dir():
            files += find_pictures(path)
        elif path.suffix.lower() in TABLES and path.name != LABELS:
            tables.append(path)
        elif path.suffix.lower() in SUFFIXES:
            files.append(path)
        elif path.name != LABELS:  # which comes with * on a command line
            raise InputError(
                f"{path} is neither a picture nor a table of positions.",
                f"Give files that end in {', '.join((*SUFFIXES, *TABLES))}, or folders of pictures.",
            )
    if not files and not tables:
        raise InputError(
            "There is no picture to predict for.", "Name pictures, a folder of them, or a table with ra and dec."
        )
    requests = [Request(_labels_of(files), files)] if files else []
    return requests + [_ingested(path) or Request(_positions(path), None) for path in tables]


def read_requests(
    requests: Iterable[Request], size: int, rejections: Rejections, skyserver_url: str
) -> Iterator[tuple[Columns, list[str]]]:
    """Yield pictures, as columns of the ingest stage, and the names of their files, in batches.

    Parameters
    ----------
    requests : iterable of Request
        What is wanted.
    size : int
        Pixels along each side.
    rejections : Rejections
        Gets what cannot be had or read.
    skyserver_url : str
        Base address of the archive.
    """
    for request in requests:
        if request.table is not None:
            for batch in read_batches(request.table):
                yield batch, [str(request.table)] * len(batch["id"])
            continue
        for start in range(0, len(request.labels), ROWS_PER_BATCH):
            part = request.labels.iloc[start : start + ROWS_PER_BATCH].reset_index(drop=True)
            if request.files is not None:
                found = request.files[start : start + ROWS_PER_BATCH]
                yield from _read(part, dict(enumerate(found)), size, rejections, [str(path) for path in found])
            else:
                with tempfile.TemporaryDirectory(prefix="armillary-") as scratch:
                    fetched = _fetch(part, size, Path(scratch), rejections, skyserver_url)
                    yield from _read(part, fetched, size, rejections, [""] * len(part))


def _read(
    labels: pd.DataFrame, files: dict[int, Path], size: int, rejections: Rejections, names: Sequence[str]
) -> Iterator[tuple[Columns, list[str]]]:
    images, rows = [], []
    for row, path in files.items():
        try:
            images.append(read_picture(path, size))
            rows.append(row)
        except UnusablePictureError as error:
            rejections.add(str(labels["id"].iloc[row]), error.reason, str(error))
    if rows:
        columns = complete({**to_columns(labels.iloc[rows]), "image": np.stack(images)})
        yield columns, [names[row] for row in rows]


def _fetch(
    labels: pd.DataFrame, size: int, folder: Path, rejections: Rejections, skyserver_url: str
) -> dict[int, Path]:
    """Fetch the pictures of positions; what cannot be had is rejected."""
    wanted = {
        folder / f"{row:06d}-{size}.jpg": (row, picture_path(ra, dec, size))
        for row, (ra, dec) in enumerate(labels[["ra", "dec"]].to_numpy(dtype=np.float64))
    }
    downloads = [Download(address, path) for path, (_, address) in wanted.items()]
    files: dict[int, Path] = {}
    with Archive(skyserver_url, Store.if_configured(), requests_per_minute=REQUESTS_PER_MINUTE) as archive:
        for fetched in archive.fetch_many(downloads, check=require_picture):
            row, _ = wanted[fetched.request.destination]
            if fetched.error is None:
                files[row] = fetched.request.destination
            else:
                absent = isinstance(fetched.error, NotInArchiveError)
                reason = "not in archive" if absent else "download failed"
                rejections.add(str(labels["id"].iloc[row]), reason, str(fetched.error))
            report_progress(len(files), len(labels), "pictures fetched")
    return dict(sorted(files.items()))


def _labels_of(files: Sequence[Path]) -> pd.DataFrame:
    """Look up what a `labels.csv` beside the pictures, or in the folder above them, knows of them."""
    known: dict[Path, dict[str, dict[str, object]]] = {}
    rows = []
    for path in files:
        row: dict[str, object] = {"id": path.stem}
        for folder in (path.parent, path.parent.parent):
            if folder not in known:
                known[folder] = _read_folder(folder)
            if (name := path.relative_to(folder).as_posix()) in known[folder]:
                row |= known[folder][name]
                break
        rows.append(row)
    return _with_numbers(pd.DataFrame(rows))


def _read_folder(folder: Path) -> dict[str, dict[str, object]]:
    if not (folder / LABELS).is_file():
        return {}
    labels = read_labels(folder / LABELS, "file", needed=()).drop_duplicates("file")
    return {
        str(row.pop("file")): {str(name): value for name, value in row.items() if pd.notna(value)}
        for row in labels.to_dict("records")
    }


def _ingested(path: Path) -> Request | None:
    """Return the pictures of an ingested table; None where a file is none."""
    if path.suffix.lower() != ".parquet":
        return None
    with open_table(path) as file:
        names = set(file.schema_arrow.names)
    if not {*NAMES, "image"} <= names:
        return None
    return Request(pd.DataFrame({"id": read_table(path, ["id"])["id"]}), None, path)


def _positions(path: Path) -> pd.DataFrame:
    try:
        is_parquet = path.suffix.lower() == ".parquet"
        table = pd.read_parquet(path) if is_parquet else pd.read_csv(path, comment="#", dtype=str, index_col=False)
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read: {error}.", "Give a CSV file with a header line.") from error
    table = rename(table)
    if missing := sorted({"ra", "dec"} - set(table.columns)):
        raise InputError(
            f"{path} has columns {', '.join(table.columns)}, but not {' and '.join(missing)}.",
            "Name the positions ra and dec, in degrees; mag_u to mag_z and extinction_u to extinction_z help.",
        )
    found = _with_numbers(table)
    wrong = ~(found["ra"].between(0, 360) & found["dec"].between(-90, 90))
    if wrong.any():
        raise InputError(
            f"{path} has {int(wrong.sum())} rows without a position, the first is {int(wrong.idxmax()) + 1}.",
            "Give ra from 0 to 360 and dec from -90 to 90 degrees.",
        )
    numbered = pd.Series([f"{path.stem}-{number + 1}" for number in range(len(found))], index=found.index)
    given = found["id"] if "id" in found else pd.Series(np.nan, index=found.index)
    return found.assign(id=given.astype(object).where(given.notna(), numbered).astype(str))


def _with_numbers(table: pd.DataFrame) -> pd.DataFrame:
    known = {name: pd.to_numeric(table[name], errors="coerce") for name in _NUMBERS if name in table}
    missing = {name: np.full(len(table), np.nan) for name in _NUMBERS if name not in table}
    return table.assign(**known, **missing)
