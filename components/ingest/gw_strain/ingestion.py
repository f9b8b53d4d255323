"""The ingest stage: windows of strain with labels, from wherever they are, into one table."""

import dataclasses
from pathlib import Path

from components.common.contents import content_hash
from components.common.errors import InputError
from components.common.files import whole
from components.common.provenance import Provenance
from components.common.rejections import Rejections
from components.common.tables import TableWriter
from components.common.telemetry import report_counts, report_progress, stage
from components.ingest.gw_strain.schema import FIELDS
from components.ingest.gw_strain.settings import Settings
from components.ingest.gw_strain.source import Source

__all__ = ["Settings", "ingest"]


def ingest(output: Path, settings: Settings) -> Provenance:
    """Write `dataset.parquet` and `rejected.parquet` into the folder `output`.

    Memory does not grow with the number of windows, but for their labels. A shard may come out empty; that the
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
        As stored in both tables. Windows requested = received + rejected.

    Raises
    ------
    InputError
        When not one window can be used, or the source is not what it should be.
    ArchiveError
        When the archive is down.
    """
    part = settings.part
    marks = part.to_settings({**settings.request, "contents": content_hash()})
    with stage(part.stage_name("ingest"), output), whole(output) as folder:
        rejections = Rejections()
        source = _open(settings, rejections)
        with TableWriter(folder / "dataset.parquet", FIELDS, source.provenance, marks) as writer:
            for columns in source.batches:
                writer.write(columns)
                report_progress(writer.rows + len(rejections), source.asked, "windows", rejected=len(rejections))
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
    # Imported here, because each run needs one of them, and HTTP or HDF5 only if it does.
    if settings.source == "g2net":
        from components.ingest.gw_strain.g2net_source import open_g2net

        return open_g2net(settings, rejections)
    if settings.source == "gwosc":
        from components.ingest.gw_strain.gwosc_source import open_gwosc

        return open_gwosc(settings, rejections)
    from components.ingest.gw_strain.simulated import open_simulator

    return open_simulator(settings)


def _nothing(settings: Settings, rejections: Rejections) -> InputError:
    counts = ", ".join(f"{count} {reason}" for reason, count in rejections.counts.items())
    return InputError(
        f"Not one window from the source {settings.source} can be used: {counts or 'none was found'}.",
        "Read above what is wrong with them; check location, and the times that are excluded.",
    )
