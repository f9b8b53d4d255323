"""Validation on simulations by others: a folder in CAMELS' layout, apart from everything else."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from components.common.errors import InputError
from components.common.provenance import Provenance
from components.common.rejections import Rejections
from components.common.tables import Columns
from components.evaluate.reconstruction.cutting import cut
from components.evaluate.reconstruction.measuring import Measurements, measure

if TYPE_CHECKING:
    from components.train.variational_autoencoder.inference import Reconstruction

LEARNT_FROM = "learnt from"


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
    from components.ingest.snapshot_folder.folder import find_set

    rejections = Rejections()
    stored = model.preprocess_settings
    wanted = replace(
        find_set(folder),
        grid=int(stored["grid"]),
        box_size_mpc_h=float(stored["box_size_mpc_h"]),
        target=str(stored["target"]),
        matter=str(stored["matter"]),
    )
    source = open_snapshots(wanted, rejections)
    rows = _rows(source.batches, model, learnt, rejections)
    measured = measure(rows, source.asked, model, samples, seed)
    if not len(measured.ids):
        first = next(iter(rejections.details), "")
        raise InputError(f"Not one simulation in {folder} can be used: {first}", "Look at its files.")
    return External(measured, source.provenance.with_rejected(rejections.counts), rejections)


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
        carried = {name: simulation[name] for name in ("id", "simulation_id")}
        yield {**carried, "final": final, "initial": initial}
