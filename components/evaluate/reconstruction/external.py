"""Validation on simulations by others: a folder in CAMELS' layout, apart from everything else."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from components.common.errors import InputError
from components.common.provenance import Provenance
from components.common.rejections import Rejections
from components.common.tables import Columns
from components.evaluate.reconstruction.cutting import cut
from components.evaluate.reconstruction.measuring import Measurements, measure
from components.ingest.camels_snapshots.layout import tables
from components.ingest.camels_snapshots.settings import Settings as IngestSettings

if TYPE_CHECKING:
    from components.train.variational_autoencoder.inference import Reconstruction

LEARNT_FROM = "learnt from"
SETS = ("LH", "CV", "SB28", "1P", "EX", "BE")
"""Sets of simulations that are looked for, in this order."""


@dataclass(frozen=True)
class External:
    """What was measured.

    Attributes
    ----------
    measured : Measurements
        Of the simulations in the folder.
    provenance : Provenance
        Of the folder.
    rejections : Rejections
        Simulations that cannot be used.
    """

    measured: Measurements
    provenance: Provenance
    rejections: Rejections


def validate(
    folder: str, model: "Reconstruction", samples: int, seed: int, learnt: Collection[str] = ()
) -> External:
    """Reconstruct the simulations of a folder, along one axis each.

    Parameters
    ----------
    folder : str
        In CAMELS' layout.
    model : Reconstruction
        Trained.
    samples : int
        Samples for each box.
    seed : int
        Of the samples.
    learnt : collection of str
        `simulation_id` of what the model has learnt from. CAMELS' sets share seeds: those of CV are among those of
        LH, and begin with the same waves.

    Raises
    ------
    InputError
        When there is no table of parameters, or not one simulation can be used.
    """
    from components.ingest.camels_snapshots.snapshots_source import open_snapshots  # HDF5

    rejections = Rejections()
    source = open_snapshots(_settings(folder, model), rejections)
    rows = _rows(source.batches, model, learnt, rejections)
    measured = measure(rows, source.asked, model, samples, seed)
    if not len(measured.ids):
        first = next(iter(rejections.details), "")
        raise InputError(f"Not one simulation in {folder} can be used: {first}", "Look at its files.")
    return External(measured, source.provenance.with_rejected(rejections.counts), rejections)


def _settings(folder: str, model: "Reconstruction") -> IngestSettings:
    stored = model.preprocess_settings
    for name in SETS:
        wanted = IngestSettings(
            source="files",
            rows=0,
            location=folder,
            simulation_set=name,
            grid=int(stored["grid"]),
            box_size_mpc_h=float(stored["box_size_mpc_h"]),
            target=str(stored["target"]),
            matter=str(stored["matter"]),
        )
        if any((Path(folder).expanduser() / place).is_file() for place in tables(wanted)):
            return wanted
    raise InputError(
        f"{folder} has no table of parameters and seeds such as {tables(wanted)[-1]}.",
        "Lay the folder out as the archive does, with the table of the set.",
    )


def _rows(
    batches: Iterator[Columns], model: "Reconstruction", learnt: Collection[str], rejections: Rejections
) -> Iterator[Columns]:
    axis = str(model.preprocess_settings["axes"])[0]
    for simulation in batches:
        if str(simulation["simulation_id"][0]) in learnt:
            rejections.add(
                str(simulation["id"][0]), LEARNT_FROM, "The model has learnt from one that begins with its waves."
            )
            continue
        final, initial = cut(simulation, axis, model.preprocess_settings)
        carried = {name: simulation[name] for name in ("id", "simulation_id", "sigma_8", "omega_m")}
        yield {**carried, "final": final, "initial": initial}
