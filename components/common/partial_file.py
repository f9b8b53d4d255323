"""The first bytes of a download, kept beside its destination so that a later attempt can continue them."""

import fcntl
import json
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType

from components.common.errors import ArchiveError
from components.common.files import write_json


class TransientError(ArchiveError):
    """A failure that another attempt may not meet.

    Attributes
    ----------
    retry_after : float
        Seconds that the archive asked to be left alone, else 0.
    """

    def __init__(self, problem: str, remedy: str = "", retry_after: float = 0.0):
        super().__init__(problem, remedy or "The archive may be busy or down: run again later.")
        self.retry_after = retry_after


class PartialFile(AbstractContextManager["PartialFile"]):
    """The bytes received so far, in `.<name>.part`, and in a note beside it the version of the file they are of.

    They outlive the block, and the process, only where they can be continued: after an interruption, of a file
    whose version the archive can confirm.

    Parameters
    ----------
    destination : Path
        Where the whole file will be.
    url : str
        Where it comes from; bytes of another address are forgotten.

    Raises
    ------
    ArchiveError
        When another process is downloading to the same destination.
    """

    def __init__(self, destination: Path, url: str):
        self.path = destination.with_name(f".{destination.name}.part")
        self._note = destination.with_name(f".{destination.name}.note.part")
        self._destination = destination
        self._url = url

    def __enter__(self) -> "PartialFile":
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self.path.open("ab")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self._file.close()
            raise ArchiveError(
                f"{self._url} is being downloaded to {self._destination} by another process.",
                "Wait for it to finish, or choose another folder.",
            ) from error
        self.validator = self._read_note()
        if not self.validator:
            self.forget()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        interrupted = isinstance(error, TransientError) or (error is not None and not isinstance(error, Exception))
        try:
            self._file.close()
        finally:
            if not (interrupted and self.validator):
                self.path.unlink(missing_ok=True)
                self._note.unlink(missing_ok=True)

    @property
    def size(self) -> int:
        """Bytes received so far."""
        return self._file.seek(0, 2)

    def restart(self, validator: str) -> None:
        """Begin anew; `validator` is the file's ETag or date, empty if the archive gives neither."""
        self.forget()
        self.validator = validator
        write_json(self._note, {"url": self._url, "validator": validator})

    def forget(self) -> None:
        """Drop what has arrived."""
        self._file.truncate(0)
        self._note.unlink(missing_ok=True)
        self.validator = ""

    def write(self, chunk: bytes) -> None:
        """Append."""
        self._file.write(chunk)

    def head(self, count: int) -> bytes:
        """Return the first bytes; all of them are on disk afterwards."""
        self._file.flush()
        with self.path.open("rb") as file:
            return file.read(count)

    def finish(self) -> None:
        """Give the whole file its name."""
        self._file.flush()
        self.path.replace(self._destination)

    def _read_note(self) -> str:
        try:
            note = json.loads(self._note.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return ""
        return str(note["validator"]) if note["url"] == self._url else ""
