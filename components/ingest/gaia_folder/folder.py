"""A folder of real stars, and of catalogues of their clusters' members."""

from pathlib import Path

from components.common.errors import InputError
from components.ingest.gaia_stars.table_file import SUFFIXES, TableFile

_MEMBERS = "members"


def look_over(folder: str) -> tuple[list[Path], list[Path]]:
    """Return the tables of stars and the catalogues of members of a folder, told apart by their names.

    Raises
    ------
    InputError
        When there is no table of stars.
    """
    place = Path(folder)
    if not place.is_dir():
        raise InputError(
            f"There is no folder {folder}.", "Set external to a folder of star tables, or leave it empty."
        )
    tables = sorted(p for p in place.iterdir() if p.name.lower().removesuffix(".gz").endswith(SUFFIXES))
    members = [path for path in tables if _MEMBERS in path.name.lower()]
    stars = [path for path in tables if path not in members]
    if not stars:
        raise InputError(
            f"There is no table of stars in {folder}.",
            f"Put files there that end in {', '.join(SUFFIXES)}; a catalogue of members has 'members' in its "
            "name.",
        )
    for path in stars:
        _ = TableFile(path).names  # a file that is no table is told now
    return stars, members
