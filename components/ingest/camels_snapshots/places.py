"""Where the files of simulations lie: a folder, or the archive, from which one file at a time is fetched."""

import re
import tempfile
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Protocol

from components.common.archive import Archive, NotInArchiveError
from components.common.errors import InputError
from components.ingest.camels_snapshots.settings import Settings

_SNAPSHOT = re.compile(r"snap(shot)?_(\d{3,})(\.0)?\.hdf5")


class Place(Protocol):
    """A source of files."""

    def obtain(self, relative: str) -> Path | None:
        """Return a path to the file, or None if there is no such file."""
        ...

    def release(self, path: Path) -> None:
        """Do without the file."""
        ...

    def snapshots(self, folder: str) -> list[str]:
        """List the names of snapshots in a folder in their order, as far as the place can say."""
        ...


class Folder(AbstractContextManager["Folder"]):
    """Files on a disk, which stay there."""

    def __init__(self, root: Path):
        if not root.is_dir():
            raise InputError(f"There is no folder {root}.", "Set location to the one that holds the simulations.")
        self._root = root

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Keep everything."""

    def obtain(self, relative: str) -> Path | None:
        """Return the path if there is a file."""
        path = self._root / relative
        return path if path.is_file() else None

    def release(self, path: Path) -> None:
        """Keep the file."""

    def snapshots(self, folder: str) -> list[str]:
        """List the first files of snapshots by their number."""
        found = [(_SNAPSHOT.fullmatch(path.name), path.name) for path in (self._root / folder).glob("snap*.hdf5")]
        return [name for _, name in sorted((int(match[2]), name) for match, name in found if match)]

    def has(self, folder: str) -> bool:
        """Whether there is such a folder."""
        return (self._root / folder).is_dir()


class Remote(AbstractContextManager["Remote"]):
    """Files of an archive. There is never more than one on the disk, and none is kept in the store.

    A snapshot is hundreds of megabytes: a store that kept a set of them would hold a terabyte.
    """

    def __init__(self, settings: Settings):
        self._archive = Archive(settings.archive_url, version=settings.data_version, sharers=settings.shards)
        self._scratch = tempfile.TemporaryDirectory(prefix="armillary-")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._archive.close()
        self._scratch.cleanup()

    def obtain(self, relative: str) -> Path | None:
        """Fetch the file: retried, resumed where it broke off, and whole."""
        try:
            return self._archive.fetch(relative, Path(self._scratch.name) / relative.rpartition("/")[2])
        except NotInArchiveError:
            return None

    def release(self, path: Path) -> None:
        """Delete the file."""
        path.unlink(missing_ok=True)

    def snapshots(self, folder: str) -> list[str]:  # noqa: ARG002 (of the protocol)
        """List nothing: the archive's names are known."""
        return []
