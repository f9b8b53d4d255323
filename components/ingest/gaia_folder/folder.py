"""A folder of real stars, and of catalogues of their clusters' members."""

from pathlib import Path

import numpy as np

from components.common.errors import InputError
from components.ingest.gaia_stars.filling import REQUIRED, require
from components.ingest.gaia_stars.members import read_members
from components.ingest.gaia_stars.names import find_columns, guess_release
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
    looked = [_look_at(path) for path in stars]
    releases = {release for _, release in looked} - {""}
    if len(releases) > 1:
        raise InputError(
            f"The tables of stars in {folder} are of {' and '.join(sorted(releases))}: their epochs differ.",
            "Leave those of one release there.",
        )
    if not any(rows for rows, _ in looked):
        raise InputError(f"The tables of stars in {folder} have no rows.", "Put tables with stars there.")
    for path in members:
        read_members(path)
    return stars, members


def _look_at(path: Path) -> tuple[int, str]:
    """Count the stars of a table that has all that a search needs, and guess its release."""
    file = TableFile(path)
    names = find_columns(file.names, (*REQUIRED, "ref_epoch"))
    require(names, str(path))
    values = file.read([names[name] for name in ("ra", "ref_epoch") if name in names])
    epochs = values[names["ref_epoch"]] if "ref_epoch" in names else np.empty(0)
    epoch = float(epochs[0]) if len(epochs) and epochs.dtype.kind == "f" else None
    return len(values[names["ra"]]), guess_release(file.names, epoch)
