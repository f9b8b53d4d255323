"""SkyServer's own table of Galaxy Zoo 2, zoo2MainSpecz: votes, spectra and photometry in one answer."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime

from components.common.archive import store_if_there
from components.common.errors import ArchiveError
from components.common.provenance import Provenance
from components.common.tables import Columns
from components.ingest.galaxy_zoo.derived import derive
from components.ingest.galaxy_zoo.schema import GALAXIES_PER_GROUP
from components.ingest.galaxy_zoo.settings import Settings
from components.ingest.galaxy_zoo.skyserver import skyserver
from components.ingest.galaxy_zoo.source import Source
from components.ingest.galaxy_zoo.sql import count_query, to_columns, votes_query
from components.ingest.skyserver import RELEASE
from components.physics.gz2_tasks import VOTE_COLUMNS

_NEEDED = ("dr7objid", "gz2class", "z", *VOTE_COLUMNS)


def open_skyserver(settings: Settings) -> Source:
    """Count the rows, then ask for them a row group at a time, in the order of dr7objid.

    Raises
    ------
    ArchiveError
        When the service is down, ends a query, or answers with fewer rows than it has.
    """
    stack = ExitStack()
    try:
        service = stack.enter_context(skyserver(settings, store_if_there()))
        total = int(service.ask(count_query(), ("number",), 1)["number"].iloc[0])
    except BaseException:
        stack.close()
        raise
    total = min(total, settings.rows) if settings.rows else total
    mine = settings.part.rows(total, GALAXIES_PER_GROUP)
    provenance = Provenance(
        origin="real",
        archive=settings.skyserver_url,
        query=votes_query(0, total),
        release=RELEASE.upper(),
        retrieved_at=datetime.now(UTC).isoformat(timespec="seconds"),
        notes=(
            "Votes are debiased after Willett et al. (2013), not after Hart et al. (2016): some galaxies have "
            "another class than in the newer table.",
            "gz2_class sums up votes of volunteers, who miss bars and arms of small galaxies.",
        ),
    )

    def batches() -> Iterator[Columns]:
        with stack:
            for first in range(mine.start, mine.stop, GALAXIES_PER_GROUP):
                rows = min(GALAXIES_PER_GROUP, mine.stop - first)
                answer = service.ask(votes_query(first, rows), _NEEDED, rows)
                if len(answer) != rows:
                    raise ArchiveError(
                        f"SkyServer gave {len(answer)} rows from row {first} of {total}, where {rows} should be.",
                        "Run again: the table may have changed meanwhile.",
                    )
                yield derive(to_columns(answer))

    return Source(provenance, batches(), len(mine), first_row=mine.start)
