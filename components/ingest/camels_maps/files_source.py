"""Files of the dataset on a disk, mapped into memory, of which only what is asked for is read."""

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from components.common.errors import InputError
from components.ingest.camels_maps import map_file
from components.ingest.camels_maps.catalogue import Suite, grid_of, provenance_of, wanted
from components.ingest.camels_maps.map_file import HEADER_BYTES, MapFile, read_header, read_parameters
from components.ingest.camels_maps.settings import Settings
from components.ingest.camels_maps.source import Simulation, Simulations
from components.physics.multifield import PARAMETERS


def open_files(settings: Settings) -> Simulations:
    """Find the files in a folder, and read their headers and tables.

    Raises
    ------
    InputError
        When a file is missing, cut off, or not what it should be.
    """
    folder = Path(settings.location)
    suites = [_suite(folder, name, settings) for name in settings.suites]
    grid = grid_of(suites, settings)
    pairs = wanted(suites, settings)
    tables = hashlib.sha256(b"".join(suite.parameters.tobytes() for suite in suites)).hexdigest()
    provenance = provenance_of(
        suites, settings, str(folder), datetime.now(UTC).isoformat(timespec="seconds"), tables
    )
    return Simulations(provenance, len(pairs), grid, _read(folder, pairs, settings))


def _suite(folder: Path, name: str, settings: Settings) -> Suite:
    files = {field: _header(_maps_path(folder, field, name, settings)) for field in settings.fields}
    table = _find(folder, name, map_file.tables_of(name, settings.camels_set))
    text = table.read_text(encoding="utf-8", errors="replace")
    simulations = files[settings.fields[0]].simulations
    parameters = read_parameters(text, name, simulations, str(table))
    return Suite(name, files, parameters, map_file.count_columns(text) > len(PARAMETERS))


def _maps_path(folder: Path, field: str, suite: str, settings: Settings) -> Path:
    return _find(folder, suite, (map_file.maps_name(field, suite, settings.camels_set),))


def _find(folder: Path, suite: str, names: tuple[str, ...]) -> Path:
    places = [folder / place / name for name in names for place in map_file.folders_of(suite)]
    for path in places:
        if path.is_file():
            return path
    raise InputError(
        f"There is no {' or '.join(names)} in {folder}, nor in its folder {map_file.folders_of(suite)[0]}.",
        "Correct location, fields, suites or camels_set; keep the names of the dataset.",
    )


def _header(path: Path) -> MapFile:
    with path.open("rb") as stream:
        file = read_header(stream.read(HEADER_BYTES), str(path))
    size = path.stat().st_size
    if size != file.size:
        raise InputError(
            f"{path} has {size} bytes, but its header announces {file.maps} maps, which are {file.size}.",
            "Download it again: it is cut off or damaged.",
        )
    return file


def _read(folder: Path, pairs: list[tuple[Suite, int]], settings: Settings) -> Iterator[Simulation]:
    for suite, number in pairs:
        parts = []
        for field, file in suite.files.items():
            first, count = file.span(number)
            # Mapped anew for each simulation: pages of a mapping that stays count as the process's memory.
            content = np.memmap(_maps_path(folder, field, suite.name, settings), np.uint8, "r", first, (count,))
            parts.append(file.decode(content.tobytes()))
        yield Simulation(suite.name, number, tuple(suite.parameters[number]), np.stack(parts, axis=1))
