"""A folder of tables of real galaxies with classes, for validation."""

from pathlib import Path

from components.common.errors import InputError
from components.ingest.galaxy_zoo.files_source import paths_of
from components.ingest.galaxy_zoo.table_stream import TableStream


def look_over(folder: str) -> list[TableStream]:
    """Open the tables of a folder, each with identifiers and gz2_class.

    Raises
    ------
    InputError
        When there is no folder or no table in it, or one lacks these columns.
    """
    if not Path(folder).is_dir():
        raise InputError(
            f"There is no folder {folder}.", "Set external to a folder of tables of galaxies, or leave it empty."
        )
    return [TableStream(path) for path in paths_of(folder)]
