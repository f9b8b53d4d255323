"""Ask SkyServer by SQL, no faster than it wants, and never twice for the same."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd

from components.common.archive import Archive
from components.common.store import Store
from components.common.tables import Columns
from components.common.telemetry import warn
from components.ingest.galaxy_zoo.settings import Settings
from components.ingest.galaxy_zoo.sql import photometry_query, to_columns
from components.ingest.skyserver import Expected, ask, open_service

_REMEDY = "Run again later, or set objects_per_query to fewer galaxies at a time."
_TEXT = ("dr7objid", "gz2class", "sample", "rastring", "decstring")


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
        self._without = 0

    def ask(self, sql: str, needed: tuple[str, ...], most: int, may_be_empty: bool = False) -> pd.DataFrame:
        """Ask a question, and read the answer.

        Raises
        ------
        ArchiveError
            When it is no table, or not the one that was asked for.
        """
        answer = self._scratch / "answer.csv"
        answer.unlink(missing_ok=True)
        return ask(self._archive, sql, answer, Expected(needed, _REMEDY, most, _TEXT, may_be_empty))

    def join(self, batch: Columns) -> Columns:
        """Add the photometry of galaxies; those that the service does not know stay without."""
        identifiers = batch["dr7objid"]
        wanted = np.unique(identifiers[identifiers > 0])
        answers = []
        for start in range(0, len(wanted), self._per_query):
            some = wanted[start : start + self._per_query].tolist()
            table = self.ask(photometry_query(some), ("dr7objid", "z"), 2 * len(some), may_be_empty=True)
            if len(table):  # an empty one has not even all columns
                answers.append(to_columns(table))
        columns = (
            {name: np.concatenate([answer[name] for answer in answers]) for name in answers[0]} if answers else {}
        )
        known, first = np.unique(columns.get("dr7objid", np.empty(0, dtype=np.int64)), return_index=True)
        place = np.minimum(np.searchsorted(known, identifiers), max(len(known) - 1, 0))
        found = known[place] == identifiers if len(known) else np.zeros(len(identifiers), dtype=bool)
        self._without += int((~found).sum())
        rows = first[place] if len(known) else np.zeros(len(identifiers), dtype=np.int64)
        added = {n: np.where(found, v[rows], np.nan) for n, v in columns.items() if n != "dr7objid" and len(known)}
        return {**batch, **added}

    def tell(self) -> None:
        """Warn of galaxies that it had no photometry of."""
        if self._without:
            warn(f"SkyServer has no photometry of {self._without} galaxies: it stays missing.")


@contextmanager
def skyserver(settings: Settings, store: Store | None) -> Iterator[SkyServer]:
    """Open the service for a run."""
    with open_service(settings, store) as archive, tempfile.TemporaryDirectory(prefix="armillary-") as scratch:
        yield SkyServer(archive, Path(scratch), settings.objects_per_query)
