"""The preprocess stage: logarithms of maps, scaled by the training maps alone, universes split as wholes."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from components.common.errors import InputError
from components.common.files import whole, write_json
from components.common.rejections import Noun, Rejections
from components.common.shards import Shard
from components.common.tables import (
    Columns,
    column,
    read_batches,
    read_schema,
    read_settings,
    read_table,
    tensor_column,
)
from components.common.telemetry import stage
from components.common.threads import cores
from components.preprocess.dataset import Dataset, write_dataset
from components.preprocess.field_maps.logarithms import LogHistogram, LogScaling
from components.preprocess.field_maps.preparation import prepare
from components.preprocess.field_maps.settings import Settings
from components.preprocess.field_maps.universes import NOT_WANTED, split_universes

__all__ = ["Settings", "preprocess"]

_NEEDED = ("id", "simulation_id", "suite", "set", "phases", "maps")
_REMEDY = "Give the folder that an ingest stage of maps wrote."
_TRAINED_ON = (
    "universe trained on",
    "A simulation with the same initial conditions is trained on, and this suite or set is for testing alone.",
)
MAPS = Noun("map", "maps", "Look at train_suites and train_sets, or ingest more simulations.")
_SHOWN = ("fields", "units", "box_size_mpc_h", "grid", "parameters")


def preprocess(dataset: Path, output: Path, settings: Settings) -> None:
    """Prepare all maps of a table.

    The table is read twice, a few simulations at a time: once for the floors and scales, once to apply them.

    Parameters
    ----------
    dataset : Path
        Folder with the `dataset.parquet` of an ingest stage of maps.
    output : Path
        Folder to create, with `dataset.parquet`, `rejected.parquet` and `scaling.json`.
    settings : Settings
        What to do.

    Raises
    ------
    InputError
        When a split is empty, or the table is not one of maps.
    """
    with stage("preprocess", output), whole(output) as folder:
        source = dataset / "dataset.parquet"
        schema, stored = read_schema(source, _NEEDED, _REMEDY), Shard.without(read_settings(source))
        columns = _columns(source, stored, settings)
        names = read_table(source, ["phases", "suite", "set"])
        splits = split_universes(names["phases"], names["suite"], names["set"], settings)
        fields = list(settings.fields or stored["fields"])
        scalings = _scalings(source, splits, columns, fields, settings)
        about = {
            **{name: stored[name] for name in _SHOWN},
            "fields": fields,
            "units": {name: stored["units"][name] for name in fields},
            "scaling": {name: asdict(scaling) for name, scaling in zip(fields, scalings, strict=True)},
            "split": settings.split,
        }
        rejections = Rejections()
        batches = _prepared(source, splits, columns, about, rejections)
        write_dataset(folder, source, Dataset(_fields(schema, about), about, batches, rejections), MAPS)
        write_json(folder / "scaling.json", about)


def _columns(source: Path, stored: dict[str, Any], settings: Settings) -> list[int]:
    """Places of the wanted fields among the channels of the table."""
    if missing := sorted(set(_SHOWN) - set(stored)):
        raise InputError(f"{source} does not say its {', '.join(missing)}.", _REMEDY)
    there = list(stored["fields"])
    if absent := sorted(set(settings.fields) - set(there)):
        raise InputError(
            f"{source} has no maps of {', '.join(absent)}, only of {', '.join(there)}.",
            "Ingest these fields too, or leave them out.",
        )
    return [there.index(name) for name in settings.fields or there]


def _fields(schema: pa.Schema, about: dict[str, Any]) -> list[pa.Field]:
    """Describe the output: what is carried over keeps the description that it came with."""
    shape = (len(about["fields"]), about["grid"], about["grid"])
    text = f"{', '.join(about['fields'])}: logarithm, less its mean in training, over its deviation there"
    return [
        *(schema.field(name) for name in schema.names if name != "maps"),
        column("split", "string", "train, validation or test; one for all maps of a universe"),
        tensor_column("maps", shape, text, dtype="float16"),
    ]


def _scalings(
    source: Path, splits: npt.NDArray[np.str_], columns: list[int], fields: list[str], settings: Settings
) -> list[LogScaling]:
    """Find floors and scales in the training maps."""
    histograms = [LogHistogram() for _ in columns]
    with ThreadPoolExecutor(cores()) as pool:
        done = 0
        for batch in read_batches(source, ["maps"]):
            maps = batch["maps"]
            rows = slice(done, done + len(maps))
            done = rows.stop
            training = splits[rows] == "train"
            if training.any():
                chosen = maps if training.all() else maps[training]
                parts = [chosen[:, place] for place in columns]
                list(pool.map(lambda histogram, pixels: histogram.add(pixels), histograms, parts))
    return [
        histogram.scaling(name, settings.floor_quantile)
        for name, histogram in zip(fields, histograms, strict=True)
    ]


def _prepared(
    source: Path,
    splits: npt.NDArray[np.str_],
    columns: list[int],
    about: dict[str, Any],
    rejections: Rejections,
) -> Iterator[Columns]:
    done = 0
    for batch in read_batches(source):
        split = splits[done : done + len(batch["id"])]
        done += len(split)
        keep = rejections.sift(batch["id"], [(*_TRAINED_ON, split == NOT_WANTED)])
        if keep.any():
            kept = {name: values[keep] for name, values in batch.items()}
            maps = prepare(kept.pop("maps")[:, columns], about)
            yield {**kept, "split": split[keep].astype(object), "maps": maps.astype(np.float16)}
