"""The gather stage for models: those that pods trained alone, together again as one training leaves them."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from components.common.errors import InputError
from components.common.files import read_json, whole
from components.common.telemetry import report_counts, stage
from components.train.regressors.several import copy_best

_DESCRIPTION = "model.json"


def gather(parts: Sequence[Path], models: Path, best: Path) -> dict[str, dict[str, Any]]:
    """Write the folders that one training of all kinds would have written.

    Parameters
    ----------
    parts : sequence of Path
        Folders of models, in any order.
    models, best : Path
        As of `components.train.regressors.several.train_several`.

    Returns
    -------
    dict of str to dict
        The record of each model, by the name of its folder.

    Raises
    ------
    InputError
        When there is no model, when two have one name, or when they learnt from different data.
    """
    with stage("gather", models, best), whole(models) as folder:
        folder.mkdir()
        records: dict[str, dict[str, Any]] = {}
        for path in sorted(found.parent for part in parts for found in part.glob(f"*/{_DESCRIPTION}")):
            if path.name in records:
                raise InputError(f"There are two models {path.name}.", "Give each training of one run once.")
            shutil.copytree(path, folder / path.name)
            records[path.name] = read_json(path / _DESCRIPTION)["training"]
        if not records:
            raise InputError(f"There is no model in {len(parts)} folders.", "Give what a training wrote.")
        _require_one_origin(records)
        copy_best(folder, records, best)
        report_counts(models=len(records))
    return records


def _require_one_origin(records: dict[str, dict[str, Any]]) -> None:
    first, *others = records
    for name in others:
        if records[name]["data"] != records[first]["data"]:
            raise InputError(
                f"{name} and {first} did not learn from the same data.", "Gather the trainings of one run only."
            )
