"""Ask SkyServer by SQL, no faster than it wants, and never twice for the same."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pandas as pd

from components.common.archive import Archive, Request
from components.common.store import Store
from components.common.tables import Columns
from components.common.telemetry import warn
from components.ingest.galaxy_zoo.schema import PHOTOMETRY
from components.ingest.galaxy_zoo.settings import Settings
from components.ingest.galaxy_zoo.sql import PATH, photometry_query, read_answer, to_columns

REQUESTS_PER_MINUTE = 60.0
_TIMEOUT_SECONDS = 660.0  # the service itself gives up after 600


class SkyServer:
    """The service, for the time of one run.

    Parameters
    ----------
    archive : Archive
        How it is reached.
    scratch : Path
        Folder for answers.
    per_query : int
        Galaxies that are asked for at a time.
    """

    def __init__(self, archive: Archive, scratch: Path, per_query: int):
        self._archive, self._scratch, self._per_query = archive, scratch, per_query
        self.without = 0
        """Galaxies that it had no photometry of."""

    def ask(self, sql: str, needed: tuple[str, ...], most: int) -> pd.DataFrame:
        """Ask a question, and read the answer.

        Raises
        ------
        ArchiveError
            When it is no table, or not the one that was asked for.
        """
        address = f"{self._archive.base_url}/{PATH}"
        request = Request(f"{PATH}?cmd={quote(sql)}&format=csv", self._scratch / "answer.csv")
        request.destination.unlink(missing_ok=True)
        self._archive.obtain(request, partial(_check, address, needed, most))
        return read_answer(request.destination.read_bytes(), address, needed, most)

    def join(self, batch: Columns) -> Columns:
        """Add the photometry of galaxies; those that the service does not know stay without."""
        identifiers = batch["dr7objid"]
        wanted = np.unique(identifiers[identifiers > 0])
        answers = []
        for start in range(0, len(wanted), self._per_query):
            some = wanted[start : start + self._per_query].tolist()
            answers.append(to_columns(self.ask(photometry_query(some), ("dr7objid", "redshift"), 2 * len(some))))
        table = (
            {name: np.concatenate([answer[name] for answer in answers]) for name in answers[0]} if answers else {}
        )
        known, first = np.unique(table.get("dr7objid", np.empty(0, dtype=np.int64)), return_index=True)
        place = np.minimum(np.searchsorted(known, identifiers), max(len(known) - 1, 0))
        found = known[place] == identifiers if len(known) else np.zeros(len(identifiers), dtype=bool)
        self.without += int((~found).sum())
        rows = first[place] if len(known) else np.zeros(len(identifiers), dtype=np.int64)
        added = {n: np.where(found, table[n][rows], np.nan) for n in PHOTOMETRY if n in table and len(known)}
        return {**batch, **added}


@contextmanager
def skyserver(settings: Settings, store: Store | None) -> Iterator[SkyServer]:
    """Open the service for a run."""
    with (
        Archive(
            settings.skyserver_url,
            store,
            requests_per_minute=REQUESTS_PER_MINUTE,
            timeout_seconds=_TIMEOUT_SECONDS,
            version=settings.data_version,
            sharers=settings.shards,
        ) as archive,
        tempfile.TemporaryDirectory(prefix="armillary-") as scratch,
    ):
        yield SkyServer(archive, Path(scratch), settings.objects_per_query)


def store_if_there() -> Store | None:
    """Return the store of the environment; without one, say what an interruption costs."""
    store = Store.if_configured()
    if store is None:
        warn("No store is configured (AWS_ENDPOINT_URL): an interrupted download begins anew.")
    return store


def _check(address: str, needed: tuple[str, ...], most: int, path: Path) -> None:
    read_answer(path.read_bytes(), address, needed, most)
