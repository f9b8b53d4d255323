"""One file from an archive to the disk: retried, resumed where it broke off, and checked when it is whole."""

import email.utils
import random
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx
import tenacity

from components.common.errors import ArchiveError
from components.common.files import disk_space
from components.common.partial_file import PartialFile, TransientError
from components.common.telemetry import report_progress

_TRANSIENT_STATUS = {408, 425, 429, 500, 502, 503, 504}
_LONGEST_RETRY_AFTER = 300.0
_LONGEST_BACKOFF = 60.0
_REPORTED_SIZE = 32 << 20

Span = tuple[int, int]
"""First byte and number of bytes of a part of a file."""


class NotInArchiveError(ArchiveError):
    """The archive answers that it has no such file."""


class WrongContentError(TransientError):
    """A whole answer with the wrong bytes: fetched once more, because a proxy may have cut it, and no oftener."""


@dataclass(frozen=True)
class Version:
    """What the archive says about the version of a file."""

    etag: str
    last_modified: str
    whole_size: int = 0


class Pace:
    """Keep all threads together below a rate of requests, and quiet while the archive asks for it."""

    def __init__(self, requests_per_minute: float):
        self._interval = 60.0 / requests_per_minute
        self._next = time.monotonic()
        self._lock = threading.Lock()

    def wait(self) -> None:
        """Sleep until it is this request's turn."""
        with self._lock:
            turn = max(self._next, time.monotonic())
            self._next = turn + self._interval
        time.sleep(max(0.0, turn - time.monotonic()))

    def hold(self, seconds: float) -> None:
        """Let no request start for so long."""
        with self._lock:
            self._next = max(self._next, time.monotonic() + seconds)


class Downloader:
    """Download files over one pool of connections.

    Parameters
    ----------
    client : httpx.Client
        Carries timeouts and the User-Agent.
    pace : Pace
        Shared by everything that asks the same archive.
    attempts : int
        Failures in a row, without a byte of progress between them, after which it gives up.
    backoff_seconds : float
        First pause after a failure; it doubles, with jitter.
    """

    def __init__(self, client: httpx.Client, pace: Pace, attempts: int, backoff_seconds: float):
        self._client = client
        self._pace = pace
        self._attempts = attempts
        self._backoff_seconds = backoff_seconds

    def download(
        self, url: str, destination: Path, verify: Callable[[Path], None], span: Span | None = None
    ) -> Version:
        """Download `url`; `destination` exists only when the file is whole and `verify` has accepted it.

        Parameters
        ----------
        url : str
            The address.
        destination : Path
            The file to write.
        verify : callable
            Gets the path of the complete download and raises `WrongContentError` if it is not what was wanted.
        span : tuple of int, optional
            First byte and number of bytes, where a part of the file is wanted.

        Raises
        ------
        NotInArchiveError
            At once, when there is no such file.
        ArchiveError
            When the archive refuses, keeps failing, or sends something else; for a part of a file also when it
            would send the whole, before it does.
        """
        patience = _Patience(self._attempts, self._backoff_seconds)
        try:
            whole_or_part = f"{url}#{span[0]}+{span[1]}" if span else url
            with disk_space(destination), PartialFile(destination, whole_or_part) as part:
                for attempt in tenacity.Retrying(
                    retry=tenacity.retry_if_exception_type(TransientError),
                    stop=lambda state: patience.is_over(_failure(state), part.size),
                    wait=lambda state: patience.pause(_failure(state)),
                    reraise=True,
                ):
                    with attempt:
                        version = self._attempt(url, part, destination, span)
                        self._accept(part, verify)
                part.finish()
        except TransientError as error:
            tries = f" Tried {patience.tries} times." if patience.tries > 1 else ""
            raise ArchiveError(error.problem + tries, error.remedy) from error
        return version

    def _attempt(self, url: str, part: PartialFile, destination: Path, span: Span | None) -> Version:
        headers = _range(part, span)
        self._pace.wait()
        try:
            with self._client.stream("GET", url, headers=headers) as response:
                self._refuse(url, response, destination)
                total = _begin(url, response, part) if span is None else _begin_part(url, response, part, span)
                _receive(response, part, total)
                version = _version(response)
        except httpx.TransportError as error:
            raise TransientError(
                f"{url}: the connection failed after {part.size} bytes ({type(error).__name__}: {error})."
            ) from error
        except (httpx.RequestError, httpx.InvalidURL) as error:
            raise ArchiveError(f"{url} cannot be fetched: {error}.", "Correct the archive's address.") from error
        if total is not None and part.size != total:
            part.forget()
            raise TransientError(f"{url}: {part.size} bytes arrived of {total}.")
        if _looks_like_html(part.head(256)) and not _may_be_html(destination):
            raise _web_page(url)
        return version

    def _accept(self, part: PartialFile, verify: Callable[[Path], None]) -> None:
        try:
            verify(part.path)
        except WrongContentError:
            part.forget()
            raise

    def _refuse(self, url: str, response: httpx.Response, destination: Path) -> None:
        status = response.status_code
        if status in (200, 206):
            if response.headers.get("content-type", "").startswith("text/html") and not _may_be_html(destination):
                raise _web_page(url)
            return
        if status in (404, 410):
            raise NotInArchiveError(
                f"{url} is not in the archive (HTTP {status}).",
                "Check the name, the data release and the archive's address.",
            )
        if status == 416:
            return  # dealt with where the partial file is
        said = _excerpt(response)
        if status in _TRANSIENT_STATUS:
            pause = _retry_after(response)
            if pause > _LONGEST_RETRY_AFTER:
                raise ArchiveError(
                    f"{url}: the archive asks to be left alone for {pause:.0f} s (HTTP {status}).",
                    "Run again after that.",
                )
            self._pace.hold(pause)
            raise TransientError(f"{url}: the archive answered HTTP {status}{said}.", retry_after=pause)
        raise ArchiveError(
            f"{url}: the archive answered HTTP {status}{said}.",
            "Check the query and whether the archive wants you to log in.",
        )


