"""The ingest stage: maps of simulated universes with their parameters, from wherever they are, into one table."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from components.common.provenance import Provenance
from components.common.rejections import Noun, Rejections
from components.common.tables import Columns
from components.ingest.camels_maps.schema import fields_of, rows_of, settings_of
from components.ingest.camels_maps.settings import Settings
from components.ingest.camels_maps.source import Simulation, Simulations
from components.ingest.dataset import Dataset, Source, write_dataset
from components.physics.multifield import MAPS_PER_SIMULATION, coarsen

__all__ = ["Settings", "ingest"]


MAPS = Noun("map", "maps", "Look at the files: fields of the dataset are finite and never negative.")


def ingest(output: Path, settings: Settings) -> Provenance:
    """Write `dataset.parquet` and `rejected.parquet` into the folder `output`.

    A few simulations are in memory at a time, however many there are. A shard may come out empty; that the
    whole is not, the stage that merges them sees to.

    Parameters
    ----------
    output : Path
        Folder to create; it appears when it is complete.
    settings : Settings
        What is wanted, and from where.

    Returns
    -------
    Provenance
        As stored in both tables. Maps requested = received + rejected.

    Raises
    ------
    InputError
        When not one map can be used, or the source is not what it should be.
    ArchiveError
        When the archive is down, or does not serve parts of files.
    """
    return write_dataset(output, settings, lambda rejections: _dataset(settings, rejections), MAPS)


def _dataset(settings: Settings, rejections: Rejections) -> Dataset:
    found = _open(settings)
    rows = (usable_rows(simulation, settings, found.grid, rejections) for simulation in found.simulations)
    source = Source(
        found.provenance, found.asked * MAPS_PER_SIMULATION, (some for some in rows if len(some["id"]))
    )
    return Dataset(source, fields_of(settings.fields, found.grid), settings_of(settings.fields, found.grid))


def _open(settings: Settings) -> Simulations:
    # Imported here, because each run needs one of them, and HTTP or compiled loops only if it does.
    if settings.source == "archive":
        from components.ingest.camels_maps.archive_source import open_archive

        return open_archive(settings)
    if settings.source == "files":
        from components.ingest.camels_maps.files_source import open_files

        return open_files(settings)
    from components.ingest.camels_maps.simulated import open_simulator

    return open_simulator(settings)


def usable_rows(simulation: Simulation, settings: Settings, grid: int, rejections: Rejections) -> Columns:
    """Turn a simulation into rows of the table, without the maps that cannot be right: these are rejected."""
    rows = rows_of(
        simulation.suite, settings.camels_set, simulation.number, simulation.parameters, simulation.maps
    )
    keep = np.ones(len(rows["id"]), dtype=bool)
    for reason, what, bad in _wrong(simulation.maps):
        for row in np.flatnonzero(keep & bad.any(1)):
            names = ", ".join(settings.fields[column] for column in np.flatnonzero(bad[row]))
            rejections.add(
                str(rows["id"][row]),
                reason,
                f"Map {rows['map_index'][row]} of {simulation.suite} has {what} in {names}.",
            )
            keep[row] = False
    kept = {name: values[keep] for name, values in rows.items()}
    return {**kept, "maps": coarsen(kept["maps"], grid)}


def _wrong(maps: npt.NDArray[np.float32]) -> list[tuple[str, str, npt.NDArray[np.bool_]]]:
    """Say which maps of which fields have pixels that no field can have."""
    finite = np.isfinite(maps)
    return [
        ("not a number", "pixels that are no finite numbers", np.asarray(~finite.all((2, 3)))),
        ("negative", "negative pixels", np.asarray((finite & (maps < 0)).any((2, 3)))),
    ]
