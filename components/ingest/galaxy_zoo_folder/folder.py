"""A folder of tables of real galaxies with classes, for validation."""

from pathlib import Path

from components.common.errors import InputError
from components.ingest.galaxy_zoo.derived import INGREDIENTS
from components.ingest.galaxy_zoo.files_source import paths_of
from components.ingest.galaxy_zoo.schema import PHOTOMETRY
from components.ingest.galaxy_zoo.table_stream import TableStream
from components.physics.gz2_tasks import VOTE_COLUMNS

_FEATURES = {
    "structure": ("photometry or structure", {*PHOTOMETRY, *INGREDIENTS}),
    "votes": ("debiased votes", {name for name in VOTE_COLUMNS if name.endswith("_debiased")}),
}
"""By task: what features are made of."""


def look_over(folder: str, task: str = "") -> list[TableStream]:
    """Open the tables of a folder, each with identifiers, gz2_class and what a model sees of galaxies.

    Parameters
    ----------
    folder : str
        Where they are.
    task : {"", "structure", "votes"}
        What the model is made for; without it identifiers and classes will do.

    Raises
    ------
    InputError
        When there is no folder or no table in it, or one lacks all of these columns.
    """
    if not Path(folder).is_dir():
        raise InputError(
            f"There is no folder {folder}.", "Set external to a folder of tables of galaxies, or leave it empty."
        )
    tables = [TableStream(path) for path in paths_of(folder)]
    what, features = _FEATURES.get(task, ("", set()))
    for table in tables:
        if features and not features & table.columns.keys():
            raise InputError(
                f"{table.path} has no column of {what}, which the task {task} is about.",
                "Join its rows with SkyServer's photometry, or set task to what it has: structure or votes.",
            )
    return tables
