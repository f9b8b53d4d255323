"""The ingest stage: maps of simulated universes with their parameters, from wherever they are, into one table."""

import dataclasses
from pathlib import Path

import numpy as np
import numpy.typing as npt

from components.common.contents import content_hash
from components.common.errors import InputError
from components.common.files import whole
from components.common.provenance import Provenance
from components.common.rejections import Rejections
from components.common.tables import Columns, TableWriter
from components.common.telemetry import report_counts, report_progress, stage
from components.ingest.camels_maps.schema import fields_of, rows_of, settings_of
from components.ingest.camels_maps.settings import Settings
from components.ingest.camels_maps.source import Simulation, Source
from components.physics.multifield import MAPS_PER_SIMULATION, coarsen

__all__ = ["Settings", "ingest"]


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
    part = settings.part
    with stage(part.stage_name("ingest"), output), whole(output) as folder:
        rejections, source = Rejections(), _open(settings)
        stored = {
            **settings_of(settings.fields, source.grid),
            **part.to_settings({**settings.request, "contents": content_hash()}),
        }
        asked = source.asked * MAPS_PER_SIMULATION
        with TableWriter(
            folder / "dataset.parquet", fields_of(settings.fields, source.grid), source.provenance, stored
        ) as writer:
            for done, simulation in enumerate(source.simulations, start=1):
                rows = _rows(simulation, settings, source.grid, rejections)
                if len(rows["id"]):
                    writer.write(rows)
                report_progress(done, source.asked, "simulations", rejected=len(rejections))
            if not writer.rows and part.is_whole:
                raise _nothing(settings, rejections)
            writer.provenance = dataclasses.replace(
                source.provenance, requested=asked, received=writer.rows, rejected=rejections.counts
            )
        rejections.write(folder / "rejected.parquet", writer.provenance)
        report_counts(rows_in=asked, rows_out=writer.rows, rejected=len(rejections))
    return writer.provenance


def _open(settings: Settings) -> Source:
    # Imported here, because each run needs one of them, and HTTP or compiled loops only if it does.
    if settings.source == "archive":
        from components.ingest.camels_maps.archive_source import open_archive

        return open_archive(settings)
    if settings.source == "files":
        from components.ingest.camels_maps.files_source import open_files

        return open_files(settings)
    from components.ingest.camels_maps.simulated import open_simulator

    return open_simulator(settings)


def _rows(simulation: Simulation, settings: Settings, grid: int, rejections: Rejections) -> Columns:
    """Turn a simulation into rows, without the maps that cannot be right."""
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


def _nothing(settings: Settings, rejections: Rejections) -> InputError:
    counts = ", ".join(f"{count} {reason}" for reason, count in rejections.counts.items())
    return InputError(
        f"Not one map from the source {settings.source} can be used: {counts or 'none was found'}.",
        "Look at the files: fields of the dataset are finite and never negative.",
    )
