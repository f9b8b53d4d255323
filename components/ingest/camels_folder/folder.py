"""A folder with files of the CAMELS Multifield Dataset, looked over before anything is trained."""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from components.common.errors import InputError
from components.ingest.camels_maps.files_source import open_files
from components.ingest.camels_maps.map_file import HEADER_BYTES, folders_of, read_header
from components.ingest.camels_maps.settings import NBODY, SETS, SUITES, Settings
from components.physics.multifield import FIELDS

_NAME = re.compile(
    rf"Maps_(?P<field>{'|'.join(FIELDS)})_(?P<suite>(?:{NBODY})?(?:{'|'.join(SUITES)}))_"
    rf"(?P<set>{'|'.join(SETS)})_z=0\.00\.npy"
)


@dataclass(frozen=True)
class SuiteFiles:
    """Files of one suite and set.

    Attributes
    ----------
    suite, camels_set : str
        Which.
    location : Path
        Folder that ingest finds them in: theirs, or the one above where theirs has the name of the suite.
    files : dict of str to Path
        By field.
    """

    suite: str
    camels_set: str
    location: Path
    files: dict[str, Path] = field(default_factory=dict)

    @property
    def simulations(self) -> int:
        """Number of simulations that the maps are of."""
        path = next(iter(self.files.values()))
        with path.open("rb") as stream:
            return read_header(stream.read(HEADER_BYTES), str(path)).simulations

    def settings(self, fields: Collection[str], simulations: Iterable[int], grid: int) -> Settings:
        """Return what ingest reads some simulations by."""
        return Settings(
            source="files",
            fields=tuple(fields),
            suites=(self.suite,),
            camels_set=self.camels_set,
            simulations=",".join(str(number) for number in simulations),
            grid=grid,
            location=str(self.location),
        )


def find_suites(folder: Path, fields: Collection[str]) -> list[SuiteFiles]:
    """List suites and sets of which a folder, or one below it, has maps of all fields.

    Raises
    ------
    InputError
        When there is none.
    """
    found: dict[tuple[str, str, Path], SuiteFiles] = {}
    for path in sorted(folder.expanduser().rglob("Maps_*.npy")):
        if match := _NAME.fullmatch(path.name):
            suite, camels_set = match["suite"], match["set"]
            own = path.parent
            location = own.parent if own.name == folders_of(suite)[0] else own
            key = suite, camels_set, location
            found.setdefault(key, SuiteFiles(*key)).files[match["field"]] = path
    complete = [one for one in found.values() if set(fields) <= set(one.files)]
    if not complete:
        raise InputError(
            f"There are no maps of {', '.join(fields)} in {folder}.",
            "Set external to a folder with files such as Maps_Mtot_SIMBA_LH_z=0.00.npy and params_LH_SIMBA.txt, "
            f"of the suites {', '.join(SUITES)}, these with {NBODY} before, and the sets {', '.join(SETS)}.",
        )
    return complete


def look_over(folder: Path, fields: Collection[str], grid: int) -> None:
    """Read headers and tables of the files that maps of some fields will be tried on, and no map.

    Raises
    ------
    InputError
        When there are no files of all fields, or one of them is cut off, without its table, or not what it should
        be, or its maps cannot be averaged to `grid`.
    """
    for found in find_suites(folder, fields):
        open_files(found.settings(fields, [0], grid))
