"""The ingest stage: windows of strain with labels, from wherever they are, into one table."""

from pathlib import Path

from components.common.provenance import Provenance
from components.common.rejections import Noun, Rejections
from components.ingest.dataset import Dataset, Source, write_dataset
from components.ingest.gw_strain.schema import FIELDS
from components.ingest.gw_strain.settings import Settings

__all__ = ["Settings", "ingest"]


WINDOWS = Noun(
    "window",
    "windows",
    "Read above what is wrong with them; check location, and the times that are excluded.",
)


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
    return write_dataset(
        output, settings, lambda rejections: Dataset(_open(settings, rejections), FIELDS), WINDOWS
    )


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
