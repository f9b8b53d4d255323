"""What the files of several suites and fields say together, and whether they fit what is asked for."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from components.common.errors import InputError, ParameterError
from components.common.provenance import Provenance
from components.ingest.camels_maps.map_file import MapFile
from components.ingest.camels_maps.settings import Settings

UNLABELLED = (
    "The table of parameters has more than six columns: universes differ in what no label here says, such as the "
    "density of baryons."
)


@dataclass(frozen=True, eq=False)
class Suite:
    """Files of one suite.

    Attributes
    ----------
    name : str
        Of the suite.
    files : mapping of str to MapFile
        Headers by field.
    parameters : ndarray, shape (simulations, 6)
        NaN for what the suite does not have.
    has_more_parameters : bool
        Whether other parameters vary too.
    """

    name: str
    files: Mapping[str, MapFile]
    parameters: npt.NDArray[np.float64]
    has_more_parameters: bool = False


def wanted(suites: list[Suite], settings: Settings) -> list[tuple[Suite, int]]:
    """List the simulations that this shard reads, suite by suite.

    Raises
    ------
    ParameterError
        When a suite does not have so many.
    """
    for suite in suites:
        there = len(suite.parameters)
        if settings.numbers[-1] >= there:
            raise ParameterError(
                f"{suite.name} has no simulation {settings.numbers[-1]} in its set {settings.camels_set}.",
                f"Set simulations to numbers from 0 to {there - 1}.",
            )
    pairs = [(suite, number) for suite in suites for number in settings.numbers]
    mine = settings.part.rows(len(pairs), 1)
    return pairs[mine.start : mine.stop]


def grid_of(suites: list[Suite], settings: Settings) -> int:
    """Pixels a side of the table's maps.

    Raises
    ------
    InputError
        When files differ in their number of pixels or of maps, or the grid asked for does not divide it.
    """
    first = next(iter(suites[0].files.items()))
    for suite in suites:
        for field, file in suite.files.items():
            if file.side != first[1].side or file.maps != suite.files[settings.fields[0]].maps:
                raise InputError(
                    f"The maps of {field} in {suite.name} are {file.maps} of {file.side} pixels a side, those of "
                    f"{first[0]} in {suites[0].name} {first[1].maps} of {first[1].side}.",
                    "Give the files of one release: the same map has the same number in all of a suite.",
                )
    side = first[1].side
    grid = settings.grid or side
    if side % grid:
        raise InputError(
            f"Maps of {side} pixels a side cannot be averaged to {grid}.",
            f"Set grid to a divisor of {side}, or to 0.",
        )
    return grid


def provenance_of(suites: list[Suite], settings: Settings, place: str, when: str, sha256: str) -> Provenance:
    """Describe where maps come from; `place` is the archive's address or the folder."""
    notes = [
        "Maps are of simulations, not of the sky: which of them are like it is not known. Labels are those of the "
        "suite: the same strength of feedback means another thing in another suite.",
    ]
    if any(suite.has_more_parameters for suite in suites):
        notes.append(UNLABELLED)
    if settings.grid:
        notes.append(f"Maps are averaged to {settings.grid} pixels a side where they have more.")
    return Provenance(
        origin="simulated",
        archive=f"CAMELS Multifield Dataset, {place}",
        query=f"suites {', '.join(settings.suites)}, set {settings.camels_set}, simulations "
        f"{settings.simulations}, 15 maps each of {', '.join(settings.fields)}",
        release="CMD, arXiv 2109.10915",
        retrieved_at=when,
        sha256=sha256,
        notes=tuple(notes),
    )
