"""A folder with files of the CAMELS Multifield Dataset, looked over by their names."""

import re
from pathlib import Path

from components.common.errors import InputError

_NAME = re.compile(r"Maps_(?P<field>[A-Za-z]+)_(?P<suite>\w+)_(?P<set>LH|CV|1P|EX)_z=0\.00\.npy")


def find_suites(folder: Path, fields: list[str] | None = None) -> list[tuple[str, str, Path]]:
    """List suites and sets of which a folder has maps of all fields, each with one of its files.

    Raises
    ------
    InputError
        When there is none.
    """
    found: dict[tuple[str, str], dict[str, Path]] = {}
    for path in sorted(folder.expanduser().rglob("Maps_*.npy")):
        if match := _NAME.fullmatch(path.name):
            found.setdefault((match["suite"], match["set"]), {})[match["field"]] = path
    whole = [(*key, next(iter(files.values()))) for key, files in found.items() if set(fields or ()) <= set(files)]
    if not whole:
        wanted = f" of {', '.join(fields)}" if fields else ""
        raise InputError(
            f"There are no maps{wanted} in {folder}.",
            "Set external to a folder with files such as Maps_Mtot_SIMBA_LH_z=0.00.npy and params_LH_SIMBA.txt.",
        )
    return whole
