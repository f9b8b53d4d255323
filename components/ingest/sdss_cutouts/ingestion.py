"""The ingest stage: pictures of galaxies with their redshifts, from wherever they are, into one table."""

from pathlib import Path

from components.common.provenance import Provenance
from components.common.rejections import Noun, Rejections
from components.ingest.dataset import Dataset, Source, write_dataset
from components.ingest.sdss_cutouts.schema import fields, image_settings
from components.ingest.sdss_cutouts.settings import Settings

__all__ = ["Settings", "ingest"]


PICTURES = Noun(
    "picture",
    "pictures",
    "See the reasons; widen the redshift range or the magnitude, or choose another part of the sky.",
)


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
    layout = (settings.channels, settings.encoding, settings.size)
    return write_dataset(
        output,
        settings,
        lambda rejections: Dataset(_open(settings, rejections), fields(*layout), image_settings(*layout)),
        PICTURES,
    )


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
