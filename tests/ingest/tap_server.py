"""A Gaia archive on loopback: asynchronous TAP, with the real query language, real stars, and real trouble."""

import contextlib
import gzip
import io
import json
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from xml.sax.saxutils import escape

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from adql_grammar import AdqlError, to_sql
from astropy.io.votable import from_table
from astropy.io.votable.tree import Info
from astropy.table import MaskedColumn, Table

HTML = b"<!DOCTYPE html><html><body><h1>The archive is down for maintenance</h1></body></html>"
_FINAL = ("COMPLETED", "ERROR", "ABORTED")


@dataclass
class Job:
    """One job of the service."""

    query: str
    most_rows: int
    phase: str = "PENDING"
    message: str = ""
    result: bytes = b""
    polls: int = 0


@dataclass
class TapServer:
    """The running service; its attributes may be changed while it runs.

    Attributes
    ----------
    url : str
        Base address; jobs are made at `/async`.
    row_limit : int
        Most rows of a result, whatever is asked for; 0 for none.
    silent : bool
        Whether a cut result does not say so.
    slow_polls : int
        Times that a job is EXECUTING before it is done; a large number makes it hang.
    abort : bool
        Whether jobs are aborted instead of done.
    packed : bool
        Whether results are sent as .gz.
    html : set of str
        Where a web page comes instead: "submit", "poll", "result".
    stall_seconds : float
        Silence before each answer.
    failures : list of int
        HTTP status of the next requests; taken from the front.
    queries : list of str
        What was asked.
    """

    url: str
    database: sqlite3.Connection
    row_limit: int = 0
    silent: bool = False
    slow_polls: int = 1
    abort: bool = False
    packed: bool = True
    html: set[str] = field(default_factory=set)
    stall_seconds: float = 0.0
    failures: list[int] = field(default_factory=list)
    queries: list[str] = field(default_factory=list)
    jobs: dict[str, Job] = field(default_factory=dict)
    deleted: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self, job: Job) -> None:
        """Run a query for real."""
        try:
            with self.lock:
                cursor = self.database.execute(to_sql(job.query))
                names = [column[0] for column in cursor.description]
                rows = cursor.fetchall()
        except (AdqlError, sqlite3.Error) as error:
            job.phase, job.message = "ERROR", f"Cannot parse query: {error}"
            return
        limit = min((n for n in (job.most_rows, self.row_limit) if n), default=len(rows))
        cut = len(rows) > limit
        table = _votable(names, rows[:limit], "OVERFLOW" if cut and not self.silent else "OK")
        job.result = gzip.compress(table, mtime=0) if self.packed else table
        job.phase = "COMPLETED"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    service: TapServer

    def log_message(self, format: str, *args: object) -> None:
        """Keep the test output clean."""

    def handle(self) -> None:
        with contextlib.suppress(
            ConnectionResetError, BrokenPipeError
        ):  # clients go when they have what they want
            super().handle()

    def do_POST(self) -> None:
        text = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        form = {name.upper(): values[0] for name, values in parse_qs(text).items()}
        parts = self._parts()
        if self._troubled("submit"):
            return
        if parts == ["tap", "async"]:
            self._create(form)
        elif len(parts) == 4 and parts[3] == "phase":
            self._change(parts[2], form)
        else:
            self._send(404, b"no such resource", "text/plain")

    def do_GET(self) -> None:
        parts = self._parts()
        if self._troubled("result" if parts[-1] == "result" else "poll"):
            return
        job = self.service.jobs.get(parts[2]) if len(parts) > 2 else None
        if job is None:
            self._send(404, b"no such job", "text/plain")
        elif parts[3:] == ["results", "result"]:
            if job.phase == "COMPLETED":
                self._send(200, job.result, "application/x-votable+xml")
            else:
                self._send(404, b"no result", "text/plain")
        elif len(parts) == 3:
            self._advance(job)
            self._send(200, self._description(parts[2], job), "text/xml")
        elif parts[3:] == ["phase"]:
            self._advance(job)
            self._send(200, job.phase.encode(), "text/plain")
        else:
            self._send(404, b"no such resource", "text/plain")

    def do_DELETE(self) -> None:
        self.service.deleted.append(self._parts()[2])
        self.service.jobs.pop(self._parts()[2], None)
        self._send(303, b"", "text/plain", {"Location": f"{self.service.url}/async"})

    def _create(self, form: dict[str, str]) -> None:
        if form.get("LANG", "").upper() not in ("ADQL", "ADQL-2.0") or "QUERY" not in form:
            self._send(400, b"LANG=ADQL and QUERY are wanted", "text/plain")
            return
        name = f"{len(self.service.queries):013d}O"
        self.service.queries.append(form["QUERY"])
        phase = "QUEUED" if form.get("PHASE") == "RUN" else "PENDING"
        self.service.jobs[name] = Job(form["QUERY"], int(form.get("MAXREC", 0)), phase)
        self._send(303, b"", "text/plain", {"Location": f"{self.service.url}/async/{name}"})

    def _change(self, name: str, form: dict[str, str]) -> None:
        job = self.service.jobs[name]
        if form.get("PHASE") == "RUN" and job.phase == "PENDING":
            job.phase = "QUEUED"
        elif form.get("PHASE") == "ABORT" and job.phase not in _FINAL:
            job.phase = "ABORTED"
        self._send(303, b"", "text/plain", {"Location": f"{self.service.url}/async/{name}"})

    def _advance(self, job: Job) -> None:
        if job.phase not in ("QUEUED", "EXECUTING"):
            return
        job.polls += 1
        if job.polls <= self.service.slow_polls:
            job.phase = "EXECUTING"
        elif self.service.abort:
            job.phase, job.message = "ABORTED", "The job exceeded the execution time of this service"
        else:
            self.service.run(job)

    def _description(self, name: str, job: Job) -> bytes:
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        done = job.phase == "COMPLETED"
        href = f"{self.service.url}/async/{name}/results/result"
        results = f'<uws:result id="result" xlink:type="simple" xlink:href="{href}"/>' if done else ""
        summary = (
            f'<uws:errorSummary type="fatal" hasDetail="false"><uws:message>{escape(job.message)}'
            "</uws:message></uws:errorSummary>"
            if job.message
            else ""
        )
        return f"""<?xml version="1.0" encoding="UTF-8"?>
<uws:job xmlns:uws="http://www.ivoa.net/xml/UWS/v1.0" xmlns:xlink="http://www.w3.org/1999/xlink"
 xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" version="1.1">
<uws:jobId>{name}</uws:jobId><uws:ownerId xsi:nil="true"/><uws:phase>{job.phase}</uws:phase>
<uws:quote xsi:nil="true"/><uws:creationTime>{now}</uws:creationTime><uws:startTime xsi:nil="true"/>
<uws:endTime xsi:nil="true"/><uws:executionDuration>0</uws:executionDuration>
<uws:destruction xsi:nil="true"/>
<uws:parameters><uws:parameter id="query">{escape(job.query)}</uws:parameter></uws:parameters>
<uws:results>{results}</uws:results>{summary}</uws:job>""".encode()

    def _troubled(self, where: str) -> bool:
        time.sleep(self.service.stall_seconds)
        if self.service.failures:
            self._send(self.service.failures.pop(0), b"busy", "text/plain")
            return True
        if where in self.service.html:
            self._send(200, HTML, "text/html; charset=utf-8")
            return True
        return False

    def _parts(self) -> list[str]:
        return urlsplit(self.path).path.strip("/").split("/")

    def _send(self, status: int, body: bytes, kind: str, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def serve_gaia(sources: Path) -> Iterator[TapServer]:
    """Serve a Parquet file as gaiadr3.gaia_source, and what DR3 keeps in gaiadr3.astrophysical_parameters."""
    database = sqlite3.connect(":memory:", check_same_thread=False)
    database.execute("ATTACH ':memory:' AS gaiadr3")
    _geometry(database)
    table = pq.read_table(sources)
    _fill(database, "gaia_source", table)
    _fill(database, "astrophysical_parameters", _astrophysical(table))
    handler = type("Handler", (_Handler,), {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    service = TapServer(f"http://127.0.0.1:{server.server_address[1]}/tap", database)
    handler.service = service  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
        database.close()


def _astrophysical(table: pa.Table) -> pa.Table:
    """Two thirds of the stars have a row, as in DR3 many have none; letters after the file's temperatures."""
    names = ("source_id", "teff_gspphot", "logg_gspphot", "mh_gspphot")
    some = table.select(names).filter(pa.array(np.arange(table.num_rows) % 3 > 0))
    temperature = some["teff_gspphot"].to_numpy()
    letters = np.where(temperature < 3900, "M", np.where(temperature < 5300, "K", "G"))
    return some.append_column("spectraltype_esphs", pa.array(np.where(np.isnan(temperature), "unknown", letters)))


def _fill(database: sqlite3.Connection, name: str, table: pa.Table) -> None:
    columns = ", ".join(f'"{column}"' for column in table.column_names)
    database.execute(f"CREATE TABLE gaiadr3.{name} ({columns})")
    marks = ", ".join("?" for _ in table.column_names)
    values = [[None if v != v else v for v in column.to_pylist()] for column in table.columns]
    database.executemany(f"INSERT INTO gaiadr3.{name} VALUES ({marks})", zip(*values, strict=True))


def _geometry(database: sqlite3.Connection) -> None:
    database.create_function("ADQL_POINT", 3, lambda _frame, ra, dec: json.dumps(["point", ra, dec]))
    database.create_function("ADQL_CIRCLE", 4, lambda _frame, *numbers: json.dumps(["circle", *numbers]))
    database.create_function("ADQL_POLYGON", -1, lambda _frame, *numbers: json.dumps(["polygon", *numbers]))
    database.create_function("ADQL_CONTAINS", 2, _contains, deterministic=True)
    database.create_function("ADQL_POWER", 2, lambda base, exponent: base**exponent)


def _vector(ra: float, dec: float) -> np.ndarray[Any, Any]:
    a, d = np.radians(ra), np.radians(dec)
    return np.array([np.cos(d) * np.cos(a), np.cos(d) * np.sin(a), np.sin(d)])


def _contains(point: str, shape: str) -> int:
    """Do it by the books, with vectors: independent of how the stage does it."""
    _, ra, dec = json.loads(point)
    kind, *numbers = json.loads(shape)
    here = _vector(ra, dec)
    if kind == "circle":
        away = np.degrees(np.arctan2(np.linalg.norm(np.cross(here, c := _vector(*numbers[:2]))), here @ c))
        return int(away <= numbers[2])
    corners = [_vector(*pair) for pair in zip(numbers[::2], numbers[1::2], strict=True)]
    # Inside a convex polygon all sides are on the same hand.
    sides = [np.cross(corners[i - 1], corner) @ here for i, corner in enumerate(corners)]
    return int(min(sides) > 0 or max(sides) < 0)


def _votable(names: list[str], rows: list[tuple[Any, ...]], status: str) -> bytes:
    columns = []
    for name, values in zip(names, zip(*rows, strict=True) if rows else [()] * len(names), strict=True):
        mask = [value is None for value in values]
        known = [value for value in values if value is not None]
        blank: Any = "" if known and isinstance(known[0], str) else 0
        filled = [blank if value is None else value for value in values]
        dtype = None if known else np.float64
        columns.append(MaskedColumn(filled, name=name, mask=mask, dtype=dtype))
    document = from_table(Table(columns, masked=True) if columns else Table())
    document.resources[0].infos.append(Info(name="QUERY_STATUS", value=status))
    buffer = io.BytesIO()
    document.to_xml(buffer, tabledata_format="binary2" if rows else "tabledata")
    return buffer.getvalue()
