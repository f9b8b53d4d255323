"""The preprocess stage: strain, whitened by the noise of the training rows alone, in groups that stay together."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from components.common.checks import require_one_of
from components.common.errors import InputError, ParameterError
from components.common.files import whole
from components.common.rejections import Noun, Rejections
from components.common.splits import Splits, Splitting
from components.common.tables import Columns, column, read_batches, read_schema, read_table, tensor_column
from components.common.telemetry import stage
from components.common.threads import map_ahead
from components.physics.detectors import DETECTORS
from components.preprocess.dataset import Dataset, write_dataset
from components.preprocess.groups import join_groups
from components.preprocess.strain.psd import PsdEstimator
from components.preprocess.strain.whitening import Whitening

_NEEDED = ("id", "segment_id", "waveform_id", "label", "strain")
WINDOWS = Noun("window", "windows", "Look at the labels and at gaps in the strain.")
_AVERAGES = ("median", "mean")
_FEWEST_NOISE_WINDOWS = 8

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Settings(Splitting):
    """What the stage does to strain.

    Attributes
    ----------
    classes : tuple of str
        Labels that rows may have; the order is the index of the class. The first is noise: its training rows make
        the noise density.
    sample_rate : float
        Of the windows, in Hz.
    taper, band, low_hz, high_hz
        See `components.preprocess.strain.whitening.Whitening`.
    psd_average : {"median", "mean"}
        How the noise density of blocks of training noise is averaged: the median is safe from glitches.
    validation_fraction, test_fraction : float
        Fractions of the groups in these splits.
    seed : int
        Seed of the split.
    """

    classes: tuple[str, ...] = ("noise", "signal")
    sample_rate: float = 2048.0
    taper: float = 0.15
    band: str = "fourier"
    low_hz: float = 20.0
    high_hz: float = 500.0
    psd_average: str = "median"
    validation_fraction: float = 0.1
    test_fraction: float = 0.2
    seed: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "classes", tuple(self.classes))  # KFP hands over a list
        if len(set(self.classes)) < 2:
            raise ParameterError(f"classes is {self.classes}.", "Name noise first, and at least one more class.")
        require_one_of(_AVERAGES, psd_average=self.psd_average)
        self.whitening(np.ones((len(DETECTORS), 3)), 4)  # its checks are worth having before hours of reading

    def whitening(self, psd: FloatArray, samples: int) -> Whitening:
        """Whitening with these settings and this noise."""
        return Whitening(psd, samples, self.sample_rate, self.taper, self.band, self.low_hz, self.high_hz)


def preprocess(dataset: Path, output: Path, settings: Settings) -> None:
    """Whiten all windows of a dataset.

    The table is read twice: once for the noise density, once to whiten. A few row groups are in memory at a time.

    Parameters
    ----------
    dataset : Path
        Folder with the `dataset.parquet` of an ingest stage.
    output : Path
        Folder for `dataset.parquet` and `rejected.parquet`; its rows together are those of the input.
    settings : Settings
        What to do.

    Raises
    ------
    InputError
        When no window is left, or there is too little noise to know its density.
    """
    with stage("preprocess", output), whole(output) as folder:
        source = dataset / "dataset.parquet"
        schema, shape = _layout(source)
        splits = _splits(source, settings)
        whitening = settings.whitening(_noise_density(source, splits, shape, settings), shape[1])
        labels = {"classes": list(settings.classes), "detectors": list(DETECTORS)}
        stored = {**labels, "split": settings.split, **whitening.to_settings()}
        rejections = Rejections()
        batches = _whitened(source, whitening, splits, settings, rejections)
        write_dataset(folder, source, Dataset(_fields(schema, shape), stored, batches, rejections), WINDOWS)


def _splits(source: Path, settings: Settings) -> Splits:
    names = read_table(source, ["segment_id", "waveform_id"])
    return Splits(join_groups(names["segment_id"], names["waveform_id"]), **settings.split)


def _layout(source: Path) -> tuple[pa.Schema, tuple[int, int]]:
    schema = read_schema(source, _NEEDED, "Give the folder that an ingest stage of strain wrote.")
    first = next(read_batches(source, ["strain"]), None)
    shape = (0, 0) if first is None else first["strain"].shape[1:]
    if len(shape) != 2 or shape[0] != len(DETECTORS) or shape[1] < 4:
        raise InputError(
            f"The strain in {source} has shape {shape}, not ({len(DETECTORS)}, samples).",
            f"Give one channel for each of {', '.join(DETECTORS)}, NaN for one that is missing.",
        )
    return schema, (int(shape[0]), int(shape[1]))


def _fields(schema: pa.Schema, shape: tuple[int, int]) -> list[pa.Field]:
    """Describe the output: what is carried over keeps the description that it came with."""
    return [
        *(schema.field(name) for name in schema.names if name != "strain"),
        column("group_id", "string", "windows that share noise or a wave, at first or second hand, share it"),
        column("split", "string", "train, validation or test; one for all windows of a group"),
        tensor_column("strain", shape, "whitened strain, of variance 1 in noise; 0 for a missing detector"),
    ]


def _noise_density(source: Path, splits: Splits, shape: tuple[int, int], settings: Settings) -> FloatArray:
    """Density of the noise in the training rows; NaN for a detector that is missing in all of them."""
    estimator = PsdEstimator(*shape, settings.sample_rate, settings.psd_average)
    done = 0
    for batch in read_batches(source, ["label", "strain"]):
        rows = slice(done, done + len(batch["label"]))
        done = rows.stop
        noise = (batch["label"] == settings.classes[0]) & (splits.of_rows(rows) == "train")
        if noise.any():
            estimator.add(batch["strain"][noise])
    present = estimator.counts > 0
    if not present.any() or estimator.counts[present].min() < _FEWEST_NOISE_WINDOWS:
        counts = ", ".join(f"{count} in {name}" for name, count in zip(DETECTORS, estimator.counts, strict=True))
        raise InputError(
            f"Too few training rows of {source} are labelled {settings.classes[0]!r} to know the noise: {counts}.",
            f"Give at least {_FEWEST_NOISE_WINDOWS} of each detector that is there at all.",
        )
    return estimator.estimate()


def _whitened(
    source: Path, whitening: Whitening, splits: Splits, settings: Settings, rejections: Rejections
) -> Iterator[Columns]:
    done = 0
    for batch, white in map_ahead(partial(_whiten, whitening=whitening), read_batches(source)):
        rows = slice(done, done + len(batch["id"]))
        done = rows.stop
        keep = _reject(batch, settings, rejections)
        columns = {**batch, "group_id": splits.groups[rows], "split": splits.of_rows(rows), "strain": white}
        yield {name: values[keep] for name, values in columns.items()}


def _whiten(batch: Columns, whitening: Whitening) -> tuple[Columns, npt.NDArray[np.float32]]:
    strain = batch.pop("strain")
    finite = np.isfinite(strain).mean(-1)
    batch["_whole"] = np.any(finite == 1, axis=-1)
    batch["_gap"] = np.any((finite > 0) & (finite < 1), axis=-1)
    return batch, whitening.apply(strain)


def _reject(batch: Columns, settings: Settings, rejections: Rejections) -> npt.NDArray[Any]:
    """Record the windows that are left out, each with the first reason that holds, and return which are kept."""
    whole, gap = batch.pop("_whole"), batch.pop("_gap")
    known = np.isin(batch["label"].astype(np.str_), settings.classes)
    checks = [
        ("unknown label", f"The label is none of {', '.join(settings.classes)}.", ~known),
        ("gap", "Some samples of a detector are not numbers.", gap),
        ("no detector", "No detector has data.", ~whole),
    ]
    return rejections.sift(batch["id"], checks)
