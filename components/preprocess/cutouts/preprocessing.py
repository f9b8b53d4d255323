"""The preprocess stage: pictures checked, cut and stretched, magnitudes corrected for dust, split by field."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from components.common.errors import InputError
from components.common.files import whole
from components.common.rejections import Noun, Rejections
from components.common.shards import Shard
from components.common.splits import Splits
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
from components.common.threads import map_ahead
from components.physics.sdss_imaging import BANDS
from components.preprocess.cutouts.preparation import REASONS, Images, Inspection, Preparation, inspect, pack
from components.preprocess.cutouts.settings import LIMITS, Settings
from components.preprocess.dataset import Dataset, write_dataset
from components.preprocess.groups import join_groups

__all__ = ["Settings", "preprocess"]

_NEEDED = (
    "id", "object_id", "field_id", "redshift", "image",
    *(f"{name}_{band}" for name in ("mag", "extinction") for band in BANDS),
)  # fmt: skip
PICTURES = Noun("picture", "pictures", "Raise maximum_offset or lower minimum_contrast, or look at the pictures.")
_MAGNITUDES = (5.0, 35.0)
_LOWEST_REDSHIFT = -0.01


def preprocess(dataset: Path, output: Path, settings: Settings) -> None:
    """Prepare all pictures of a dataset.

    Reading, computing and writing overlap, and only a few row groups are in memory at a time.

    Parameters
    ----------
    dataset : Path
        Folder with the `dataset.parquet` of an ingest stage.
    output : Path
        Folder for `dataset.parquet` and `rejected.parquet`; its rows together are those of the input. Pictures are
        stored as uint8 (encoding jpeg) or float16 (flux, stretched); `preparation.prepare` reads both.
    settings : Settings
        What to do.

    Raises
    ------
    InputError
        When no picture is left.
    """
    with stage("preprocess", output), whole(output) as folder:
        source = dataset / "dataset.parquet"
        schema = read_schema(source, _NEEDED, "Give the folder that an ingest stage of pictures wrote.")
        preparation = _preparation(source, settings)
        splits = _splits(source, settings)
        stored = {**Shard.without(read_settings(source)), **preparation.to_settings(), "split": settings.split}
        stored |= {name: getattr(settings, name) for name in LIMITS}
        stored["magnitudes"] = [f"m_{band}" for band in BANDS]
        rejections = Rejections()
        batches = _prepared(source, preparation, splits, settings, rejections)
        prepared = Dataset(_fields(schema, preparation), stored, batches, rejections)
        write_dataset(folder, source, prepared, PICTURES)


def corrected(columns: Columns) -> Columns:
    """Magnitudes `m_u` to `m_z` without the dust of the Milky Way; NaN where magnitude or dust is unknown."""
    result: Columns = {}
    for band in BANDS:
        seen = np.asarray(columns[f"mag_{band}"], dtype=np.float32)
        plausible = (seen > _MAGNITUDES[0]) & (seen < _MAGNITUDES[1])  # SDSS writes -9999 for what is missing
        result[f"m_{band}"] = np.where(plausible, seen - columns[f"extinction_{band}"], np.float32(np.nan))
    return result


def _splits(source: Path, settings: Settings) -> Splits:
    names = read_table(source, ["field_id", "object_id"])
    return Splits(join_groups(names["field_id"], names["object_id"]), **settings.split)


def _preparation(source: Path, settings: Settings) -> Preparation:
    raw = Preparation.from_settings(read_settings(source))
    size = settings.size or raw.size
    if size > raw.size:
        raise InputError(
            f"The pictures of {source} have {raw.size} pixels, fewer than the {size} that are wanted.",
            f"Lower size, or ingest pictures of {size} pixels.",
        )
    return Preparation(raw.bands, raw.encoding, size, raw.scale_arcsec)


def _fields(schema: pa.Schema, preparation: Preparation) -> list[pa.Field]:
    """Describe the output: what is carried over keeps the description that it came with."""
    shape = (len(preparation.bands), preparation.size, preparation.size)
    return [
        *(schema.field(name) for name in schema.names if name != "image"),
        *(
            column(f"m_{b}", "float32", f"model magnitude in {b}, AB, without extinction; NaN missing")
            for b in BANDS
        ),
        column("group_id", "string", "fields that share a galaxy, at first or second hand, share it"),
        column("split", "string", "train, validation or test; one for all pictures of a group"),
        column("centre_offset", "float32", "from the middle of the picture to the top of the galaxy", "arcsec"),
        tensor_column("image", shape, "see preparation.prepare", dtype=preparation.storage),
    ]


@dataclass(frozen=True)
class _Looked:
    images: Images
    inspection: Inspection


def _prepared(
    source: Path, preparation: Preparation, splits: Splits, settings: Settings, rejections: Rejections
) -> Iterator[Columns]:
    look = partial(_look, preparation=preparation, settings=settings)
    done = 0
    for batch, looked in map_ahead(look, read_batches(source)):
        rows = slice(done, done + len(batch["id"]))
        done = rows.stop
        keep = _reject(batch, looked.inspection, rejections)
        columns = {**batch, **corrected(batch), "image": looked.images}
        columns |= {"group_id": splits.groups[rows], "split": splits.of_rows(rows)}
        columns["centre_offset"] = looked.inspection.offset_arcsec
        yield {name: values[keep] for name, values in columns.items()}


def _look(batch: Columns, preparation: Preparation, settings: Settings) -> tuple[Columns, _Looked]:
    images = batch.pop("image")
    inspection = inspect(
        images,
        preparation.bands,
        preparation.scale_arcsec,
        settings.maximum_offset,
        settings.minimum_contrast,
    )
    return batch, _Looked(pack(images, preparation), inspection)


def _reject(batch: Columns, inspection: Inspection, rejections: Rejections) -> npt.NDArray[Any]:
    """Record the pictures that are left out, each with the first reason that holds, and return which are kept."""
    labelled = batch["redshift"] > _LOWEST_REDSHIFT
    checks = [("missing label", "The redshift is not a number, or far below 0.", ~labelled)]
    checks += [(*text, inspection.status == status) for status, text in enumerate(REASONS, start=1)]
    return rejections.sift(batch["id"], checks)
