"""The one way to ask an archive: politely, again where that helps, and never twice for the same file."""

import hashlib
import itertools
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager
from dataclasses import asdict, replace
from pathlib import Path
from types import TracebackType
from urllib.parse import urlsplit

import httpx

from components.common.archive_files import Check, Fetched, Receipt, Request, verify
from components.common.download import Downloader, NotInArchiveError, Pace, Version, WrongContentError
from components.common.errors import ArchiveError, ParameterError, StoreError
from components.common.files import whole
from components.common.provenance import code_version
from components.common.store import NotInStoreError, Store
from components.common.telemetry import warn

_DOWN_AFTER = 12
"""So many files in a row that could not be had mean that the archive is down, not that the files are."""


def store_if_there() -> Store | None:
    """Return the store of the environment; without one, say what an interruption costs."""
    store = Store.if_configured()
    if store is None:
        warn("No store is configured (AWS_ENDPOINT_URL): an interrupted download begins anew.")
    return store


class Archive(AbstractContextManager["Archive"]):
    """A web archive of files or a query service.

    Parameters
    ----------
    base_url : str
        Address that all paths are relative to, such as ``https://data.sdss.org/sas``.
    cache : Store, optional
        Every file is kept there by its request, so that it is asked for once.
    requests_per_minute : float
        Upper limit of the rate, over all threads.
    timeout_seconds : float
        Longest silence of the archive within one answer.
    attempts : int
        Failures in a row after which a file is given up.
    backoff_seconds : float
        Pause after the first failure; it doubles, with jitter, up to a minute.
    version : str
        Part of the cache's key: another value asks again for what may have changed; see also `Request.version`.
    sharers : int
        Processes that ask the archive at the same time; each takes its share of the rate.
    """

    def __init__(
        self,
        base_url: str,
        cache: Store | None = None,
        *,
        requests_per_minute: float = 600.0,
        timeout_seconds: float = 60.0,
        attempts: int = 5,
        backoff_seconds: float = 1.0,
        version: str = "",
        sharers: int = 1,
    ):
        if urlsplit(base_url).scheme not in ("http", "https") or not urlsplit(base_url).netloc:
            raise ParameterError(
                f"{base_url!r} is not the address of an archive.", "Give one that begins with https:// or http://."
            )
        self.base_url = base_url.rstrip("/")
        self._cache = cache
        self._version = version
        self._client = httpx.Client(
            follow_redirects=True,
            timeout=httpx.Timeout(timeout_seconds, connect=min(timeout_seconds, 10.0)),
            headers={
                "User-Agent": f"armillary/{code_version()} (astronomy pipelines; httpx/{httpx.__version__})",
                "Accept-Encoding": "identity",  # so that sizes, ranges and checksums are those of the file
            },
        )
        pace = Pace(requests_per_minute / sharers)
        self._downloader = Downloader(self._client, pace, attempts, backoff_seconds)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def fetch(
        self,
        path: str,
        destination: Path,
        *,
        check: Check | None = None,
        sha256: str = "",
        size: int | None = None,
    ) -> Path:
        """Fetch one file from the disk, the cache or the archive, whichever has it first.

        Parameters
        ----------
        path : str
            Path below the base address, with its query if it has one, already percent-encoded.
        destination : Path
            The file to write; one that is there already and passes the checks is kept.
        check : callable, optional
            Gets the path of the complete file and raises an `ArmillaryError`, `ValueError` or `OSError` if its
            content is not what was wanted.
        sha256 : str
            Hash that the file must have.
        size : int, optional
            Number of bytes that the file must have.

        Returns
        -------
        Path
            `destination`, which exists only if the file is whole.

        Raises
        ------
        NotInArchiveError
            When the archive has no such file.
        ArchiveError
            When it does not answer, or answers with something else.
        """
        self.obtain(Request(path, destination, sha256, size), check)
        return destination

    def obtain(self, request: Request, check: Check | None = None) -> Receipt:
        """Do what `fetch` does, and return the receipt."""
        url = self.url(request.path)
        found = self._from_disk(url, request, check) or self._from_cache(url, request, check)
        if found is not None:
            return found
        version = self._downloader.download(
            url, request.destination, lambda p: verify(url, p, request, check), request.span
        )
        receipt = Receipt.of(url, request.destination, version)
        self._keep(request, receipt)
        return receipt

    def fetch_many(
        self, requests: Iterable[Request], *, check: Check | None = None, workers: int = 3
    ) -> Iterator[Fetched]:
        """Fetch files a few at a time and yield each as soon as it is decided, in no particular order.

        What has arrived stays, so that running again continues. A file that cannot be had is an outcome; an
        archive that stopped answering is an error.

        Parameters
        ----------
        requests : iterable of Request
            Read only as far ahead as there are workers.
        check : callable, optional
            As in `fetch`, for each file.
        workers : int
            Files at a time.

        Raises
        ------
        ArchiveError
            When so many files in a row failed, for other reasons than being absent, that the archive must be down.
        """
        queue, failures = iter(requests), 0
        with ThreadPoolExecutor(workers, thread_name_prefix="archive") as pool:
            running: set[Future[Fetched]] = set()
            try:
                while True:
                    for request in itertools.islice(queue, workers - len(running)):
                        running.add(pool.submit(self._outcome, request, check))
                    if not running:
                        return
                    done, running = wait(running, return_when=FIRST_COMPLETED)
                    for fetched in (future.result() for future in done):
                        failures = failures + 1 if _counts(fetched.error) else 0
                        if fetched.error is not None and failures >= _DOWN_AFTER:
                            raise ArchiveError(
                                f"{self.base_url} failed {failures} times in a row. {fetched.error.problem}",
                                "Run again later: what has arrived is kept.",
                            ) from fetched.error
                        yield fetched
            finally:
                for future in running:
                    future.cancel()

    def url(self, path: str) -> str:
        """Return the full address of `path`."""
        return f"{self.base_url}/{path.lstrip('/')}"

    def cache_key(self, path: str, span: tuple[int, int] | None = None, version: str | None = None) -> str:
        """Return the name of a file, or part, in the cache; its receipt is beside it with `.json` added."""
        part = f" {span[0]}+{span[1]}" if span else ""
        of = self._version if version is None else version
        return f"archive/{hashlib.sha256(f'GET {self.url(path)} {of}{part}'.encode()).hexdigest()}"

    def _outcome(self, request: Request, check: Check | None) -> Fetched:
        try:
            return Fetched(request, self.obtain(request, check), None)
        except ArchiveError as error:
            return Fetched(request, None, error)

    def _from_disk(self, url: str, request: Request, check: Check | None) -> Receipt | None:
        if not request.destination.is_file():
            return None
        try:
            verify(url, request.destination, request, check)
        except WrongContentError:
            return None
        return Receipt.of(url, request.destination, Version("", ""))

    def _from_cache(self, url: str, request: Request, check: Check | None) -> Receipt | None:
        if self._cache is None:
            return None
        key = self.cache_key(request.path, request.span, request.version)
        try:
            receipt = Receipt(**self._cache.get_json(f"{key}.json").value)
            with whole(request.destination) as part:
                self._cache.get_file(key, part)
                verify(url, part, replace(request, sha256=request.sha256 or receipt.sha256), check)
        except (NotInStoreError, TypeError):
            return None
        except WrongContentError as error:
            warn(f"{key} in the cache is damaged and is fetched again: {error.problem}")
            return None
        except StoreError as error:
            self._go_on_without_cache(error)
            return None
        return receipt

    def _keep(self, request: Request, receipt: Receipt) -> None:
        if self._cache is None:
            return
        key = self.cache_key(request.path, request.span, request.version)
        try:
            self._cache.put_file(request.destination, key)
            self._cache.put_json(f"{key}.json", asdict(receipt))  # last: it says that the file is whole
        except StoreError as error:
            self._go_on_without_cache(error)

    def _go_on_without_cache(self, error: StoreError) -> None:
        self._cache = None
        warn(f"The archive's cache is not used from here on. {error}")


def _counts(error: ArchiveError | None) -> bool:
    return error is not None and not isinstance(error, NotInArchiveError)


__all__ = ["Archive", "Check", "Fetched", "NotInArchiveError", "Receipt", "Request"]