class _Patience:
    """Count the failures; those after which the file has grown do not count against the archive."""

    def __init__(self, attempts: int, backoff_seconds: float):
        self.tries = 0
        self._attempts = attempts
        self._backoff_seconds = backoff_seconds
        self._failures = 0
        self._wrong = 0
        self._furthest = 0

    def is_over(self, failure: BaseException | None, size: int) -> bool:
        self.tries += 1
        if isinstance(failure, WrongContentError):
            self._wrong += 1
            return self._wrong > 1
        if size > self._furthest:
            self._furthest, self._failures = size, 0
        self._failures += 1
        return self._failures >= self._attempts

    def pause(self, failure: BaseException | None) -> float:
        if isinstance(failure, TransientError) and failure.retry_after:
            return failure.retry_after
        doubled = self._backoff_seconds * 2.0 ** max(0, self._failures - 1)
        return min(_LONGEST_BACKOFF, doubled) + random.uniform(0.0, self._backoff_seconds)


def _failure(state: tenacity.RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome else None


def _range(part: PartialFile, span: Span | None) -> dict[str, str]:
    """Headers that ask for what is missing of the file, or of a part of it."""
    if span is None:
        return {"Range": f"bytes={part.size}-", "If-Range": part.validator} if part.size else {}
    first, count = span
    if part.size >= count:
        part.forget()
    condition = {"If-Range": part.validator} if part.size else {}
    return {"Range": f"bytes={first + part.size}-{first + count - 1}", **condition}


def _begin_part(url: str, response: httpx.Response, part: PartialFile, span: Span) -> int:
    """Decide whether the answer is what is missing of a part of a file, and return the size of the part."""
    first, count = span
    last = first + count - 1
    said = response.headers.get("content-range", "")
    if sent := re.fullmatch(r"bytes (?:\*|(\d+)-(\d+))/(\d+)", said):
        if int(sent[3]) <= last:
            raise ArchiveError(
                f"{url} has {sent[3]} bytes; bytes {first} to {last} of it are wanted.",
                "The file in the archive is cut off, or not the one that was expected.",
            )
        if response.status_code == 206 and sent[1] and (int(sent[1]), int(sent[2])) == (first + part.size, last):
            if not part.size:
                part.restart(_validator(response))
            return count
    if part.size or response.status_code in (206, 416):
        part.forget()  # most likely the file has changed meanwhile
        raise TransientError(
            f"{url}: the archive could not continue bytes {first} to {last} where they broke off."
        )
    raise ArchiveError(
        f"{url}: the archive does not serve parts of files, and would send all of it for {count} bytes.",
        "Download the file by other means, and read it from the disk.",
    )


def _begin(url: str, response: httpx.Response, part: PartialFile) -> int | None:
    """Decide whether the answer continues `part`, and return the size of the whole file if it is known."""
    if response.status_code == 206:
        sent = re.fullmatch(r"bytes (\d+)-\d+/(\d+)", response.headers.get("content-range", ""))
        if sent and int(sent[1]) == part.size:
            return int(sent[2])
    if response.status_code in (206, 416):
        part.forget()
        raise TransientError(f"{url}: the archive could not continue the file where it broke off.")
    length = response.headers.get("content-length")
    part.restart(_validator(response))
    return int(length) if length is not None else None


def _validator(response: httpx.Response) -> str:
    """Return what names the file's version, so that the archive can confirm it later."""
    etag: str = response.headers.get("etag", "")
    return etag if etag and not etag.startswith("W/") else str(response.headers.get("last-modified", ""))


def _version(response: httpx.Response) -> Version:
    size = response.headers.get("content-range", "").rpartition("/")[2] or response.headers.get(
        "content-length", ""
    )
    known = int(size) if size.isdigit() else 0
    return Version(response.headers.get("etag", ""), response.headers.get("last-modified", ""), known)


def _receive(response: httpx.Response, part: PartialFile, total: int | None) -> None:
    reported = time.monotonic()
    # Raw, because a .fits.gz is often declared as Content-Encoding: gzip and is wanted as it is.
    for chunk in response.iter_raw():
        part.write(chunk)
        if total is not None and total > _REPORTED_SIZE and time.monotonic() - reported > 1.0:
            reported = time.monotonic()
            report_progress(part.size / 1e6, total / 1e6, "MB")


def _retry_after(response: httpx.Response) -> float:
    value = response.headers.get("retry-after", "").strip()
    if value.isdigit():
        return float(value)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except ValueError:
        return 0.0


def _excerpt(response: httpx.Response) -> str:
    """Return the beginning of a textual answer: SQL services explain there what is wrong with the query."""
    kind = response.headers.get("content-type", "")
    if not kind.startswith(("text/plain", "application/json", "application/xml", "text/xml")):
        return ""
    text = " ".join(next(response.iter_text(2000), "").split())[:300]
    return f": {text}" if text else ""


def _may_be_html(destination: Path) -> bool:
    return destination.suffix.lower() in (".html", ".htm")


def _looks_like_html(beginning: bytes) -> bool:
    return beginning.lstrip().lower().startswith((b"<!doctype html", b"<html"))


def _web_page(url: str) -> ArchiveError:
    return ArchiveError(
        f"{url}: the archive sent a web page instead of the file.",
        "Open the address in a browser: it may be down for maintenance, want a login, or have moved.",
    )
