"""SkyServer, the SQL service of SDSS: how it is asked, and what its answers may be.

It cuts an answer off at 500,000 rows without a word, ends queries after ten minutes, and refuses addresses whose
query is longer than 2048 characters (github.com/astropy/astroquery/issues/2211). All three are avoided by asking
for little at a time, and recognised where they happen all the same.
https://skyserver.sdss.org/dr17/SkyServerWS/SearchTools/SqlSearch
"""

import hashlib
import io
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol
from urllib.parse import quote_plus

import pandas as pd

from components.common.archive import Archive, Request
from components.common.errors import ArchiveError, ParameterError
from components.common.store import Store
from components.common.telemetry import report_progress

RELEASE = "dr17"
SQL_PATH = f"{RELEASE}/SkyServerWS/SearchTools/SqlSearch"
ROW_LIMIT = 500_000
LONGEST_QUERY = 2048
REQUESTS_PER_MINUTE = 60.0

_TIMEOUT_SECONDS = 660.0  # the service itself gives up after 600
_NOTHING = "No objects have been found"
_COLUMNS_NAMED = 5
_PLAIN = "(),*=':"
"""Need no escape in the query of an address (RFC 3986), and would take three characters with one."""


class Settings(Protocol):
    """Where the service is, and how many share it."""

    @property
    def skyserver_url(self) -> str:
        """Its address."""
        ...

    @property
    def data_version(self) -> str:
        """Opaque; another one is asked anew."""
        ...

    @property
    def shards(self) -> int:
        """Shards that ask at the same time."""
        ...


@dataclass(frozen=True)
class Expected:
    """What an answer has to be.

    Attributes
    ----------
    columns : tuple of str
        Columns that it must have.
    remedy : str
        How less is asked for at a time.
    most : int or None
        Rows that were asked for, where that is known.
    text : tuple of str
        Columns that are no numbers, or too long for them.
    may_be_empty : bool
        Whether there may be no such object.
    """

    columns: tuple[str, ...]
    remedy: str
    most: int | None = None
    text: tuple[str, ...] = ()
    may_be_empty: bool = True


def open_service(settings: Settings, store: Store | None) -> Archive:
    """Reach the service no faster than it wants; what it has answered before is in the store."""
    return Archive(
        settings.skyserver_url,
        store,
        requests_per_minute=REQUESTS_PER_MINUTE,
        timeout_seconds=_TIMEOUT_SECONDS,
        version=settings.data_version,
        sharers=settings.shards,
    )


def ask(archive: Archive, sql: str, answer: Path, expected: Expected) -> pd.DataFrame:
    """Ask a question, and read the answer, which is left in the file `answer`.

    Raises
    ------
    ParameterError
        When the question is too long.
    ArchiveError
        When the answer is no table, or not the one that was asked for.
    """
    address = f"{archive.base_url}/{SQL_PATH}"
    query = f"cmd={quote_plus(sql, safe=_PLAIN)}&format=csv"
    if len(query) > LONGEST_QUERY:
        raise ParameterError(
            f"{address} takes queries of {LONGEST_QUERY} characters, and this has {len(query)}: {sql[:80]} ...",
            expected.remedy,
        )
    archive.obtain(Request(f"{SQL_PATH}?{query}", answer), partial(_check, address, expected))
    return read_answer(answer.read_bytes(), address, expected)


def ask_all(
    settings: Settings, store: Store | None, queries: Sequence[str], expected: Expected
) -> tuple[pd.DataFrame, str]:
    """Ask questions one after the other, and return the rows of all answers, and the hash of these."""
    tables, digest, rows = [], hashlib.sha256(), 0
    with open_service(settings, store) as archive, tempfile.TemporaryDirectory(prefix="armillary-") as scratch:
        for number, sql in enumerate(queries):
            answer = Path(scratch) / f"page-{number}.csv"
            tables.append(ask(archive, sql, answer, expected))
            digest.update(answer.read_bytes())
            rows += len(tables[-1])
            report_progress(number + 1, len(queries), "queries", rows=rows)
    some = [table for table in tables if len(table)] or tables[:1]  # an empty one knows no types
    return pd.concat(some, ignore_index=True), digest.hexdigest()


def read_answer(content: bytes, address: str, expected: Expected) -> pd.DataFrame:
    """Read an answer, a CSV that begins with a line such as "#Table1".

    Parameters
    ----------
    content : bytes
        The answer.
    address : str
        Whose, for messages.
    expected : Expected
        What it has to be.

    Raises
    ------
    ArchiveError
        When it is a web page, an error message, lacks a column, or has more rows than were asked for or as many as
        the service ever gives.
    """
    text = content.decode("utf-8", "replace")
    beginning = text[:200].strip()
    if text.lstrip()[:1] == "<":
        raise ArchiveError(f"{address} answered with a web page, not with a table.", "Run again later.")
    if "timeout" in text[:2000].lower() or "time-out" in text[:2000].lower():
        raise ArchiveError(f"{address} has ended the query: {beginning}", expected.remedy)
    if expected.may_be_empty and _NOTHING in text[:2000]:
        return pd.DataFrame(columns=list(expected.columns))
    try:
        table = pd.read_csv(io.StringIO(text), comment="#", dtype=dict.fromkeys(expected.text, "string"))
    except (ValueError, pd.errors.ParserError) as error:
        raise ArchiveError(f"{address} answered with no table: {beginning!r}.", "Run again later.") from error
    if missing := sorted(set(expected.columns) - set(table.columns)):
        raise ArchiveError(
            f"The answer of {address} has no column {', '.join(missing[:_COLUMNS_NAMED])}.",
            "The service has changed, or answered with an error; look at the address in a browser.",
        )
    if len(table) >= ROW_LIMIT:
        raise ArchiveError(
            f"The answer of {address} has {len(table)} rows, which is where SkyServer cuts off without a word.",
            expected.remedy,
        )
    if expected.most is not None and len(table) > expected.most:
        raise ArchiveError(
            f"The answer of {address} has {len(table)} rows, where at most {expected.most} were asked for.",
            expected.remedy,
        )
    return table


def _check(address: str, expected: Expected, path: Path) -> None:
    read_answer(path.read_bytes(), address, expected)
