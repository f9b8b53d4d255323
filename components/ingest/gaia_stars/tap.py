"""Ask a TAP service, and take no for an answer only when it is one.

Jobs are run by pyvo, whose requests can be given a time-out. Those of astroquery's client cannot, and it waits for
ever for a job that hangs. The result is then fetched as any file from an archive, resumed where it breaks off.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar
from urllib.parse import urlsplit
from xml.parsers.expat import ExpatError

import requests
from astropy.io.votable import parse
from astropy.io.votable.exceptions import VOTableSpecError
from astropy.table import Table
from pyvo.dal import AsyncTAPJob
from pyvo.dal.exceptions import DALQueryError, DALServiceError

from components.common.archive import Archive
from components.common.errors import ArchiveError, InputError, ParameterError
from components.common.telemetry import report_progress, warn

_FAILURES = (DALServiceError, DALQueryError, requests.RequestException, ExpatError, VOTableSpecError, ValueError,
             KeyError, AttributeError, OSError)  # fmt: skip
_SILENCE_SECONDS = 60.0
_ATTEMPTS = 4
_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.25, 10.0
_FINAL = {"COMPLETED", "ERROR", "ABORTED", "ARCHIVED", "HELD", "SUSPENDED"}

T = TypeVar("T")


class TruncatedError(ArchiveError):
    """The service gave fewer rows than there are."""


class TapService(AbstractContextManager["TapService"]):
    """A table access service, asked asynchronously.

    Parameters
    ----------
    url : str
        Base address; jobs are made at its `/async`.
    timeout_seconds : float
        Longest that a job may take, with its time in the queue.
    silence_seconds : float
        Longest that a single request may go unanswered.
    backoff_seconds : float
        Pause after a request that failed; it doubles.
    """

    def __init__(
        self,
        url: str,
        timeout_seconds: float,
        silence_seconds: float = _SILENCE_SECONDS,
        backoff_seconds: float = 1.0,
    ):
        if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).netloc:
            raise ParameterError(
                f"{url!r} is not the address of a TAP service.", "Give one that begins with https:// or http://."
            )
        self.url = url.rstrip("/")
        self._timeout, self._backoff = timeout_seconds, backoff_seconds
        self._silence = silence_seconds
        self._session = _Session(silence_seconds)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._session.close()

    def ask(self, query: str, most_rows: int, scratch: Path) -> Table:
        """Run a query and return its rows.

        Parameters
        ----------
        query : str
            In ADQL.
        most_rows : int
            Handed over as MAXREC, so that no default limit holds.
        scratch : Path
            Folder for the result's file.

        Raises
        ------
        TruncatedError
            When the service says that its answer was cut.
        ArchiveError
            When the job fails, is aborted or takes too long, or the service is down.
        """
        job = self._again(lambda: AsyncTAPJob.create(self.url, query, maxrec=most_rows, session=self._session))
        try:
            self._again(job.run)
            self._await(job, query)
            address = self._again(lambda: job.result_uri)
            if not address:
                raise ArchiveError(
                    f"{self.url} says that the job is complete, but not where its result is.", "Run again later."
                )
            return self._fetch(address, scratch)
        finally:
            with suppress(*_FAILURES):  # it would be forgotten by itself after some days
                job.delete()

    def _await(self, job: AsyncTAPJob, query: str) -> None:
        begun, pause = time.monotonic(), _SHORTEST_PAUSE
        while (phase := self._again(lambda: _phase(job))) not in _FINAL:
            waited = time.monotonic() - begun
            if waited > self._timeout:
                with suppress(*_FAILURES):
                    job.abort()
                raise ArchiveError(
                    f"The job at {self.url} did not end within {self._timeout:g} s: it is {phase}.",
                    "Ask for a smaller region or a brighter limit, more shards, or a longer timeout_seconds.",
                )
            report_progress(waited, self._timeout, "seconds", phase=phase)
            time.sleep(min(pause, max(self._timeout - waited, 0.01)))
            pause = min(1.5 * pause, _LONGEST_PAUSE)
        if phase == "COMPLETED":
            return
        said = _message(job)
        if phase == "ERROR":
            raise ArchiveError(
                f"{self.url} could not run the query{said} The query: {query}",
                "Correct the query's settings; if they are right, run again later.",
            )
        raise ArchiveError(
            f"{self.url} ended the job before it was done ({phase}){said}",
            "Run again later, or ask for less: services abort jobs that take too long.",
        )

    def _fetch(self, address: str, scratch: Path) -> Table:
        base, _, path = address.partition("//")
        host, _, path = path.partition("/")
        with Archive(
            f"{base}//{host}", timeout_seconds=self._silence, attempts=_ATTEMPTS, backoff_seconds=self._backoff
        ) as archive:
            file = archive.fetch(path, scratch / "result.vot", check=_parsed)
        table, status = _parsed(file)
        file.unlink()
        if status.upper().startswith("OVERFLOW"):
            raise TruncatedError(
                f"{self.url} cut its answer after {len(table)} rows.",
                "Ask for a smaller region or a brighter limit, or for more shards.",
            )
        if status.upper().startswith("ERROR"):
            raise ArchiveError(f"{self.url} answered with an error: {status}.", "Run again later.")
        return table

    def _again(self, request: Callable[[], T]) -> T:
        """Repeat what fails, a few times."""
        pause = self._backoff
        for attempt in range(_ATTEMPTS):
            try:
                return request()
            except _FAILURES as error:
                if attempt + 1 == _ATTEMPTS or _is_refusal(error):
                    raise ArchiveError(
                        f"{self.url} does not answer as a TAP service: {_in_words(error)}",
                        "Check archive_url; if it is right, the service is down: run again later.",
                    ) from error
                warn(f"{self.url}: {_in_words(error)} Trying again in {pause:g} s.")
            time.sleep(pause)
            pause *= 2
        raise AssertionError("the last attempt returns or raises")


class _Session(requests.Session):
    """A session whose every request has a time-out, and whose answers are closed: pyvo reads them no further."""

    def __init__(self, seconds: float):
        super().__init__()
        self._seconds = seconds
        self._answer: requests.Response | None = None

    def request(self, method: str | bytes, url: str | bytes, *args: Any, **options: Any) -> requests.Response:
        options["timeout"] = options.get("timeout") or self._seconds
        self._close_answer()
        self._answer = super().request(method, url, *args, **options)
        return self._answer

    def close(self) -> None:
        """Close the last answer and the connections."""
        self._close_answer()
        super().close()

    def _close_answer(self) -> None:
        if self._answer is not None:
            self._answer.close()


def _parsed(path: Path) -> tuple[Table, str]:
    """Read a VOTable, and what it says about how the query went."""
    with _told_as_input(path):
        document = parse(path, verify="ignore")
        resource = next((r for r in document.resources if r.tables), None)
        infos = [info for r in document.resources for info in r.infos if info.name == "QUERY_STATUS"]
        texts = [f"{info.value}: {info.content}" if info.content else str(info.value) for info in infos]
        # The last word counts: a service learns of an overflow only after the rows.
        bad = [text for text in texts if not text.upper().startswith("OK")]
        status = bad[-1] if bad else "OK"
        if resource is None:
            if bad:
                return Table(), status
            raise InputError(f"{path.name} holds no table.", "It is not the result of a query.")
        return resource.tables[0].to_table(use_names_over_ids=True), status


@contextmanager
def _told_as_input(path: Path) -> Iterator[None]:
    try:
        yield
    except (VOTableSpecError, ExpatError, ValueError, IndexError, TypeError) as error:
        raise InputError(f"{path.name} is no VOTable: {error}.", "It is not the result of a query.") from error


def _phase(job: AsyncTAPJob) -> str:
    phase = job.phase
    if phase is None:  # pyvo reads any XML as a job, also a web page
        raise ValueError("what it says about the job is no description of one")
    return str(phase)


def _message(job: AsyncTAPJob) -> str:
    with suppress(*_FAILURES):
        text = job.job.errorsummary.message.content
        if text:
            return f": {str(text).strip().rstrip('.')}."
    return "; it does not say why."


def _is_refusal(error: Exception) -> bool:
    """Whether to ask again is useless: the service understood, and said no."""
    response = getattr(error, "response", None) or getattr(getattr(error, "cause", None), "response", None)
    status = getattr(response, "status_code", None) or getattr(error, "code", None)
    return isinstance(status, int) and 400 <= status < 500 and status not in (408, 425, 429)


def _in_words(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return f"{type(error).__name__}: {lines[0][:300].rstrip('.')}."
