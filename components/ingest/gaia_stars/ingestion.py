"""The ingest stage: stars of a region of the sky, from wherever they are, into one table."""

import dataclasses
from contextlib import ExitStack
from pathlib import Path

from components.common.files import whole
from components.common.provenance import Provenance
from components.common.rejections import Noun, Rejections
from components.common.tables import Columns, TableWriter
from components.common.telemetry import report_counts, report_progress, stage, warn
from components.ingest.dataset import marks_of, nothing
from components.ingest.gaia_stars.rejection import usable
from components.ingest.gaia_stars.schema import FIELDS, STARS_PER_GROUP, TRUTH_FIELDS, complete
from components.ingest.gaia_stars.settings import Settings
from components.ingest.gaia_stars.source import Source

__all__ = ["Settings", "ingest"]


STARS = Noun(
    "star",
    "stars",
    "Check the region, maximum_magnitude and the cuts, and what the log says about the files.",
)


def ingest(output: Path, settings: Settings) -> Provenance:
    """Write `dataset.parquet` and `rejected.parquet`, and `truth.parquet` if it is known, into a folder.

    Truth has the rows of the dataset in their order, and lies beside it so that no stage reads it by mistake.

    Parameters
    ----------
    output : Path
        Folder to create; it appears when it is complete.
    settings : Settings
        What is wanted, and from where.

    Returns
    -------
    Provenance
        As stored in all tables. Stars requested = received + rejected.

    Raises
    ------
    InputError
        When not one star can be used, or the source is not what it should be.
    ArchiveError
        When the archive is down, or answers with less than the whole.
    """
    part = settings.part
    marks = marks_of(settings)
    with stage(part.stage_name("ingest"), output), whole(output) as folder, ExitStack() as stack:
        rejections = Rejections()
        source = _open(settings, rejections)
        for note in source.provenance.notes if source.provenance.origin == "real" else ():
            warn(note)
        about = {"region": source.region.to_settings(), "release": source.release, **marks}
        stars = stack.enter_context(
            TableWriter(folder / "dataset.parquet", FIELDS, source.provenance, about, STARS_PER_GROUP)
        )
        truth = stack.enter_context(_truth_writer(folder, source, marks)) if source.has_truth else None
        for batch in source.batches:
            _write(batch, stars, truth, rejections)
            report_progress(stars.rows + len(rejections), source.asked, "stars", rejected=len(rejections))
        if not stars.rows and part.is_whole:
            raise nothing(settings, rejections, STARS)
        provenance = dataclasses.replace(
            source.provenance, requested=source.asked, received=stars.rows, rejected=rejections.counts
        )
        stars.provenance = provenance
        if truth is not None:
            truth.provenance = provenance
        rejections.write(folder / "rejected.parquet", provenance)
        report_counts(rows_in=source.asked, rows_out=stars.rows, rejected=len(rejections))
        stack.close()  # the tables are whole before the folder is
    return provenance


def _truth_writer(folder: Path, source: Source, marks: dict[str, object]) -> TableWriter:
    return TableWriter(
        folder / "truth.parquet", TRUTH_FIELDS, source.provenance, {**source.truth, **marks}, STARS_PER_GROUP
    )


def _write(batch: Columns, stars: TableWriter, truth: TableWriter | None, rejections: Rejections) -> None:
    columns = complete(batch)
    keep = usable(columns, rejections)
    stars.write({name: values[keep] for name, values in columns.items()})
    if truth is not None:
        truth.write({field.name: batch[field.name][keep] for field in TRUTH_FIELDS})


def _open(settings: Settings, rejections: Rejections) -> Source:
    # Imported here, because each run needs one of them, and astropy's readers or HTTP only if it does.
    if settings.source == "archive":
        from components.ingest.gaia_stars.archive_source import open_archive

        return open_archive(settings, rejections)
    if settings.source == "files":
        from components.ingest.gaia_stars.files_source import open_files

        return open_files(settings, rejections)
    from components.ingest.gaia_stars.simulated import open_simulator

    return open_simulator(settings)
