"""The table of Hart et al. (2016) from its address, with photometry from SkyServer."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from components.common.archive import Archive, Request, store_if_there
from components.common.errors import ParameterError
from components.common.provenance import Provenance
from components.common.tables import Columns
from components.ingest.galaxy_zoo.files_source import photometry_file, stream
from components.ingest.galaxy_zoo.settings import Settings
from components.ingest.galaxy_zoo.skyserver import skyserver
from components.ingest.galaxy_zoo.source import Source
from components.ingest.galaxy_zoo.sql import photometry_query
from components.ingest.galaxy_zoo.table_stream import SUFFIXES

_TIMEOUT_SECONDS = 120.0


def open_archive(settings: Settings) -> Source:
    """Fetch the table whole, then stream its rows, and ask SkyServer for the galaxies of each piece.

    Where AWS_ENDPOINT_URL names a store, the table and all answers are kept there: a run that was interrupted goes
    on where it was.

    Raises
    ------
    ArchiveError
        When an archive is down, or answers with something that is no table.
    InputError
        When the table lacks dr7objid or gz2_class.
    """
    base, _, name = settings.table_url.rpartition("/")
    if not name.lower().split("?")[0].removesuffix(".gz").endswith(SUFFIXES):
        raise ParameterError(
            f"table_url {settings.table_url} names no table.",
            f"Give one that ends in {', '.join(SUFFIXES)}, also .gz.",
        )
    stack, store = ExitStack(), store_if_there()
    scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="armillary-")))
    try:
        with Archive(
            base, store, timeout_seconds=_TIMEOUT_SECONDS, version=settings.data_version, sharers=settings.shards
        ) as archive:
            receipt = archive.obtain(Request(name, scratch / name.split("?")[0]))
        service = None
        if settings.skyserver_url and not settings.photometry:
            service = stack.enter_context(skyserver(settings, store))
        provenance = Provenance(
            origin="real",
            archive=f"{settings.table_url} and {settings.photometry or settings.skyserver_url or 'no photometry'}",
            query=photometry_query([0]) if service else settings.photometry,
            release="Galaxy Zoo 2 after Hart et al. (2016)",
            retrieved_at=datetime.now(UTC).isoformat(timespec="seconds"),
            sha256=receipt.sha256,
            notes=(
                "gz2_class sums up votes of volunteers, who miss bars and arms of small galaxies.",
                "Photometry comes by way of zoo2MainSpecz: galaxies without a spectrum have none.",
            ),
        )
        table = scratch / name.split("?")[0]
        source = stream([table], settings, provenance, service or photometry_file(settings))
    except BaseException:
        stack.close()
        raise

    def batches() -> Iterator[Columns]:
        with stack:
            yield from source.batches

    return replace(source, batches=batches())
