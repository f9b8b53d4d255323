"""The ingest stage: galaxies, the votes on them and their photometry, from wherever they are, into one table."""

import dataclasses
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import numpy.typing as npt

from components.common.files import whole
from components.common.provenance import Provenance
from components.common.rejections import Noun, Rejections
from components.common.tables import Columns, TableWriter
from components.common.telemetry import report_counts, report_progress, stage
from components.ingest.dataset import marks_of, nothing
from components.ingest.galaxy_zoo.rejection import Usable
from components.ingest.galaxy_zoo.schema import (
    FIELDS,
    GALAXIES_PER_GROUP,
    POSTERIOR_CLASSES,
    TRUTH_FIELDS,
    complete,
)
from components.ingest.galaxy_zoo.settings import Settings
from components.ingest.galaxy_zoo.source import Source

__all__ = ["Settings", "ingest"]


GALAXIES = Noun(
    "galaxy",
    "galaxies",
    "Check that the table has dr7objid and gz2_class, and what rejected.parquet says.",
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
        As stored in all tables. Galaxies requested = received + rejected.

    Raises
    ------
    InputError
        When not one galaxy can be used, or the source is not what it should be.
    ArchiveError
        When an archive is down, or answers with less than the whole.
    """
    part = settings.part
    marks = marks_of(settings)
    with stage(part.stage_name("ingest"), output), whole(output) as folder, ExitStack() as stack:
        rejections, asked = Rejections(), 0
        source = _open(settings)
        usable = Usable(rejections, source.first_row)
        table = stack.enter_context(
            TableWriter(folder / "dataset.parquet", FIELDS, source.provenance, marks, GALAXIES_PER_GROUP)
        )
        truth = stack.enter_context(_truth_writer(folder, source, marks)) if source.has_truth else None
        for number, batch in enumerate(source.batches):
            if number < source.skipped:
                usable.remember(batch)
                continue
            asked += len(batch["dr7objid"])
            keep = _write(batch, table, usable)
            if truth is not None:
                truth.write({field.name: batch[field.name][keep] for field in TRUTH_FIELDS})
            report_progress(asked, source.asked or asked, "galaxies", rejected=len(rejections))
        if not table.rows and part.is_whole:
            raise nothing(settings, rejections, GALAXIES)
        provenance = dataclasses.replace(
            source.provenance, requested=asked, received=table.rows, rejected=rejections.counts
        )
        table.provenance = provenance
        if truth is not None:
            truth.provenance = provenance
        rejections.write(folder / "rejected.parquet", provenance)
        report_counts(rows_in=asked, rows_out=table.rows, rejected=len(rejections))
        stack.close()  # the tables are whole before the folder is
    return provenance


def _truth_writer(folder: Path, source: Source, marks: dict[str, object]) -> TableWriter:
    about = {"classes": list(POSTERIOR_CLASSES), **marks}
    return TableWriter(folder / "truth.parquet", TRUTH_FIELDS, source.provenance, about, GALAXIES_PER_GROUP)


def _write(batch: Columns, table: TableWriter, usable: Usable) -> npt.NDArray[np.bool_]:
    keep = usable.keep(batch)
    kept = {name: values[keep] for name, values in batch.items()}
    kept["id"] = kept["dr7objid"].astype(np.str_).astype(object)
    kept["object_id"] = kept["id"]
    table.write(complete(kept))
    return keep


def _open(settings: Settings) -> Source:
    # Imported here, because each run needs one of them, and HTTP or astropy's readers only if it does.
    if settings.source == "archive":
        from components.ingest.galaxy_zoo.archive_source import open_archive

        return open_archive(settings)
    if settings.source == "skyserver":
        from components.ingest.galaxy_zoo.skyserver_source import open_skyserver

        return open_skyserver(settings)
    if settings.source == "files":
        from components.ingest.galaxy_zoo.files_source import open_files

        return open_files(settings)
    from components.ingest.galaxy_zoo.simulated import open_simulator

    return open_simulator(settings)
