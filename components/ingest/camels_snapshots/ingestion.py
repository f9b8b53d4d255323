"""The ingest stage: simulated universes at their beginning and their end, from wherever they are, as densities."""

import dataclasses
from pathlib import Path

from components.common.contents import content_hash
from components.common.errors import InputError
from components.common.files import whole
from components.common.provenance import Provenance
from components.common.rejections import Rejections
from components.common.tables import TableWriter
from components.common.telemetry import report_counts, report_progress, stage
from components.ingest.camels_snapshots.schema import fields
from components.ingest.camels_snapshots.settings import Settings
from components.ingest.camels_snapshots.source import Source

__all__ = ["Settings", "ingest"]


def ingest(output: Path, settings: Settings) -> Provenance:
    """Write `dataset.parquet` and `rejected.parquet` into the folder `output`.

    Neither memory nor the disk's scratch space grows with the number of simulations: they are read one by one, in
    parts, and files that were fetched are dropped when their density is known.

    Parameters
    ----------
    output : Path
        Folder to create; it appears when it is complete.
    settings : Settings
        What is wanted, and from where.

    Returns
    -------
    Provenance
        As stored in both tables. Simulations requested = received + rejected.

    Raises
    ------
    InputError
        When not one simulation can be used, or the table of parameters is not that of the set.
    ArchiveError
        When the archive is down.
    """
    part = settings.part
    about = {
        "grid": settings.grid,
        "box_size_mpc_h": settings.box_size_mpc_h,
        "target": settings.target,
        "matter": settings.matter,
        **part.to_settings({**settings.request, "contents": content_hash()}),
    }
    with stage(part.stage_name("ingest"), output), whole(output) as folder:
        rejections = Rejections()
        source = _open(settings, rejections)
        with TableWriter(
            folder / "dataset.parquet", fields(settings.grid), source.provenance, about, rows_per_group=1
        ) as writer:
            for columns in source.batches:
                writer.write(columns)
                done = writer.rows + len(rejections)
                report_progress(done, source.asked, "simulations", rejected=len(rejections))
            if not writer.rows and part.is_whole:
                raise _nothing(settings, rejections)
            writer.provenance = dataclasses.replace(
                source.provenance,
                requested=source.asked,
                received=writer.rows,
                rejected=rejections.counts,
            )
        rejections.write(folder / "rejected.parquet", writer.provenance)
        report_counts(rows_in=source.asked, rows_out=writer.rows, rejected=len(rejections))
    return writer.provenance


def _open(settings: Settings, rejections: Rejections) -> Source:
    # Imported here, because each run needs one of them, and HDF5 or HTTP only if it does.
    if settings.source == "simulated":
        from components.ingest.camels_snapshots.simulated import open_simulator

        return open_simulator(settings)
    from components.ingest.camels_snapshots.snapshots_source import open_snapshots

    return open_snapshots(settings, rejections)


def _nothing(settings: Settings, rejections: Rejections) -> InputError:
    counts = ", ".join(f"{count} {reason}" for reason, count in rejections.counts.items())
    first = next(iter(rejections.details), "")
    return InputError(
        f"Not one simulation from the source {settings.source} can be used: {counts or 'none was found'}. {first}",
        "Look at what is wrong with the files; check location, simulation_set and box_size_mpc_h.",
    )
