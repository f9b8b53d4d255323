"""Several kinds of regressors on the same rows: side by side, each in a process of its own, and the best of them.

A process of its own makes their memory comparable, and lets them share the processors.
"""

import dataclasses
import os
import shutil
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from components.common.errors import ArmillaryError, ParameterError
from components.common.files import whole
from components.common.telemetry import EVENTS_VARIABLE, report_counts, report_progress, stage, warn
from components.common.threads import cores
from components.train.regressors.features import TARGETS
from components.train.regressors.training import Settings, has_labels, train

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


def train_several(
    dataset: Path,
    models: Path,
    best: Path,
    kinds: Sequence[str],
    features: Sequence[str],
    settings: Settings,
    further: Sequence[str] = (),
    only: str = "",
) -> dict[str, dict[str, Any]]:
    """Train each kind on each sort of features.

    Parameters
    ----------
    dataset : Path
        Folder of the preprocess stage.
    models : Path
        Folder to create, with one model folder for each, named `<kind>-<features>`.
    best : Path
        Folder to create: a copy of the one that is best on validation rows, and in `further/<target>` one of the
        model that is best for each further target.
    kinds, features : sequence of str
        See `training.Settings`.
    settings : Settings
        The rest of what is wanted.
    further : sequence of str
        Of `features.FURTHER`: targets of models of their own, of every kind that can, on the last of the features.
        Their folders are named `<target>-<kind>-<features>`. What no row has, such as the velocity dispersion of a
        star, is left out with a warning.
    only : str
        The one of the kinds to train here, where each has a pod of its own, and a stage named after it; empty for
        all.

    Returns
    -------
    dict of str to dict
        The record of each, by the name of its folder.

    Raises
    ------
    ArmillaryError
        The first failure of any.
    """
    if only and only not in kinds:
        raise ParameterError(f"{only!r} is none of the kinds {', '.join(kinds)}.", "Name one of them, or none.")
    name, kinds = (f"train-{only}", [only]) if only else ("train", kinds)
    wanted = {
        f"{kind}-{sort}": dataclasses.replace(settings, model_kind=kind, features=sort)
        for sort in features
        for kind in kinds
    }
    wanted |= {
        f"{target}-{kind}-{features[-1]}": dataclasses.replace(
            settings, model_kind=kind, features=features[-1], targets=(target,)
        )
        for target in further
        for kind in kinds
        if kind != "network"
    }
    if not wanted:
        raise ParameterError("There is nothing to train.", "Name one kind of model and one of features at least.")
    with stage(name, models, best), whole(models) as folder:
        unknown = [target for target in further if not has_labels(dataset / "dataset.parquet", target)]
        for target in unknown:
            warn(f"Too few rows to train on and to choose on have {target.replace('_', ' ')}: it gets no model.")
        known = {name: one for name, one in wanted.items() if not set(one.targets) & set(unknown)}
        records = _train_in_processes(dataset, folder, known)
        copy_best(folder, records, best)
        rows = next(iter(records.values()))["rows"]
        report_counts(rows_in=rows["train"], rows_validation=rows["validation"], models=len(records))
    return records


def copy_best(models: Path, records: Mapping[str, Mapping[str, Any]], best: Path) -> None:
    """Copy the best model, and into its `further` those that are best for each further target."""
    targets = dict.fromkeys(targets_of(record) for record in records.values())
    with whole(best) as copy:
        shutil.copytree(models / best_of(records), copy)
        for target in targets:
            if target != TARGETS:
                found = {n: r for n, r in records.items() if targets_of(r) == target}
                shutil.copytree(models / best_further(found), copy / "further" / target[0])


def best_of(records: Mapping[str, Mapping[str, Any]]) -> str:
    """Choose the model with the smallest errors on validation rows: no test row has a say in it.

    Redshift and magnitude count alike: the errors of each are taken relative to the best model's.
    """
    names = [name for name, record in records.items() if targets_of(record) == TARGETS]
    found = np.array(
        [[records[n]["validation"][score] for score in ("nmad_km_s", "magnitude_r_rms")] for n in names]
    )
    relative = np.log(np.maximum(found, 1e-12) / np.maximum(found.min(axis=0), 1e-12))
    return names[int(relative.sum(axis=1).argmin())]


def best_further(records: Mapping[str, Mapping[str, Any]]) -> str:
    """Choose among models of one further target that with the smallest error on validation rows."""
    return min(records, key=lambda name: next(iter(records[name]["validation"].values())))


def targets_of(record: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what a model predicts, from its record."""
    return tuple(record["settings"].get("targets") or TARGETS)


def _train_in_processes(dataset: Path, folder: Path, wanted: Mapping[str, Settings]) -> dict[str, dict[str, Any]]:
    processors = cores()
    workers = min(processors, len(wanted))
    threads = str(max(1, processors // workers))
    records: dict[str, dict[str, Any]] = {}
    with ProcessPoolExecutor(
        workers, mp_context=get_context("spawn"), initializer=_begin, initargs=(threads,), max_tasks_per_child=1
    ) as pool:
        running: dict[Future[Any], str] = {
            pool.submit(_train_one, dataset, folder / name, settings): name for name, settings in wanted.items()
        }
        for done in as_completed(running):
            try:
                found = done.result()
            except BrokenProcessPool as error:
                raise ArmillaryError(
                    "A process that trained a model was killed, most often for want of memory.",
                    "Give the stage more memory, or train on fewer rows: lower most_rows.",
                ) from error
            if isinstance(found, tuple):
                pool.shutdown(wait=False, cancel_futures=True)
                raise ArmillaryError(f"{running[done]}: {found[0]}", found[1])
            records[running[done]] = found
            report_progress(len(records), len(wanted), "models")
    return {name: records[name] for name in wanted}


def _begin(threads: str) -> None:
    os.environ.pop(EVENTS_VARIABLE, None)  # the stage's live line tells of models, not of what each is at
    for name in _THREADS:
        os.environ[name] = threads
    # numpy was loaded with this module, before the environment could tell it: its threads would spin against
    # those of the other processes, and a fit of half a second cost seven.
    threadpool_limits(int(threads))


def _train_one(dataset: Path, model: Path, settings: Settings) -> dict[str, Any] | tuple[str, str]:
    """Train in this process; a failure comes back as problem and remedy, since errors do not travel well."""
    try:
        return train(dataset, model, settings)
    except ArmillaryError as error:
        return error.problem, error.remedy
