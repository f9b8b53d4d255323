"""Spectra in a folder, with labels from a table beside them or from the files themselves."""

import re
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
from components.ingest.sdss_spectra.batches import SPECTRA_PER_BATCH, keep_rejected, read_spectra
from components.ingest.sdss_spectra.fits_table import UnusableFileError
from components.ingest.sdss_spectra.objects import group_objects
from components.ingest.sdss_spectra.schema import CLASSES, UNKNOWN
from components.ingest.sdss_spectra.selection import DUPLICATE, NOT_DRAWN, draw, reject, unwanted
from components.ingest.sdss_spectra.settings import Settings
from components.ingest.sdss_spectra.spec_file import read_metadata

LABELS = "labels.csv"
_FITS = re.compile(r"\.(fits?|fits?\.gz)$", re.IGNORECASE)
_FROM_LABELS = ("spectral_class", "redshift", "zwarning")


def find_spectra(folder: Path) -> list[Path]:
    """List the spectra below a folder: FITS, plain or .gz, and SkyServer's CSV files, named `*spec*`."""
    if not folder.is_dir():
        raise InputError(f"There is no folder {folder}.", "Set location to the folder that holds the spectra.")
    files = [f for f in folder.rglob("*") if _FITS.search(f.name) and not f.name.startswith(".") and f.is_file()]
    files += [f for f in folder.rglob("*spec*.csv") if f.name != LABELS]
    if not files:
        raise InputError(
            f"There is no spectrum in {folder}.", "Put files such as spec-3655-55240-0026.fits into it."
        )
    return sorted(files)


def open_folder(folder: Path, settings: Settings, rejections: Rejections) -> Source:
    """Find the spectra of a folder, label them, and stream them.

    The redshift is that of `labels.csv` (columns `file` and `redshift`, besides `class`, `zwarning`, `ra`, `dec`)
    where there is one, else the survey pipeline's in each file; `redshift_source` says which.

    The files' metadata are read first, so that all spectra of an object are known before the first is written.
    """
    before = rejections if settings.part.is_first else Rejections()  # all shards choose, the first one tells
    wanted = _wanted(folder, settings, before)
    mine = settings.part.rows(len(wanted), SPECTRA_PER_BATCH)
    provenance = Provenance(
        origin="real",
        archive=f"folder {folder}",
        query=f"classes {', '.join(settings.classes)}; redshift {settings.minimum_redshift} to "
        f"{settings.maximum_redshift}; rows {settings.rows or 'all'}",
        retrieved_at=datetime.now(UTC).isoformat(timespec="seconds"),
        seed=settings.seed,
        notes=(_label_note(folder / LABELS),),
    )
    own = wanted.iloc[mine.start : mine.stop]
    return Source(provenance, len(own) + len(rejections), _stream(own, rejections))


def check_folder(folder: Path, classes: tuple[str, ...]) -> None:
    """Raise what reading the folder would raise, from its labels and the files' headers alone.

    Where several classes are to be told apart, spectra of one of them alone are of no use either.
    """
    rejections = Rejections()
    wanted = _wanted(folder, Settings(source="files", location=str(folder), classes=classes), rejections)
    if wanted.empty:
        raise _none_usable(folder, rejections)
    there = set(wanted["spectral_class"])
    if len(there) < min(2, len(classes)):
        raise InputError(
            f"{folder} holds one class only: {', '.join(there)}.",
            f"Give spectra of at least two of {', '.join(classes)}, labelled in {LABELS} or by the files.",
        )


def read_folder(folder: Path, settings: Settings) -> tuple[Columns, Rejections]:
    """Read all wanted spectra of a folder into memory, for a validation set of a few thousand at most."""
    rejections = Rejections()
    batches = list(open_folder(folder, settings, rejections).batches)
    if not batches:
        raise _none_usable(folder, rejections)
    return {name: np.concatenate([b[name] for b in batches]) for name in batches[0]}, rejections


def _wanted(folder: Path, settings: Settings, rejections: Rejections) -> pd.DataFrame:
    """List the spectra of a folder that are wanted, labelled; the others are recorded with their reasons."""
    files = find_spectra(folder)
    table = _metadata(files, rejections)
    labels = folder / LABELS
    if labels.is_file():
        table = _label(table, _read_labels(labels), folder, files, rejections)
    return _select(table, settings, rejections)


def _none_usable(folder: Path, rejections: Rejections) -> InputError:
    return InputError(
        f"None of the spectra in {folder} can be used: {rejections.in_words}.",
        "Check classes, redshift range and files.",
    )


def _metadata(files: list[Path], rejections: Rejections) -> pd.DataFrame:
    rows, errors = [], []
    for path in files:
        try:
            rows.append({"path": path, **vars(read_metadata(path))})
        except UnusableFileError as error:
            rejections.add(path.name, error.reason, str(error))
            errors.append(error)
    if not rows:
        raise InputError(
            f"None of the {len(files)} spectra can be used: {rejections.in_words}. {errors[0].problem}",
            errors[0].remedy,
        )
    table = pd.DataFrame(rows)
    table["name"] = [path.name for path in table["path"]]
    table["redshift_source"] = np.where(table["redshift"].notna(), "Z_PIPE", "")
    return table


