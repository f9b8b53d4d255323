"""A folder of real stars, and of catalogues of their clusters' members."""

from pathlib import Path

from components.common.errors import InputError
from components.ingest.gaia_stars.filling import REQUIRED, require
from components.ingest.gaia_stars.members import read_members
from components.ingest.gaia_stars.names import find_columns
from components.ingest.gaia_stars.table_file import SUFFIXES, TableFile

_MEMBERS = "members"


def look_over(folder: str) -> tuple[list[Path], list[Path]]:
    """Return the tables of stars and the catalogues of members of a folder, told apart by their names.

    Raises
    ------
    InputError
        When there is no table of stars, one lacks what a search needs, or a catalogue identifies nobody.
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
    rows = sum(_rows(path) for path in stars)
    if not rows:
        raise InputError(f"The tables of stars in {folder} have no rows.", "Put tables with stars there.")
    for path in members:
        read_members(path)
    return stars, members


def _rows(path: Path) -> int:
    """Count the stars of a table that has all that a search needs."""
    file = TableFile(path)
    names = find_columns(file.names, REQUIRED)
    require(names, str(path))
    return len(file.read([names["ra"]])[names["ra"]])
