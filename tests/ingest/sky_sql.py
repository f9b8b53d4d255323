"""A SkyServer on loopback that runs the very SQL it is sent, on tables in SQLite."""

import csv
import io
import re
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pandas as pd

_PATH = "/dr17/SkyServerWS/SearchTools/SqlSearch"
_LONGEST = 2048
"""Where the real service answers HTTP 400: the length of the query string exceeds maxQueryStringLength."""

_PHOTO = (
    "ra", "dec", "petroMag_r", "extinction_r", "petroR50_r", "petroR90_r", "fracDeV_r", "deVAB_r", "expAB_r",
    "deVRad_r", "expRad_r", "lnLExp_r", "lnLDeV_r", "mRrCc_r", "mE1_r", "mE2_r", "mCr4_r",
)  # fmt: skip


@dataclass
class SkySql:
    """The running service: its address, and what it was asked."""

    url: str
    queries: list[str] = field(default_factory=list)
    answers: list[bytes] = field(default_factory=list)
    """Given instead of the true ones, one each."""


@contextmanager
def serve_sky(votes: pd.DataFrame, unknown: Sequence[int] = ()) -> Iterator[SkySql]:
    """Serve the galaxies of a table of votes, but for the rows `unknown`, with invented photometry."""
    database = sqlite3.connect(":memory:", check_same_thread=False)
    _fill(database, votes.drop(index=list(unknown)))
    sky, lock = SkySql(""), threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            if parts.path != _PATH or len(parts.query) > _LONGEST:
                self.send_error(400 if parts.path == _PATH else 404)
                return
            sql = parse_qs(parts.query)["cmd"][0]
            with lock:
                sky.queries.append(sql)
                body = sky.answers.pop(0) if sky.answers else _answer(database, sql)
            self.send_response(200)
            self.send_header("Content-Type", "text/csv")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Keep the test output clean."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    sky.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield sky
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
        database.close()


def _answer(database: sqlite3.Connection, sql: str) -> bytes:
    paged = re.sub(r"OFFSET (\d+) ROWS FETCH NEXT (\d+) ROWS ONLY", r"LIMIT \2 OFFSET \1", sql)
    cursor = database.execute(paged)
    text = io.StringIO()
    text.write("#Table1\n")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([column[0] for column in cursor.description])
    writer.writerows(["" if value is None else value for value in row] for row in cursor)
    return text.getvalue().encode()


def _fill(database: sqlite3.Connection, votes: pd.DataFrame) -> None:
    number = len(votes)
    rng = np.random.default_rng(0)
    key = np.arange(1, number + 1)
    own = votes.rename(columns={"gz2_class": "gz2class"}).drop(columns=["objid"], errors="ignore")
    own = own.assign(specobjid=key, dr8objid=key + 10_000)
    own.to_sql("zoo2MainSpecz", database, index=False)
    photo = {name: rng.uniform(0.2, 0.9, number) for name in _PHOTO}
    photo |= {f"dered_{band}": rng.uniform(16, 18, number) for band in "ugriz"}
    photo["extinction_r"] = np.full(number, 0.1)
    for name in ("dered_u", "dered_g", "lnLExp_r"):
        photo[name] = np.where(key == 1, -9999.0, photo[name])
    photo["lnLDeV_r"] = np.where(key == 2, -20_000.0, photo["lnLDeV_r"])
    photo["petroMag_r"] = rng.uniform(15, 17, number)
    photo["petroR90_r"] = 2.5 * photo["petroR50_r"]
    photo["mCr4_r"] = np.where(key == 1, -9999.0, photo["mCr4_r"])
    pd.DataFrame({"objID": key + 10_000, **photo}).to_sql("PhotoObj", database, index=False)
    velocity = np.where(key == 1, 0.0, 150.0)
    pd.DataFrame({"specObjID": key, "z": rng.uniform(0.01, 0.2, number), "velDisp": velocity}).to_sql(
        "SpecObj", database, index=False
    )
    some = key[: number // 2]  # the line catalogue has not all of them
    pd.DataFrame({"specObjID": some, "d4000_n": 1.5}).to_sql("galSpecIndx", database, index=False)
    pd.DataFrame({"specObjID": some, "h_alpha_eqw": -20.0}).to_sql("galSpecLine", database, index=False)
    pd.DataFrame({"specObjID": some, "lgm_tot_p50": 10.4}).to_sql("galSpecExtra", database, index=False)


def all_columns(real: Path) -> pd.DataFrame:
    """Read the real rows, with the columns of votes that the file lacks as nulls."""
    from components.physics.gz2_tasks import VOTE_COLUMNS

    table = pd.read_csv(real / "gz2" / "gz2_hart16_400.csv")
    lacking = [name for name in VOTE_COLUMNS if name not in table]
    return pd.concat([table, pd.DataFrame(np.nan, table.index, lacking)], axis=1)
