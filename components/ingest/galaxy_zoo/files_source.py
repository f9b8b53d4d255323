"""Galaxies from files: votes, photometry or both, joined by dr7objid."""

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Protocol

import numpy as np

from components.common.errors import InputError
from components.common.provenance import Provenance
from components.common.tables import Columns
from components.common.telemetry import warn
from components.ingest.galaxy_zoo.derived import derive
from components.ingest.galaxy_zoo.schema import GALAXIES_PER_GROUP, PHOTOMETRY
from components.ingest.galaxy_zoo.settings import Settings
from components.ingest.galaxy_zoo.source import Source
from components.ingest.galaxy_zoo.table_stream import SUFFIXES, TableStream


class Photometry(Protocol):
    """Where the photometry of galaxies is looked up."""

    def join(self, batch: Columns) -> Columns:
        """Add what is known of galaxies."""
        ...

    def tell(self) -> None:
        """Warn of those of which nothing was."""
        ...


def open_files(settings: Settings) -> Source:
    """Open files, the rows of all of them in turn.

    Raises
    ------
    InputError
        When a file is missing, of no known format, or lacks dr7objid or gz2_class.
    """
    paths = paths_of(settings.location)
    provenance = Provenance(
        origin="real",
        archive="files: " + ", ".join(path.name for path in paths),
        query=settings.location,
        retrieved_at=datetime.now(UTC).isoformat(timespec="seconds"),
        sha256=_hash(paths),
        notes=(
            "Whoever made these files knows where the galaxies are from; the table takes them for real ones.",
            "gz2_class sums up votes of volunteers, who miss bars and arms of small galaxies.",
        ),
    )
    return stream(paths, settings, provenance, photometry_file(settings))


def stream(paths: list[Path], settings: Settings, provenance: Provenance, photometry: Photometry | None) -> Source:
    """Serve this shard's rows of tables on the disk, joined with photometry."""
    tables = [TableStream(path) for path in paths]
    total = sum(table.count() for table in tables)
    total = min(total, settings.rows) if settings.rows else total
    mine = settings.part.rows(total, GALAXIES_PER_GROUP)
    before = mine.start // GALAXIES_PER_GROUP if len(mine) else 0

    def batches() -> Iterator[Columns]:
        rows = _limited(_regrouped(tables), mine.stop if len(mine) else 0)
        for number, batch in enumerate(rows):
            # What belongs to shards before this one is only looked through for doubles.
            if number < before:
                yield batch
            else:
                yield derive(photometry.join(batch) if photometry else batch)
        if photometry:
            photometry.tell()

    return Source(provenance, batches(), len(mine), skipped=before)


class PhotometryFile:
    """A file with the photometry of galaxies by dr7objid."""

    def __init__(self, path: Path):
        self._path, self._found, self._without = path, 0, 0
        self._table = read_whole(path)
        self._order = np.argsort(self._table["dr7objid"], kind="stable")
        self._known = self._table["dr7objid"][self._order]

    def join(self, batch: Columns) -> Columns:
        """Add the photometry of galaxies; those that the file lacks keep what they have."""
        identifiers = batch["dr7objid"]
        place = np.minimum(np.searchsorted(self._known, identifiers), len(self._known) - 1)
        found, rows = self._known[place] == identifiers, self._order[place]
        self._found += int(found.sum())
        self._without += int((~found).sum())
        known = {name: values for name, values in self._table.items() if name in PHOTOMETRY}
        return {**batch, **{n: np.where(found, v[rows], batch.get(n, np.nan)) for n, v in known.items()}}

    def tell(self) -> None:
        """Warn of galaxies that had none."""
        if self._without:
            none = " It has none of any: objid of later releases than DR7 is another number." * (not self._found)
            warn(f"{self._path} has no photometry of {self._without} galaxies: it stays missing.{none}")


def photometry_file(settings: Settings) -> PhotometryFile | None:
    """Return the file that the settings name, if they do."""
    return PhotometryFile(Path(settings.photometry).expanduser()) if settings.photometry else None


def read_whole(path: Path, needed: tuple[str, ...] = ("dr7objid",)) -> Columns:
    """Read a table of galaxies into memory, with what can be derived: for photometry, and for predictions."""
    if not path.is_file():
        raise InputError(f"There is no file {path}.", "Give a CSV, FITS or Parquet file of galaxies.")
    table = TableStream(path, needed)
    pieces = list(table.batches(GALAXIES_PER_GROUP))
    if not pieces:
        raise InputError(f"{path} has no rows.", "Give a file with galaxies in it.")
    return derive({name: np.concatenate([piece[name] for piece in pieces]) for name in pieces[0]})


def paths_of(location: str) -> list[Path]:
    """Resolve a location: a file, a folder of them, or several separated by commas."""
    paths: list[Path] = []
    for text in (part.strip() for part in location.split(",")):
        path = Path(text).expanduser()
        if path.is_dir():
            found = sorted(p for p in path.iterdir() if p.name.lower().removesuffix(".gz").endswith(SUFFIXES))
            if not found:
                raise InputError(f"There is no table in {path}.", f"Put files there that end in {SUFFIXES}.")
            paths += found
        elif path.is_file():
            paths.append(path)
        else:
            raise InputError(f"There is no file {path}.", "Set location to a file, or to a folder of files.")
    return paths


def _regrouped(tables: list[TableStream]) -> Iterator[Columns]:
    """Yield the rows of all tables in pieces of one size, so that shards are cut in the same places."""
    held: Columns = {}
    for table in tables:
        for batch in table.batches(GALAXIES_PER_GROUP):
            held = _appended(held, batch) if held else batch
            while len(held["dr7objid"]) >= GALAXIES_PER_GROUP:
                yield {name: values[:GALAXIES_PER_GROUP] for name, values in held.items()}
                held = {name: values[GALAXIES_PER_GROUP:] for name, values in held.items()}
    if held and len(held["dr7objid"]):
        yield held


def _appended(held: Columns, more: Columns) -> Columns:
    """Append rows; a column that one of the two lacks has no values there."""
    out = {}
    for name in dict.fromkeys([*held, *more]):
        parts = [part[name] if name in part else _nothing(part, (held | more)[name]) for part in (held, more)]
        out[name] = np.concatenate(parts)
    return out


def _nothing(part: Columns, like: np.ndarray) -> np.ndarray:
    rows = len(part["dr7objid"])
    return np.full(rows, "", dtype=object) if like.dtype == object else np.full(rows, np.nan)


def _limited(batches: Iterator[Columns], rows: int) -> Iterator[Columns]:
    """Yield the first rows."""
    whole, rest = divmod(rows, GALAXIES_PER_GROUP)
    yield from islice(batches, whole)
    if rest and (last := next(batches, None)) is not None:
        yield {name: values[:rest] for name, values in last.items()}


def _hash(paths: list[Path]) -> str:
    """Return the hash of the file, where it is one."""
    if len(paths) != 1:
        return ""
    with paths[0].open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
