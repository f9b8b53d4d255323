"""The ingest stage: simulated universes at their beginning and their end, from wherever they are, as densities."""

from pathlib import Path

from components.common.provenance import Provenance
from components.common.rejections import Noun, Rejections
from components.ingest.camels_snapshots.schema import fields
from components.ingest.camels_snapshots.settings import Settings
from components.ingest.dataset import Dataset, Source, write_dataset

__all__ = ["Settings", "ingest"]


SIMULATIONS = Noun(
    "simulation",
    "simulations",
    "Look at what is wrong with the files; check location, simulation_set and box_size_mpc_h.",
)


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
    about = {
        "grid": settings.grid,
        "box_size_mpc_h": settings.box_size_mpc_h,
        "target": settings.target,
        "matter": settings.matter,
    }
    return write_dataset(
        output,
        settings,
        lambda rejections: Dataset(_open(settings, rejections), fields(settings.grid), about),
        SIMULATIONS,
        rows_per_group=1,  # of two grids of up to 64 MB each: memory is flat because rows travel alone
    )


def _open(settings: Settings, rejections: Rejections) -> Source:
    # Imported here, because each run needs one of them, and HDF5 or HTTP only if it does.
    if settings.source == "simulated":
        from components.ingest.camels_snapshots.simulated import open_simulator

        return open_simulator(settings)
    from components.ingest.camels_snapshots.snapshots_source import open_snapshots

    return open_snapshots(settings, rejections)
