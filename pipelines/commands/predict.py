"""`armillary predict`: a trained model applied to files."""

import os
import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from rich.console import Console

from components.common.champions import read_champion
from components.common.errors import InputError, ParameterError
from components.common.files import whole
from components.common.models import VERSION, fetch_model, model_key, read_version
from components.common.store import Store
from components.common.tables import Columns, read_table
from components.common.telemetry import for_a_person
from pipelines.catalogue import find
from pipelines.history import fetch, find_run, latest_with_model
from pipelines.home import downloads_folder, home
from pipelines.records import new_run_id
from pipelines.stores import anything_stored, open_store
from pipelines.terminal import open_console, print_table, say

MOST_ROWS = 200
"""Rows that are printed; the written table has all."""

_FORMATS = (".csv", ".parquet")


def predict(slug: str, files: Sequence[Path], *, model: str, out: Path | None, plots: Path | None) -> int:
    """Predict, print the table or write it, and name the files that could not be used; return the exit code."""
    exercise = find(slug)
    if out is not None and out.suffix not in _FORMATS:
        raise ParameterError(f"--out {out} is neither CSV nor Parquet.", "End its name in .csv or .parquet.")
    _check_places(out, plots)
    paths = [file.expanduser().resolve() for file in files]
    if missing := next((path for path in paths if not path.exists()), None):
        raise InputError(f"There is no file or folder {missing}.", "Correct the path.")
    folder, name = _model_folder(slug, model)

    from pipelines.stages import apply_model

    output = home() / "predictions" / new_run_id()
    definition = exercise.load()
    try:
        with for_a_person():
            apply_model(definition, paths, folder, output, plots=plots is not None)
    except InputError as error:  # of all files at once: what is wrong with each stands in the table
        rejected = output / "rejected.parquet"
        table: Columns = read_table(rejected) if rejected.is_file() else {}
        if not len(table.get("id", ())):
            raise
        _tell_rejected(open_console(stderr=True), table)
        raise InputError("Nothing is left to predict for.", error.remedy) from error
    # Written before anything is printed: `| head` ends what prints.
    if out is not None:
        with whole(out.expanduser()) as part:
            shutil.copyfile((output / "predictions").with_suffix(out.suffix), part)
    if plots is not None:
        shutil.copytree(output / "plots", plots.expanduser(), dirs_exist_ok=True)
    console = open_console()
    _tell(console, read_table(output / "predictions.parquet"), definition.shown, out or "--out FILE")
    _tell_rejected(open_console(stderr=True), read_table(output / "rejected.parquet"))
    say(open_console(stderr=True), f"model: {name}")
    say(open_console(stderr=True), f"model folder: {folder}")
    if out is not None:
        say(console, f"table: {out}")
    if plots is not None:
        say(console, f"plots: {plots}")
    return 0


def _check_places(out: Path | None, plots: Path | None) -> None:
    """Find out before any work whether its results can be written where they are wanted."""
    for option, path in (("--out", out), ("--plots", plots)):
        if path is None:
            continue
        wanted = path.expanduser().resolve()
        if wanted.is_dir() == (option == "--out") and wanted.exists():
            kind = "a folder, not a file" if option == "--out" else "a file, not a folder"
            raise ParameterError(f"{option} {path} is {kind}.", "Give another name.")
        there = next(parent for parent in (wanted, *wanted.parents) if parent.exists())
        if not os.access(there, os.W_OK) or not (there.is_dir() or there == wanted):
            raise ParameterError(f"{option} {path} cannot be written: {there} does not let you.", "Give another.")


def _model_folder(slug: str, model: str) -> tuple[Path, str]:
    """Folder of the model that is wanted, and which one that is in words."""
    path = Path(model).expanduser()
    if model and path.is_dir():
        return path.resolve(), "as given"
    if VERSION.fullmatch(model):
        return _stored(slug, model)
    if not model and (champion := _champion(slug)):
        return champion
    record = find_run(model, slug) if model else latest_with_model(slug)
    output = record.output("train", "model")
    if output is None:
        raise ParameterError(
            f"The run {record.run} has no model: it {record.status}.",
            "Choose another; `armillary runs` lists them.",
        )
    return fetch(output), f"of the run {record.run}" + ("" if model else ", as there is no champion yet")


def _champion(slug: str) -> tuple[Path, str] | None:
    if not anything_stored():
        return None
    with open_store() as opened:
        champion = read_champion(opened.store, slug)
        return _fetch(opened.store, slug, champion.version, "champion ") if champion else None


def _stored(slug: str, version: str) -> tuple[Path, str]:
    with open_store() as opened:
        return _fetch(opened.store, slug, version, "")


def _fetch(store: Store, slug: str, version: str, title: str) -> tuple[Path, str]:
    facts = read_version(store, slug, version).facts
    folder = downloads_folder() / model_key(slug, version)
    if not folder.is_dir():
        fetch_model(store, slug, version, folder)
    run = f", trained by the run {facts.run}" if facts.run else ""
    return folder, f"{title}{version}, tested on {facts.origin} data{run}"


def _tell(console: Console, table: Columns, columns: Sequence[str], whole_table: Path | str) -> None:
    """Print what a person reads; the written table has all columns."""
    shown = [name for name in columns if name in table]
    first = [table[name][:MOST_ROWS] for name in shown]
    rows = [[_cell(value) for value in row] for row in zip(*first, strict=True)]
    print_table(console, shown, rows)
    if shown and (more := len(table[shown[0]]) - MOST_ROWS) > 0:
        say(console, f"and {more} more: {whole_table} has them all")


def _tell_rejected(console: Console, table: Columns) -> None:
    if len(table["id"]) > MOST_ROWS:  # stars come by the million
        for reason, count in Counter(table["reason"].tolist()).items():
            say(console, f"left out {count}: {reason}.", style="yellow")
        return
    for identifier, reason, detail in zip(table["id"], table["reason"], table["detail"], strict=True):
        say(console, f"left out {identifier}: {reason}. {detail}", style="yellow")


def _cell(value: object) -> str:
    return f"{value:.4f}" if isinstance(value, float | np.floating) else str(value)
