"""Stars from a Gaia archive: asked by TAP, counted first, and refused when fewer arrive than there are."""

import hashlib
import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from components.common.errors import StoreError
from components.common.provenance import Provenance
from components.common.rejections import Rejections
from components.common.store import NotInStoreError, Store
from components.common.tables import Columns
from components.common.telemetry import warn
from components.ingest.gaia_stars.adql import conditions, count_query, shard_conditions, stars_query
from components.ingest.gaia_stars.files_source import serve
from components.ingest.gaia_stars.filling import fill
from components.ingest.gaia_stars.schema import NAMES, complete
from components.ingest.gaia_stars.settings import Settings
from components.ingest.gaia_stars.source import Source
from components.ingest.gaia_stars.table_file import from_astropy
from components.ingest.gaia_stars.tap import TapService, TruncatedError

_COUNT_ROWS = 1000


def open_archive(settings: Settings, rejections: Rejections) -> Source:
    """Ask for this shard's stars of the region.

    The number of stars is asked first. Services have limits that they do not always tell: an answer with another
    number of rows is an error. Where AWS_ENDPOINT_URL names a store, answers are kept there by their query.

    Raises
    ------
    ArchiveError
        When the service is down, ends the job, or cuts its answer.
    """
    region = settings.region
    assert region is not None  # the settings saw to it
    where = conditions(settings, region)
    own = [*where, *shard_conditions(region, settings.part)]
    columns = _kept(settings, stars_query(own)) or _asked(settings, own)
    filled = fill(columns, settings.archive_url, "dr3")
    provenance = Provenance(
        origin="real",
        archive=settings.archive_url,
        query=stars_query(where),
        release="Gaia DR3",
        retrieved_at=datetime.now(UTC).isoformat(timespec="seconds"),
        notes=(
            "Cut by the archive: stars without a RUWE or with larger errors than the limits never arrived.",
            *filled.notes,
        ),
    )
    whole = replace(settings, shard=0, shards=1)  # the query made the share already
    return serve(complete(filled.columns), whole, rejections, provenance, "dr3")


def _asked(settings: Settings, where: list[str]) -> Columns:
    service = TapService(settings.archive_url, settings.timeout_seconds)
    with service, tempfile.TemporaryDirectory(prefix="armillary-") as scratch:
        counted = service.ask(count_query(where), _COUNT_ROWS, Path(scratch))
        expected = int(next(iter(counted[0])))
        if not expected:
            return {name: np.empty(0) for name in NAMES}
        table = service.ask(stars_query(where), expected + 1, Path(scratch))
    if len(table) != expected:
        raise TruncatedError(
            f"{settings.archive_url} counts {expected} stars, but gave {len(table)} without a word.",
            "Ask for a smaller region or a brighter limit, or for more shards: the service has a row limit.",
        )
    names = {name.lower(): name for name in table.colnames}
    columns = {name: from_astropy(table[names[name]]) for name in NAMES if name in names}
    _keep(settings, stars_query(where), columns)
    return columns


def _key(settings: Settings, query: str) -> str:
    text = f"TAP {settings.archive_url} {query} {settings.data_version}"
    return f"archive/{hashlib.sha256(text.encode()).hexdigest()}"


def _kept(settings: Settings, query: str) -> Columns | None:
    """Return what the store kept of the same query, if anything."""
    store = Store.if_configured()
    if store is None:
        return None
    with tempfile.TemporaryDirectory(prefix="armillary-") as scratch:
        path = Path(scratch) / "stars.parquet"
        try:
            store.get_file(_key(settings, query), path)
            table = pq.read_table(path)
        except NotInStoreError:
            return None
        except (StoreError, pa.ArrowInvalid) as error:
            warn(f"The archive's cache is not used: {error}")
            return None
    return {name: table[name].to_numpy() for name in table.column_names}


def _keep(settings: Settings, query: str, columns: Columns) -> None:
    store = Store.if_configured()
    if store is None:
        return
    with tempfile.TemporaryDirectory(prefix="armillary-") as scratch:
        path = Path(scratch) / "stars.parquet"
        pq.write_table(pa.table(columns), path)
        try:
            store.put_file(path, _key(settings, query))
        except StoreError as error:
            warn(f"The archive's answer is not kept. {error}")
