"""Initial fields: what an evaluation wrote, and what a champion makes of the same boxes."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from components.common.errors import InputError
from components.common.tables import Columns, read_batches, read_settings, read_table
from components.evaluate.reconstruction.cutting import cut
from components.evaluate.reconstruction.measuring import Views, answers_of
from components.evaluate.reconstruction.scores import Measured
from components.promote.champion.answers import Answers, Applied, OtherQuestionError

_SUMS = ("truth", "power", "cross", "spread")
_SAMPLES = 8
_COSMOLOGY = ("omega_m", "redshift_initial", "redshift_final")
_SAME_BOX = 0.01
_SAME_TIME = 0.02
"""Of 1 + z."""


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

    Raises
    ------
    OtherQuestionError
        When the champion learnt the fields of another time, or of wider or smaller boxes.
    """
    from components.train.variational_autoencoder.inference import load_model  # imports torch

    champion = load_model(model)
    _require_same_box(champion.preparation.geometry.box_size, read_settings(source / "dataset.parquet"))
    rows, parts = [], []
    for number, simulation in _found(source, objects):
        _require_same_time(champion.preprocess_settings, float(simulation["redshift_initial"][0]))
        axis = str(objects.ids[number])[-1]  # LH_12-z is cut along z
        final, initial = cut(simulation, axis, champion.preprocess_settings)
        views = Views(final.shape[1], champion.preparation.geometry.lengths)
        answers = answers_of(champion, final, _SAMPLES, number)
        drawn = answers.pop("samples")
        views.add(initial, {"network": answers["network"]}, drawn)
        rows.append(number)
        parts.append(views.joined(views.maps)["network"])
    return Applied(np.array(rows, dtype=np.intp), Measured.joined(parts))


def _require_same_box(own: float, about: Mapping[str, Any]) -> None:
    box_size = float(about.get("box_size_mpc_h", own))
    if abs(own / box_size - 1) > _SAME_BOX:
        raise OtherQuestionError(
            f"The champion knows boxes of {own:g} Mpc/h, not of {box_size:g}.", "Compare models of the same boxes."
        )


def _require_same_time(settings: Mapping[str, Any], redshift: float) -> None:
    own = settings.get("target_redshift", redshift)  # an older model does not say
    if abs(own - redshift) > _SAME_TIME * (1 + redshift):
        raise OtherQuestionError(
            f"The champion reconstructs fields at z = {own:.3g}, not at z = {redshift:.3g}.",
            "Compare models of the same target.",
        )


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
