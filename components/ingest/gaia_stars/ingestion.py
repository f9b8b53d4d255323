"""The ingest stage: stars of a region of the sky, from wherever they are, into one table."""

from collections.abc import Iterator
from pathlib import Path

from components.common.provenance import Provenance
from components.common.rejections import Noun, Rejections
from components.common.tables import Columns
from components.common.telemetry import warn
from components.ingest.dataset import Dataset, Source, Truth, write_dataset
from components.ingest.gaia_stars.rejection import usable
from components.ingest.gaia_stars.schema import FIELDS, STARS_PER_GROUP, TRUTH_FIELDS, complete
from components.ingest.gaia_stars.settings import Settings
from components.ingest.gaia_stars.source import Source as Stars

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
    return write_dataset(
        output, settings, lambda rejections: _dataset(settings, rejections), STARS, rows_per_group=STARS_PER_GROUP
    )


def _dataset(settings: Settings, rejections: Rejections) -> Dataset:
    stars = _open(settings, rejections)
    for note in stars.provenance.notes if stars.provenance.origin == "real" else ():
        warn(note)
    about = {"region": stars.region.to_settings(), "release": stars.release}
    truth = Truth(TRUTH_FIELDS, stars.truth) if stars.has_truth else None
    batches = _kept(stars, rejections)
    return Dataset(Source(stars.provenance, stars.asked, batches), FIELDS, about, truth)


def _kept(stars: Stars, rejections: Rejections) -> Iterator[Columns]:
    known = [field.name for field in TRUTH_FIELDS] if stars.has_truth else []
    for batch in stars.batches:
        columns = complete(batch)
        keep = usable(columns, rejections)
        yield {name: values[keep] for name, values in (columns | {name: batch[name] for name in known}).items()}


def _open(settings: Settings, rejections: Rejections) -> Stars:
    # Imported here, because each run needs one of them, and astropy's readers or HTTP only if it does.
    if settings.source == "archive":
        from components.ingest.gaia_stars.archive_source import open_archive

        return open_archive(settings, rejections)
    if settings.source == "files":
        from components.ingest.gaia_stars.files_source import open_files

        return open_files(settings, rejections)
    from components.ingest.gaia_stars.simulated import open_simulator

    return open_simulator(settings)
