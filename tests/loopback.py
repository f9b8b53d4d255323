"""An archive on loopback that serves a real folder and misbehaves as scripted, for tests of downloads."""

import contextlib
import email.utils
import hashlib
import re
import socket
import threading
import time
from collections import defaultdict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

HTML = b"<!DOCTYPE html><html><body><h1>Service temporarily unavailable</h1></body></html>"


@dataclass(frozen=True)
class Misbehaviour:
    """What the server does to one request; without one it serves the file as it should.

    Attributes
    ----------
    status : int
        Answer with this status and no file, with `retry_after` as its header if set.
    drop_after : int
        Announce the whole file, send this many bytes, then close the connection.
    hang_after : int
        Announce the whole file, send this many bytes, then nothing until the client goes away.
    short_by : int
        Send a file that lacks its last bytes, with a Content-Length that agrees with what is sent.
    html : bool
        Answer 200 with an HTML page, as gateways and maintenance pages do.
    stall_seconds : float
        Wait before answering.
    body : bytes
        Serve this instead of the file (a changed file, with an ETag of its own).
    ignore_range : bool
        Announce and send the whole file whatever part of it is asked for.
    """

    status: int = 0
    retry_after: str = ""
    drop_after: int = -1
    hang_after: int = -1
    short_by: int = 0
    html: bool = False
    stall_seconds: float = 0.0
    body: bytes = b""
    ignore_range: bool = False


@dataclass(frozen=True)
class Request:
    """One request as the server saw it; header names are lower case."""

    method: str
    target: str
    headers: dict[str, str]
    time: float


@dataclass
class LoopbackArchive:
    """The running server.

    Attributes
    ----------
    url : str
        Base address, without a slash at the end.
    root : Path
        What is served; tests add files as they need.
    requests : list of Request
        Everything that was asked, in order.
    """

    url: str
    root: Path
    requests: list[Request] = field(default_factory=list)
    most_at_once: int = 0
    _active: int = 0
    _scripts: dict[str, deque[Misbehaviour]] = field(default_factory=lambda: defaultdict(deque))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def script(self, path: str, *misbehaviours: Misbehaviour) -> None:
        """Misbehave on the next requests for `path` (relative to the root), one entry a request."""
        self._scripts[path.strip("/")].extend(misbehaviours)

    def targets(self, path: str) -> list[Request]:
        """List the requests for `path`."""
        return [r for r in self.requests if urlsplit(r.target).path.strip("/") == path.strip("/")]

    def _next(self, path: str) -> Misbehaviour | None:
        with self._lock:
            script = self._scripts[path]
            return script.popleft() if script else None

    def _enter(self, request: Request) -> None:
        with self._lock:
            self.requests.append(request)
            self._active += 1
            self.most_at_once = max(self.most_at_once, self._active)

    def _leave(self) -> None:
        with self._lock:
            self._active -= 1


_NO_MISBEHAVIOUR = Misbehaviour()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    archive: LoopbackArchive

    def do_HEAD(self) -> None:
        self._answer(send_body=False)

    def do_GET(self) -> None:
        self._answer(send_body=True)

    def log_message(self, format: str, *args: object) -> None:
        """Keep the test output clean; `requests` has it all."""

    def _answer(self, send_body: bool) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.archive._enter(Request(self.command, self.path, headers, time.monotonic()))
        try:
            self._serve(unquote(urlsplit(self.path).path).strip("/"), headers, send_body)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True
        finally:
            self.archive._leave()

    def _serve(self, path: str, headers: dict[str, str], send_body: bool) -> None:
        wrong = self.archive._next(path) or _NO_MISBEHAVIOUR
        time.sleep(wrong.stall_seconds)
        if wrong.status:
            extra = {"Retry-After": wrong.retry_after} if wrong.retry_after else {}
            return self._send(wrong.status, b"busy\n", {"Content-Type": "text/plain", **extra}, send_body)
        if wrong.html:
            return self._send(200, HTML, {"Content-Type": "text/html; charset=utf-8"}, send_body)
        file = self.archive.root / path
        if not wrong.body and not file.is_file():
            return self._send(404, HTML, {"Content-Type": "text/html; charset=utf-8"}, send_body)
        content = wrong.body or file.read_bytes()
        return self._send_file(content[: len(content) - wrong.short_by], headers, send_body, wrong)

    def _send_file(self, content: bytes, headers: dict[str, str], send_body: bool, wrong: Misbehaviour) -> None:
        etag = f'"{hashlib.md5(content).hexdigest()}"'
        answer = {
            "Content-Type": "text/csv" if self.path.endswith(".csv") else "application/octet-stream",
            "ETag": etag,
            "Last-Modified": email.utils.formatdate(1_700_000_000, usegmt=True),
            "Accept-Ranges": "bytes",
        }
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", headers.get("range", ""))
        status, body = 200, content
        if wanted and not wrong.ignore_range and headers.get("if-range", etag) == etag:
            start = int(wanted[1])
            if start >= len(content):
                answer["Content-Range"] = f"bytes */{len(content)}"
                return self._send(416, b"", answer, send_body)
            status, body = 206, content[start : int(wanted[2] or len(content)) + 1]
            answer["Content-Range"] = f"bytes {start}-{start + len(body) - 1}/{len(content)}"
        return self._send(status, body, answer, send_body, wrong)

    def _send(
        self,
        status: int,
        body: bytes,
        headers: dict[str, str],
        send_body: bool,
        wrong: Misbehaviour = _NO_MISBEHAVIOUR,
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if not send_body:
            return
        stop = max(wrong.drop_after, wrong.hang_after)
        self.wfile.write(body[:stop] if stop >= 0 else body)
        self.wfile.flush()
        if wrong.hang_after >= 0:
            self.connection.recv(1)  # returns when the client goes away
        if stop >= 0:
            self.close_connection = True
            with contextlib.suppress(OSError):
                self.connection.shutdown(socket.SHUT_RDWR)


@contextmanager
def serve(root: Path) -> Iterator[LoopbackArchive]:
    """Serve `root` on a free loopback port for the duration of the block."""
    handler = type("Handler", (_Handler,), {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    archive = LoopbackArchive(f"http://127.0.0.1:{server.server_address[1]}", root)
    handler.archive = archive  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield archive
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def lay_out_sdss(real: Path, root: Path) -> None:
    """Link the real spectra under `root` where the SDSS archive (SAS, DR16) has its spec-lite files.

    Plates up to 3509 are SDSS-I/II (run2d 26), later ones BOSS and eBOSS (run2d v5_13_0).
    """
    for file in sorted((real / "sdss" / "spectra").glob("spec-*.fits")):
        plate = int(file.name.split("-")[1])
        survey = "sdss/spectro/redux/26" if plate < 3510 else "eboss/spectro/redux/v5_13_0"
        folder = root / "dr16" / survey / "spectra" / "lite" / f"{plate:04d}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / file.name).symlink_to(file)
