"""The ingest stage: galaxies, the votes on them and their photometry, from wherever they are, into one table."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from components.common.provenance import Provenance
from components.common.rejections import Noun, Rejections
from components.common.tables import Columns
from components.ingest.dataset import Dataset, Source, Truth, write_dataset
from components.ingest.galaxy_zoo.rejection import Usable
from components.ingest.galaxy_zoo.schema import (
    FIELDS,
    GALAXIES_PER_GROUP,
    POSTERIOR_CLASSES,
    TRUTH_FIELDS,
    complete,
)
from components.ingest.galaxy_zoo.settings import Settings
from components.ingest.galaxy_zoo.source import Source as Galaxies

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
    return write_dataset(
        output, settings, lambda rejections: _dataset(settings, rejections), GALAXIES, GALAXIES_PER_GROUP
    )


def _dataset(settings: Settings, rejections: Rejections) -> Dataset:
    galaxies = _open(settings)
    source = Source(galaxies.provenance, galaxies.asked or 0, iter(()))
    source.batches = _kept(galaxies, source, Usable(rejections, galaxies.first_row))
    truth = Truth(TRUTH_FIELDS, {"classes": list(POSTERIOR_CLASSES)}) if galaxies.has_truth else None
    return Dataset(source, FIELDS, truth=truth)


def _kept(galaxies: Galaxies, source: Source, usable: Usable) -> Iterator[Columns]:
    """Yield what is kept of the batches, and count in `source` what was asked for: a file may end earlier."""
    asked = 0
    for number, batch in enumerate(galaxies.batches):
        if number < galaxies.skipped:
            usable.remember(batch)
            continue
        asked += len(batch["dr7objid"])
        source.asked = max(source.asked, asked)
        keep = usable.keep(batch)
        kept = {name: values[keep] for name, values in batch.items()}
        kept["id"] = kept["dr7objid"].astype(np.str_).astype(object)
        kept["object_id"] = kept["id"]
        yield kept | complete(kept)
    source.asked = asked


def _open(settings: Settings) -> Galaxies:
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
