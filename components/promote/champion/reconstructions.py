"""Initial fields: what an evaluation wrote, and what a champion makes of the same boxes."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from components.common.errors import InputError
from components.common.tables import Columns, read_batches, read_table
from components.evaluate.reconstruction.scores import Measured
from components.physics.cosmology import Cosmology
from components.promote.champion.answers import Answers, Applied

_SUMS = ("truth", "power", "cross", "spread")
_SAMPLES = 8
_COSMOLOGY = ("omega_m", "redshift_initial", "redshift_final")


def read_reconstructions(results: Path) -> Answers:
    """Read the `predictions.parquet` of an evaluation."""
    table = read_table(results / "predictions.parquet", ["id", "simulation_id", *_SUMS])
    return Answers(table["id"], table["simulation_id"], Measured(*(table[name] for name in _SUMS)))


def apply_reconstruction(model: Path, source: Path, objects: Answers) -> Applied:
    """Reconstruct some boxes of an ingested data set as the evaluation does.

    Parameters
    ----------
    model : Path
        Folder that a train stage wrote.
    source : Path
        Folder that the ingest stage wrote.
    objects : Answers
        Which boxes.
    """
    from components.evaluate.reconstruction.measuring import Views, answers_of
    from components.train.variational_autoencoder.inference import load_model  # imports torch

    champion = load_model(model)
    rows, parts = [], []
    for number, simulation in _found(source, objects):
        axis = str(objects.ids[number])[-1]  # LH_12-z is cut along z
        final, initial = _slices(simulation, axis, champion.preprocess_settings)
        views = Views(final.shape[1], champion.preparation.geometry.lengths)
        answers = answers_of(champion, final, _SAMPLES, number)
        drawn = answers.pop("samples")
        views.add(initial, {"network": answers["network"]}, drawn)
        rows.append(number)
        parts.append(views.joined(views.maps)["network"])
    return Applied(np.array(rows, dtype=np.intp), Measured.joined(parts))


def _found(source: Path, objects: Answers) -> Iterator[tuple[int, Columns]]:
    """Yield the boxes of the data set, once for each axis along which they were tested."""
    wanted: dict[str, list[int]] = {}
    for number, name in enumerate(objects.ids):
        wanted.setdefault(str(name)[:-2], []).append(number)  # LH_12-z is of LH_12
    found = 0
    for batch in read_batches(source / "dataset.parquet", ["id", *_COSMOLOGY, "initial", "final"]):
        for row, name in enumerate(batch["id"]):
            for number in wanted.get(str(name), []):
                found += 1
                yield number, {key: values[row : row + 1] for key, values in batch.items()}
    if found != len(objects):
        raise InputError(
            f"Of {len(objects)} boxes that were tested, {found} are in {source}.",
            "Give the raw data of the run that was evaluated.",
        )


def _slices(simulation: Columns, axis: str, settings: Mapping[str, Any]) -> tuple[Any, Any]:
    from components.preprocess.density_slices.slicing import overdensity_slabs

    if settings.get("grid") != simulation["final"].shape[1]:
        raise InputError(
            f"The champion knows densities on {settings.get('grid')} cells a side, not "
            f"{simulation['final'].shape[1]}.",
            "Promote the new model by hand: `armillary models promote`.",
        )
    cosmology = Cosmology(omega_m=float(simulation["omega_m"][0]))
    times = [1 / (1 + max(float(simulation[name][0]), 0.0)) for name in _COSMOLOGY[1:]]
    early, late = cosmology.growth(times).first
    final, initial = (
        overdensity_slabs(simulation[name][0], axis, int(settings["channels"])) for name in ("final", "initial")
    )
    return final[None], (initial / np.float32(early / late))[None]
