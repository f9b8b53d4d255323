"""What is asked of an archive, what is known about the answer, and whether it is the file that was wanted."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from components.common.download import Version, WrongContentError
from components.common.errors import ArchiveError, ArmillaryError

_REMEDY = (
    "Try again later; if it stays so, the file is damaged in the archive: tell its help desk, and leave it out."
)

Check = Callable[[Path], object]


@dataclass(frozen=True)
class Request:
    """A file to fetch.

    Attributes
    ----------
    path : str
        Path below the archive's base address, with its query if it has one, already percent-encoded.
    destination : Path
        The file to write.
    sha256 : str
        Its hash, if known.
    size : int or None
        Its size in bytes, if known.
    span : tuple of int, optional
        First byte and number of bytes, where only a part of the file is wanted; sha256 is then the part's.
    version : str, optional
        Of this file, in place of the archive's in the cache's key. Empty for what never changes under its name,
        such as a spectrum of a release: whoever asks again for what may have changed need not fetch those again.
    """

    path: str
    destination: Path
    sha256: str = ""
    size: int | None = None
    span: tuple[int, int] | None = None
    version: str | None = None


@dataclass(frozen=True)
class Receipt:
    """What is known about a file that was fetched; kept beside it in the cache, and good for its provenance.

    Attributes
    ----------
    url : str
        Where it came from.
    etag, last_modified : str
        Its version as the archive names it; empty for a file that was on the disk already.
    retrieved_at : str
        When it was written, ISO 8601, UTC.
    size : int
        In bytes.
    sha256 : str
        Its hash.
    whole_size : int
        Bytes of the whole file in the archive, of which this may be a part; 0 where unknown.
    """

    url: str
    etag: str
    last_modified: str
    retrieved_at: str
    size: int
    sha256: str
    whole_size: int = 0

    @classmethod
    def of(cls, url: str, path: Path, version: Version) -> "Receipt":
        """Describe the file at `path`."""
        status = path.stat()
        written = datetime.fromtimestamp(status.st_mtime, UTC).isoformat(timespec="seconds")
        hashed = _sha256(path)
        return cls(url, version.etag, version.last_modified, written, status.st_size, hashed, version.whole_size)


@dataclass(frozen=True)
class Fetched:
    """Outcome of one request of `Archive.fetch_many`: either a receipt or an error."""

    request: Request
    receipt: Receipt | None
    error: ArchiveError | None


def verify(url: str, path: Path, request: Request, check: Check | None) -> None:
    """Raise `WrongContentError` if the file at `path` is not what `request` and `check` want."""
    size = path.stat().st_size
    wanted = request.span[1] if request.span else request.size
    if wanted is not None and size != wanted:
        raise WrongContentError(f"{url}: the file has {size} bytes, not {wanted}.", _REMEDY)
    if request.sha256 and _sha256(path) != request.sha256:
        raise WrongContentError(f"{url}: the file's sha256 is not {request.sha256}.", _REMEDY)
    if check is not None:
        try:
            check(path)
        except (ArmillaryError, ValueError, OSError) as error:
            raise WrongContentError(f"{url}: the file is not what was wanted: {error}", _REMEDY) from error


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
