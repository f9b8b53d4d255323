"""The dataset's archive: of files of gigabytes, the maps of the simulations that are wanted and no more."""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from components.common.archive import Archive, NotInArchiveError, Receipt, Request
from components.common.errors import ArchiveError, InputError
from components.common.store import Store
from components.ingest.camels_maps import map_file
from components.ingest.camels_maps.catalogue import Suite, grid_of, provenance_of, wanted
from components.ingest.camels_maps.map_file import HEADER_BYTES, MapFile, read_header, read_parameters
from components.ingest.camels_maps.settings import CMD_ARCHIVE, Settings
from components.ingest.camels_maps.source import Simulation, Simulations
from components.physics.multifield import PARAMETERS

_ROOT = "2D_maps/data"
_ALSO_AT = "https://users.flatironinstitute.org/~camels/CMD"
"""Where others have fetched the same files; the documentation of the dataset names the other address."""


@dataclass
class _Places:
    """Where the archive has files, and of which version they are.

    Attributes
    ----------
    paths : dict of (str, str) to str
        By suite and field.
    versions : dict of str to str
        ETag or date by path: parts of a file that changed meanwhile do not belong together.
    """

    paths: dict[tuple[str, str], str] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)

    def part(self, suite: str, channel: str, destination: Path, span: tuple[int, int]) -> Request:
        """Ask for a part of the version of a file whose header was read, which may be in the store for long."""
        path = self.paths[suite, channel]
        return Request(path, destination, span=span, version=self.versions[path] or None)

    def check(self, path: str, receipt: Receipt) -> None:
        """Remember the version of a file, or refuse another one."""
        version = receipt.etag or receipt.last_modified
        if self.versions.setdefault(path, version) != version:
            raise ArchiveError(
                f"{receipt.url} is another version than it was before ({version}, not {self.versions[path]}).",
                "Run again with another data_version, so that no part of the former version is used.",
            )


def open_archive(settings: Settings) -> Simulations:
    """Read headers and tables of the files, and fetch maps when they are asked for.

    Raises
    ------
    ArchiveError
        When the archive is down, has no such files, or does not serve parts of them.
    InputError
        When files are not what they should be.
    """
    places = _Places()
    tables: list[Receipt] = []
    with _archive(settings) as archive, tempfile.TemporaryDirectory(prefix="armillary-") as scratch:
        suites = [_suite(archive, name, settings, places, tables, Path(scratch)) for name in settings.suites]
    grid = grid_of(suites, settings)
    pairs = wanted(suites, settings)
    provenance = provenance_of(
        suites,
        settings,
        settings.archive_url,
        min(receipt.retrieved_at for receipt in tables),
        tables[0].sha256 if len(tables) == 1 else "",
    )
    return Simulations(provenance, len(pairs), grid, _fetch(pairs, settings, places))


def _archive(settings: Settings) -> Archive:
    return Archive(
        settings.archive_url, Store.if_configured(), version=settings.data_version, sharers=settings.shards
    )


def _suite(
    archive: Archive, name: str, settings: Settings, places: _Places, tables: list[Receipt], scratch: Path
) -> Suite:
    files = {}
    for channel in settings.fields:
        file_name = map_file.maps_name(channel, name, settings.camels_set)
        path, receipt, content = _first(archive, name, (file_name,), scratch, (0, HEADER_BYTES))
        file = read_header(content, receipt.url)
        _require_whole(file, receipt)
        places.check(path, receipt)
        places.paths[name, channel] = path
        files[channel] = file
    names = map_file.tables_of(name, settings.camels_set)
    _, receipt, content = _first(archive, name, names, scratch, None)
    tables.append(receipt)
    text = content.decode("utf-8", errors="replace")
    simulations = files[settings.fields[0]].simulations
    parameters = read_parameters(text, name, simulations, receipt.url)
    return Suite(name, files, parameters, map_file.count_columns(text) > len(PARAMETERS))


def _first(
    archive: Archive, suite: str, names: tuple[str, ...], scratch: Path, span: tuple[int, int] | None
) -> tuple[str, Receipt, bytes]:
    """Fetch a file, or its beginning, from the first place that has it."""
    paths = [
        "/".join(filter(None, (_ROOT, place, name))) for name in names for place in map_file.folders_of(suite)
    ]
    missing: NotInArchiveError | None = None
    for number, path in enumerate(paths):
        destination = scratch / f"{number}-{Path(path).name}"
        try:
            receipt = archive.obtain(Request(path, destination, span=span))
        except NotInArchiveError as error:
            missing = missing or error
            continue
        return path, receipt, destination.read_bytes()
    raise ArchiveError(
        f"{archive.base_url} has none of {', '.join(paths)}.",
        f"Check fields, suites, camels_set and archive_url: the dataset is at {CMD_ARCHIVE} and at {_ALSO_AT}.",
    ) from missing


def _require_whole(file: MapFile, receipt: Receipt) -> None:
    if receipt.whole_size and receipt.whole_size != file.size:
        raise InputError(
            f"{receipt.url} has {receipt.whole_size} bytes, but its header announces {file.maps} maps, which are "
            f"{file.size}.",
            "The file in the archive is cut off: tell its keepers, and leave the field out.",
        )


def _fetch(pairs: list[tuple[Suite, int]], settings: Settings, places: _Places) -> Iterator[Simulation]:
    """Fetch the maps of one simulation after the other, of all its fields at a time."""
    with _archive(settings) as archive:
        for suite, number in pairs:
            with tempfile.TemporaryDirectory(prefix="armillary-") as scratch:
                requests = [
                    places.part(suite.name, channel, Path(scratch) / channel, file.span(number))
                    for channel, file in suite.files.items()
                ]
                for fetched in archive.fetch_many(requests):
                    if fetched.receipt is None:
                        assert fetched.error is not None
                        raise fetched.error
                    places.check(fetched.request.path, fetched.receipt)
                parts = [
                    file.decode((Path(scratch) / channel).read_bytes()) for channel, file in suite.files.items()
                ]
            yield Simulation(suite.name, number, tuple(suite.parameters[number]), np.stack(parts, axis=1))
