"""The ingest stage: pictures of galaxies with their redshifts, from wherever they are, into one table."""

import dataclasses
from pathlib import Path

from components.common.contents import content_hash
from components.common.errors import InputError
from components.common.files import whole
from components.common.provenance import Provenance
from components.common.rejections import Rejections
from components.common.tables import TableWriter
from components.common.telemetry import report_counts, report_progress, stage
from components.ingest.sdss_cutouts.schema import fields, image_settings
from components.ingest.sdss_cutouts.settings import Settings
from components.ingest.sdss_cutouts.source import Source

__all__ = ["Settings", "ingest"]


def ingest(output: Path, settings: Settings) -> Provenance:
    """Write `dataset.parquet` and `rejected.parquet` into the folder `output`.

    Memory does not grow with the number of pictures, but for their labels. A shard may come out empty; that the
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
        As stored in both tables. Rows requested = received + rejected.

    Raises
    ------
    InputError
        When not one picture can be used, or the source is not what it should be.
    ArchiveError
        When the archive is down.
    """
    part = settings.part
    layout = (settings.channels, settings.encoding, settings.size)
    request = {**settings.request, "contents": content_hash()}
    marks = {**image_settings(*layout), **part.to_settings(request)}
    with stage(part.stage_name("ingest"), output), whole(output) as folder:
        rejections = Rejections()
        source = _open(settings, rejections)
        with TableWriter(folder / "dataset.parquet", fields(*layout), source.provenance, marks) as writer:
            for columns in source.batches:
                writer.write(columns)
                report_progress(writer.rows + len(rejections), source.asked, "pictures", rejected=len(rejections))
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
    # Imported here, because the simulator and the network are heavy and each run needs one of them.
    if settings.source == "files":
        from components.ingest.sdss_cutouts.files_source import open_folder

        return open_folder(Path(settings.location), settings, rejections)
    if settings.source == "archive":
        from components.ingest.sdss_cutouts.skyserver import open_skyserver

        return open_skyserver(settings, rejections)
    if settings.source == "frames":
        from components.ingest.sdss_cutouts.frames_source import open_frames

        return open_frames(settings, rejections)
    from components.ingest.sdss_cutouts.simulated import open_simulator

    return open_simulator(settings)


def _nothing(settings: Settings, rejections: Rejections) -> InputError:
    return InputError(
        f"None of the pictures of the source {settings.source} can be used: {rejections.counts}.",
        "See the reasons; widen the redshift range or the magnitude, or choose another part of the sky.",
    )