def _read_labels(path: Path) -> pd.DataFrame:
    try:
        # Without index_col=False, commas at the ends of the lines would shift all columns by one.
        labels = pd.read_csv(path, skipinitialspace=True, comment="#", index_col=False)
    except (ValueError, OSError) as error:
        raise InputError(
            f"{path} cannot be read as CSV: {error}.", "Write it with a header line and commas."
        ) from error
    labels.columns = labels.columns.str.strip().str.lower()
    labels = labels.loc[:, ~labels.columns.duplicated()]
    if {"r", "i"} <= set(labels.columns):
        labels = labels.drop(columns="z", errors="ignore")  # among magnitudes, z is one of them and no redshift
    for theirs, ours in (("class", "spectral_class"), ("z", "redshift")):
        if ours not in labels:
            labels = labels.rename(columns={theirs: ours})
    if not {"file", "redshift"} <= set(labels.columns):
        raise InputError(
            f"{path} has columns {', '.join(labels.columns)}, but not file and redshift.",
            "Name the columns file, class, redshift.",
        )
    labels["file"] = labels["file"].astype(str).str.strip()
    for name in ("redshift", "zwarning", "ra", "dec"):
        if name in labels:
            labels[name] = pd.to_numeric(labels[name], errors="coerce")  # "-" and the like mean: none
    if "spectral_class" in labels:
        text = labels["spectral_class"].astype(str).str.strip().str.upper()
        labels["spectral_class"] = text.where(text.isin(CLASSES), UNKNOWN)
    return labels


def _label(
    table: pd.DataFrame, labels: pd.DataFrame, folder: Path, files: list[Path], rejections: Rejections
) -> pd.DataFrame:
    """Join labels to files by name, or by path within the folder."""
    twice = labels.duplicated("file")
    rejections.add_many(labels.loc[twice, "file"], DUPLICATE, f"named twice in {LABELS}: the first counts")
    labels = labels[~twice]
    names = {f.name for f in files} | {f.relative_to(folder).as_posix() for f in files}
    absent = ~labels["file"].isin(names)
    rejections.add_many(labels.loc[absent, "file"], "no file", f"named in {LABELS}, but not in {folder}")
    within = pd.Series([p.relative_to(folder).as_posix() for p in table["path"]], index=table.index)
    key = within.where(within.isin(labels["file"]), table["name"])
    unlabelled = ~key.isin(labels["file"])
    rejections.add_many(table.loc[unlabelled, "name"], "no label", f"not named in {LABELS}")
    table = table[~unlabelled].copy()
    found = labels.set_index("file").loc[key[~unlabelled]]
    for name in _FROM_LABELS:
        if name in found:
            table[name] = found[name].to_numpy()
    for name in ("ra", "dec"):
        if name in found:
            table[name] = table[name].fillna(pd.Series(found[name].to_numpy(), index=table.index))
    table["zwarning"] = table["zwarning"].fillna(0).astype(np.int64)
    table["redshift_source"] = LABELS
    return table


def _select(table: pd.DataFrame, settings: Settings, rejections: Rejections) -> pd.DataFrame:
    copies = pd.Series(np.where(table.duplicated("id"), DUPLICATE, ""), index=table.index)
    table = reject(table, copies, "name", rejections)
    table = reject(table, unwanted(table, settings), "name", rejections)
    drawn = draw(len(table), settings.rows, settings.seed)
    left_out = pd.Series(NOT_DRAWN, index=table.index)
    left_out.iloc[drawn] = ""
    table = reject(table, left_out, "name", rejections)
    ids, things = table["id"].to_numpy(dtype=object), table["thing_id"].to_numpy()
    return table.assign(object_id=group_objects(ids, things, table["ra"].to_numpy(), table["dec"].to_numpy()))


def _stream(table: pd.DataFrame, rejections: Rejections) -> Iterator[Columns]:
    for start in range(0, len(table), SPECTRA_PER_BATCH):
        part = table.iloc[start : start + SPECTRA_PER_BATCH].set_index("path")
        reading = read_spectra(list(part.index))
        keep_rejected(reading, rejections)
        if not reading.files:
            continue
        labels = part.loc[reading.files]
        names = ("object_id", "spectral_class", "redshift", "redshift_source", "zwarning", "ra", "dec")
        yield {**reading.columns, **{name: labels[name].to_numpy() for name in names}}


def _label_note(labels: Path) -> str:
    if labels.is_file():
        return f"Redshifts and classes are those of {labels.name}."
    return "Redshifts and classes are the survey pipeline's own (Z, CLASS): good, but no ground truth."
