"""A folder of simulations by others, looked over before a model is trained that will be validated on them."""

import re
from pathlib import Path

from components.common.errors import InputError
from components.common.rejections import Rejections
from components.ingest.camels_snapshots.layout import folders
from components.ingest.camels_snapshots.settings import Settings
from components.ingest.camels_snapshots.snapshots_source import open_snapshots

SETS = ("LH", "CV", "SB28", "1P", "EX", "BE")
"""Sets of simulations that are looked for, in this order."""

_TABLE = re.compile(rf"CosmoAstroSeed_(?P<suite>[\w-]+?)(?:_(?P<volume>L\d+n\d+))?_(?P<set>{'|'.join(SETS)})\.txt")


def find_set(folder: str) -> Settings:
    """Find a table of parameters and the simulations of its suite, and return what ingest reads them by.

    Raises
    ------
    InputError
        When there is no table, or there are no simulations beside it.
    """
    root = Path(folder).expanduser()
    found = {path: _TABLE.fullmatch(path.name) for path in sorted(root.rglob("CosmoAstroSeed_*.txt"))}
    tables = {path: match for path, match in found.items() if match}
    if not tables:
        raise InputError(
            f"There is no table of parameters and seeds such as CosmoAstroSeed_SIMBA_L25n256_CV.txt in {root}.",
            "Set external to a folder of simulations in CAMELS' layout with their table, or leave it empty.",
        )
    for path, match in sorted(tables.items(), key=lambda table: SETS.index(table[1]["set"])):
        for suite in (f"{match['suite']}_DM", match["suite"]):  # N-body simulations share the table of their twins
            wanted = _settings(root, suite, match, path)
            if any(next(root.glob(f"{place}/"), None) for place in folders(wanted, f"{match['set']}_*")):
                return wanted
    names = ", ".join(path.name for path in tables)
    raise InputError(
        f"There is no simulation in {root} of the sets whose tables it has: {names}.",
        f"Lay simulations out as the archive does, such as {folders(wanted, wanted.simulation_set + '_0')[0]}.",
    )


def look_over(folder: str) -> None:
    """Read the table of a folder and look for its simulations, without reading a snapshot.

    Raises
    ------
    InputError
        As of `find_set`, or when the table is not that of its set.
    """
    open_snapshots(find_set(folder), Rejections())


def _settings(root: Path, suite: str, match: re.Match[str], table: Path) -> Settings:
    return Settings(
        source="files",
        rows=0,
        location=str(root),
        suite=suite,
        volume=match["volume"] or Settings.volume,
        simulation_set=match["set"],
        parameters=str(table),
    )
