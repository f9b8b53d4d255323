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
from components.common.rejections import Rejections
from components.common.shards import Shard
from components.common.tables import (
    Columns,
    TableWriter,
    column,
    open_table,
    read_batches,
    read_provenance,
    read_settings,
    read_table,
    tensor_column,
)
from components.common.telemetry import report_counts, report_progress, stage
from components.common.threads import cores
from components.preprocess.field_maps.logarithms import LogHistogram, LogScaling
from components.preprocess.field_maps.preparation import prepare
from components.preprocess.field_maps.settings import Settings
from components.preprocess.field_maps.universes import NOT_WANTED, split_universes

__all__ = ["Settings", "preprocess"]

_NEEDED = ("id", "simulation_id", "suite", "set", "phases", "maps")
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
        schema, stored = _schema(source), Shard.without(read_settings(source))
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
        provenance, rejections = read_provenance(source), Rejections()
        with TableWriter(folder / "dataset.parquet", _fields(schema, about), provenance, about) as writer:
            for rows, batch in _numbered(source):
                _write(writer, batch, splits[rows], columns, about, rejections)
                report_progress(rows.stop, len(splits), "maps")
            writer.provenance = provenance.with_rejected(rejections.counts)
        rejections.write(folder / "rejected.parquet", writer.provenance)
        write_json(folder / "scaling.json", about)
        report_counts(rows_in=len(splits), rows_out=writer.rows, rejected=len(rejections))


def _schema(source: Path) -> pa.Schema:
    with open_table(source) as file:
        schema: pa.Schema = file.schema_arrow
    if missing := sorted(set(_NEEDED) - set(schema.names)):
        raise InputError(
            f"{source} has no column {', '.join(missing)}.", "Give the folder that an ingest stage of maps wrote."
        )
    return schema


def _columns(source: Path, stored: dict[str, Any], settings: Settings) -> list[int]:
    """Places of the wanted fields among the channels of the table."""
    if missing := sorted(set(_SHOWN) - set(stored)):
        raise InputError(
            f"{source} does not say its {', '.join(missing)}.",
            "Give the folder that an ingest stage of maps wrote.",
        )
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


def _numbered(source: Path) -> Iterator[tuple[slice, Columns]]:
    """Read batches together with their places in the table."""
    done = 0
    for batch in read_batches(source):
        rows = slice(done, done + len(batch["id"]))
        done = rows.stop
        yield rows, batch


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


def _write(
    writer: TableWriter,
    batch: Columns,
    splits: npt.NDArray[np.str_],
    columns: list[int],
    about: dict[str, Any],
    rejections: Rejections,
) -> None:
    keep = splits != NOT_WANTED
    rejections.add_many(
        batch["id"][~keep],
        "universe trained on",
        "A simulation with the same initial conditions is trained on, and this suite or set is for testing alone.",
    )
    if not keep.any():
        return
    kept = {name: values[keep] for name, values in batch.items()}
    maps = prepare(kept.pop("maps")[:, columns], about)
    writer.write({**kept, "split": splits[keep].astype(object), "maps": maps.astype(np.float16)})
