"""How the archive lays out simulations, now and before it was tidied up in 2024."""

from collections.abc import Iterator
from pathlib import Path

from components.common.errors import InputError
from components.ingest.camels_snapshots.places import Place
from components.ingest.camels_snapshots.settings import Settings
from components.ingest.camels_snapshots.snapshot_file import open_snapshot

INITIAL = ("ICs/ics.hdf5", "ICs/ics.0.hdf5", "ICs/ics.0", "ICs/ics")
FIRST = ("snapshot_000.hdf5", "snap_000.hdf5")
LAST = ("snapshot_090.hdf5", "snap_090.hdf5", "snap_033.hdf5")


class MissingError(InputError):
    """A file that is in none of the places where it might be."""


def folders(settings: Settings, name: str) -> list[str]:
    """Return the folders in which a simulation may be, relative to the archive's root or to the location."""
    suite, volume, simulation_set = settings.suite, settings.volume, settings.simulation_set
    modern = [f"Sims/{suite}/{volume}/{simulation_set}/{name}", f"Sims/{suite}/{name}"]
    if settings.source == "archive":
        return modern
    near = [f"{suite}/{volume}/{simulation_set}/{name}", f"{volume}/{simulation_set}/{name}"]
    return [*modern, *near, f"{simulation_set}/{name}", name]


def tables(settings: Settings) -> list[str]:
    """Return the places of the table of parameters: N-body simulations share that of their suite."""
    suite = settings.suite.removesuffix("_DM")
    names = [
        f"CosmoAstroSeed_{suite}_{settings.volume}_{settings.simulation_set}.txt",
        f"CosmoAstroSeed_{suite}_{settings.simulation_set}.txt",
    ]
    within = f"{settings.volume}/{settings.simulation_set}"
    places = [f"Parameters/{suite}", f"Parameters/{suite}/{within}", f"Sims/{settings.suite}/{within}"]
    if settings.source == "files":
        places.append(".")
    return [f"{place}/{name}" for place in places for name in names]


class Layout:
    """Find the files of simulations, and remember where they were: the next simulation will be beside.

    Parameters
    ----------
    place : Place
        Where to look.
    settings : Settings
        Suite and set.
    """

    def __init__(self, place: Place, settings: Settings):
        self._place, self._settings = place, settings
        self._found: dict[str, tuple[int, str]] = {}

    def files(self, name: str, which: str) -> Iterator[Path]:
        """Yield the files of a snapshot one by one; each is gone when the next is asked for.

        Parameters
        ----------
        name : str
            Of the simulation.
        which : {"initial", "first", "last"}
            The snapshot.

        Raises
        ------
        MissingError
            When a file is nowhere.
        """
        folder, first, path = self._look(name, which)
        number, count = 0, 1
        while True:
            try:
                if not number:
                    with open_snapshot(path) as file:
                        count = file.header.files
                yield path
            finally:
                self._place.release(path)
            number += 1
            if number >= count:
                return
            path = self._next(f"{folder}/{first}", number)

    def _look(self, name: str, which: str) -> tuple[str, str, Path]:
        for index, folder, file in self._candidates(name, which):
            path = self._place.obtain(f"{folder}/{file}")
            if path is not None:
                self._found[which] = (index, file)
                return folder, file, path
        tried = folders(self._settings, name)[0]
        names = {"initial": INITIAL, "first": FIRST, "last": LAST}[which]
        raise MissingError(f"{name} has none of {', '.join(names)} in {tried}.", "Leave it out, or fetch it.")

    def _candidates(self, name: str, which: str) -> Iterator[tuple[int, str, str]]:
        places = folders(self._settings, name)
        known = self._found.get(which)
        if known is not None:
            yield known[0], places[known[0]], known[1]
        for index, folder in enumerate(places):
            names: tuple[str, ...] = {"initial": INITIAL, "first": FIRST, "last": LAST}[which]
            numbered = self._place.snapshots(folder)
            if numbered and which != "initial":  # a folder of other numbers than the archive's
                names = (*names, numbered[0] if which == "first" else numbered[-1])
            yield from ((index, folder, file) for file in names if (index, file) != known)

    def _next(self, first: str, number: int) -> Path:
        stem, suffix = (first[:-5], ".hdf5") if first.endswith(".hdf5") else (first, "")
        relative = f"{stem.removesuffix('.0')}.{number}{suffix}"
        path = self._place.obtain(relative)
        if path is None:
            raise MissingError(f"There is no {relative}, which belongs to {first}.", "Fetch it, or leave it out.")
        return path
