"""Snapshots of CAMELS, or of any simulation in its layout: from the archive, or from a folder."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from components.common.errors import ArchiveError, InputError, ParameterError
from components.common.provenance import Provenance
from components.common.rejections import Rejections
from components.common.tables import Columns
from components.common.telemetry import warn
from components.common.threads import cores
from components.ingest.camels_snapshots.density import Density, read_density
from components.ingest.camels_snapshots.layout import Layout, MissingError, folders, tables
from components.ingest.camels_snapshots.parameter_table import Simulation, choose, read_parameters
from components.ingest.camels_snapshots.places import Folder, Place, Remote
from components.ingest.camels_snapshots.settings import Settings
from components.ingest.dataset import Source

MISSING, UNUSABLE, OTHER_COSMOLOGY, LATE = "missing", "unusable file", "another cosmology", "not today"
NOT_SENT = "not sent"
_DOWN_AFTER = 3
"""So many simulations in a row that are not sent mean that the archive is down, not that they are on tape."""
_HOPELESS_AFTER = 5
"""So many that cannot be used before any that can mean wrong settings; all of a set may be half a terabyte."""
_LATEST_REDSHIFT = 0.1
_COSMOLOGY_TOLERANCE = 2e-3
"""Tables have five decimals, and some files are written in four."""


def open_snapshots(settings: Settings, rejections: Rejections) -> Source:
    """Read the table of parameters, choose this shard's simulations, and stream them.

    Raises
    ------
    ArchiveError
        When the archive is down.
    InputError
        When there is no table of parameters, or it is not that of the set.
    """
    with _open(settings) as place:
        simulations = _simulations(place, settings)
    mine = [simulations[row] for row in settings.part.rows(len(simulations), 1)]
    where = settings.location or settings.archive_url
    provenance = Provenance(
        origin="simulated",
        archive=f"CAMELS, {where}",
        query=f"{settings.suite} {settings.volume} {settings.simulation_set}, simulations "
        f"{settings.simulations or 'all'}, rows {_draw(settings)}; matter {settings.matter}; density on "
        f"{settings.grid}^3 cells",
        release="CAMELS public data release, arXiv 2201.01300"
        if settings.source == "archive"
        else "as the folder has it",
        retrieved_at=datetime.now(UTC).isoformat(timespec="seconds"),
        notes=("Simulated by others: the density of particles in snapshots, by cloud-in-cell.",),
    )
    return Source(provenance, len(mine), _stream(mine, settings, rejections))


def _draw(settings: Settings) -> str:
    """Say which rows, in the query: as the data's own seed it would tell simulations from themselves."""
    return f"{settings.rows} drawn with seed {settings.seed}" if settings.rows else "all"


def _open(settings: Settings) -> Folder | Remote:
    return Folder(Path(settings.location).expanduser()) if settings.source == "files" else Remote(settings)


def _simulations(place: Folder | Remote, settings: Settings) -> list[Simulation]:
    simulations = choose(_table(place, settings), settings.simulations, settings.simulation_set)
    if isinstance(place, Folder) and not settings.simulations:
        simulations = [s for s in simulations if any(place.has(folder) for folder in folders(settings, s.name))]
        if not simulations:
            raise InputError(
                f"{settings.location} has no folder of a simulation of {settings.simulation_set}.",
                f"Lay them out as the archive does: {folders(settings, settings.simulation_set + '_0')[0]}.",
            )
    if settings.rows and settings.rows < len(simulations):
        rng = np.random.default_rng(settings.seed % 2**64)
        chosen = np.sort(rng.choice(len(simulations), settings.rows, replace=False))
        simulations = [simulations[row] for row in chosen]
    elif settings.rows > len(simulations):
        warn(f"{settings.rows} simulations were asked for, but there are {len(simulations)}.")
    return simulations


def _table(place: Place, settings: Settings) -> list[Simulation]:
    if settings.parameters:
        return read_parameters(Path(settings.parameters).expanduser(), settings.simulation_set)
    for relative in tables(settings):
        path = place.obtain(relative)
        if path is not None:
            try:
                return read_parameters(path, settings.simulation_set)
            finally:
                place.release(path)
    raise InputError(
        f"There is no table of parameters of {settings.suite} {settings.simulation_set}: none of "
        f"{', '.join(tables(settings))}.",
        "Set parameters to the CosmoAstroSeed table of the set: docs/params in the project's repository has it.",
    )


def _stream(mine: list[Simulation], settings: Settings, rejections: Rejections) -> Iterator[Columns]:
    not_sent = used = 0
    with _open(settings) as place:
        layout = Layout(place, settings)
        for simulation in mine:
            try:
                columns = _row(layout, simulation, settings, rejections)
            except ArchiveError as error:
                not_sent += 1
                if not_sent >= min(_DOWN_AFTER, len(mine)):
                    raise
                rejections.add(simulation.name, NOT_SENT, str(error))
                continue
            not_sent = 0
            if columns is not None:
                used += 1
                yield columns
            elif settings.source == "archive" and not used:
                _require_hope(rejections)


def _require_hope(rejections: Rejections) -> None:
    """Stop before a whole set is fetched for nothing."""
    counts = rejections.counts
    if sum(counts.get(reason, 0) for reason in (UNUSABLE, OTHER_COSMOLOGY, LATE)) >= _HOPELESS_AFTER:
        raise InputError(
            f"None of the first {_HOPELESS_AFTER} simulations that came can be used. {rejections.details[-1]}",
            "Check box_size_mpc_h, grid, volume, simulation_set and parameters before the others are fetched.",
        )


def _row(layout: Layout, simulation: Simulation, settings: Settings, rejections: Rejections) -> Columns | None:
    """Read one simulation, or say why it cannot be used."""
    workers = cores()
    try:
        early = read_density(layout.files(simulation.name, settings.target), settings, workers=workers)
        late = read_density(layout.files(simulation.name, "last"), settings, early.offset, workers)
    except MissingError as error:
        rejections.add(simulation.name, MISSING, str(error))
        return None
    except (InputError, ParameterError) as error:
        rejections.add(simulation.name, UNUSABLE, str(error))
        return None
    problem = _compare(simulation, early, late)
    if problem is not None:
        rejections.add(simulation.name, *problem)
        return None
    values = {
        "id": simulation.name,
        "simulation_id": f"seed-{simulation.seed}",
        "set": settings.simulation_set,
        "suite": settings.suite,
        "seed": simulation.seed,
        "omega_m": simulation.omega_m,
        "sigma_8": simulation.sigma_8,
        "redshift_initial": early.header.redshift,
        "redshift_final": late.header.redshift,
        "lattice": early.header.lattice,
    }
    row = {key: np.array([value]) for key, value in values.items()}
    return {**row, "initial": early.grid[None], "final": late.grid[None]}


def _compare(simulation: Simulation, early: Density, late: Density) -> tuple[str, str] | None:
    """Say what does not fit together."""
    for header in (early.header, late.header):
        if abs(header.omega_m - simulation.omega_m) > _COSMOLOGY_TOLERANCE:
            return OTHER_COSMOLOGY, (
                f"The file has Omega_m {header.omega_m:g}, the table {simulation.omega_m:g}: it is of another "
                "simulation or set."
            )
    if not -_LATEST_REDSHIFT < late.header.redshift < _LATEST_REDSHIFT:
        return LATE, f"The last snapshot is at redshift {late.header.redshift:g}: the simulation has not ended."
    if early.header.redshift <= late.header.redshift:
        return LATE, f"Its beginning is at redshift {early.header.redshift:g}, not before its end."
    return None
