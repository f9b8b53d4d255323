"""The files of the G2Net competition: one NumPy file a window, and a table of labels, in a folder or in S3."""

import dataclasses
import itertools
import os
import tempfile
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from components.common.errors import InputError
from components.common.provenance import Provenance
from components.common.rejections import Rejections
from components.common.store import NotInStoreError, Store
from components.common.tables import Columns
from components.common.telemetry import warn
from components.common.threads import cores
from components.ingest.dataset import Source
from components.ingest.gw_strain.schema import NOISE, SAMPLES, SIGNAL, complete
from components.ingest.gw_strain.settings import Settings
from components.ingest.gw_strain.source import WINDOWS_PER_BATCH
from components.physics.detectors import DETECTORS

LABELS = "training_labels.csv"
_SHAPE = (len(DETECTORS), SAMPLES)
_TARGETS = {"0": NOISE, "1": SIGNAL}
_S3 = "s3://"
_THREADS_PER_CORE = 4  # they wait for the disk or the network more than they compute


@dataclasses.dataclass(frozen=True)
class _Rejected:
    reason: str
    detail: str


def open_g2net(settings: Settings, rejections: Rejections) -> Source:
    """Read the labels, choose from them, and stream the files.

    The labels name the files: no folder is searched. A window's place is the first three characters of its name,
    then the name, below `train` where there is such a folder; or its file lies there without folders.

    Raises
    ------
    InputError
        When there are no labels, or they are not what they should be.
    StoreError
        When the store is down.
    """
    if settings.location.startswith(_S3):
        place: _Folder | _Bucket = _Bucket.open(settings.location)
    else:
        place = _Folder(Path(settings.location))
    labels, dropped = _read_labels(place, rejections if settings.part.is_first else Rejections())
    if settings.rows and settings.rows < len(labels):  # the first files of a folder are as random as any, but a
        chosen = np.random.default_rng(settings.seed % 2**64).choice(len(labels), settings.rows, replace=False)
        # draw depends on the seed alone
        labels = labels.iloc[np.sort(chosen)]
    elif settings.rows > len(labels):
        warn(f"{settings.rows} windows were asked for, but only {len(labels)} have labels.")
    provenance = Provenance(
        origin="simulated",
        archive=f"G2Net competition, {settings.location}",
        query=f"rows {f'{settings.rows} drawn with seed {settings.seed}' if settings.rows else 'all'}",
        release="Kaggle g2net-gravitational-wave-detection",
        retrieved_at=datetime.now(UTC).isoformat(timespec="seconds"),
        notes=(
            "The competition's waves and noise are simulated; their parameters are not published, so that each "
            "window is taken for a segment of its own.",
        ),
    )
    mine = settings.part.rows(len(labels), WINDOWS_PER_BATCH)
    own = labels.iloc[mine.start : mine.stop]
    asked = len(own) + (dropped if settings.part.is_first else 0)
    return Source(provenance, asked, _stream(place, own, rejections))


def check_folder(folder: str) -> None:
    """Look over a folder before anything is trained: there are labels of both classes, and one window at least.

    Raises
    ------
    InputError
        When it is no folder of the competition's layout.
    """
    place, rejections = _Folder(Path(folder)), Rejections()
    labels, _ = _read_labels(place, rejections)
    if missing := sorted(set(_TARGETS.values()) - set(labels["label"])):
        raise InputError(
            f"No window in {folder} is labelled {' or '.join(missing)}; left out: {rejections.counts or 'none'}.",
            "Give windows of noise, target 0, and windows with a wave, target 1.",
        )
    with tempfile.TemporaryDirectory(prefix="armillary-") as scratch:
        # The competition's own labels may lie beside a few of its files.
        there = (name for name in labels["id"] if place.window(name, Path(scratch)).is_file())
        name = next(there, labels["id"].iloc[0])
        first = _read(place, name, Path(scratch))
    if isinstance(first, _Rejected):
        raise InputError(
            f"The first window of {folder}, {name}, cannot be used: {first.reason}, {first.detail}.",
            "Give 3 x 4096 samples of float64 for each window, where its name says.",
        )


class _Folder:
    """Files on a disk."""

    def __init__(self, root: Path):
        if not root.is_dir():
            raise InputError(f"There is no folder {root}.", f"Set location to the one that holds {LABELS}.")
        self.root = root
        self._files = root / "train" if (root / "train").is_dir() else root

    def labels(self, _scratch: Path) -> Path:
        return self.root / LABELS

    def window(self, name: str, _scratch: Path) -> Path:
        path, beside = self._files / _relative(name), self._files / f"{name}.npy"
        return beside if beside.is_file() and not path.is_file() else path  # small samples lie in one folder


class _Bucket:
    """Objects of an S3 store, fetched as they are read and deleted right after."""

    def __init__(self, store: Store, prefix: str):
        self._store, self._prefix = store, prefix
        self._files = f"{prefix}train/" if store.list_folders(f"{prefix}train") else prefix

    @classmethod
    def open(cls, location: str) -> "_Bucket":
        bucket, _, prefix = location.removeprefix(_S3).partition("/")
        store = Store.from_environment({**os.environ, "ARMILLARY_BUCKET": bucket})
        return cls(store, f"{prefix.strip('/')}/" if prefix.strip("/") else "")

    def labels(self, scratch: Path) -> Path:
        return self._get(self._prefix + LABELS, scratch / LABELS)

    def window(self, name: str, scratch: Path) -> Path:
        return self._get(self._files + _relative(name), scratch / f"{name}.npy")

    def _get(self, key: str, path: Path) -> Path:
        try:
            return self._store.get_file(key, path)
        except NotInStoreError:
            return path  # which does not exist, as in a folder


def _relative(name: str) -> str:
    return f"{'/'.join(name[:3])}/{name}.npy"


def _read_labels(place: "_Folder | _Bucket", rejections: Rejections) -> tuple[pd.DataFrame, int]:
    """Return id and label of what can be asked for, and the number of lines that cannot."""
    with tempfile.TemporaryDirectory(prefix="armillary-") as scratch:
        path = place.labels(Path(scratch))
        try:
            labels = pd.read_csv(path, dtype=str, keep_default_na=False)
        except (OSError, ValueError) as error:
            raise InputError(
                f"{LABELS} cannot be read: {error}.", f"Put the competition's {LABELS} beside the folder of files."
            ) from error
    if not {"id", "target"} <= set(labels.columns):
        raise InputError(
            f"{LABELS} has columns {', '.join(labels.columns)}, but not id and target.",
            "Take the file as the competition ships it.",
        )
    name, target = labels["id"].str.strip(), labels["target"].str.strip()
    unknown = ~target.isin(_TARGETS)
    twice = name.duplicated() & ~unknown
    odd = ~name.str.fullmatch(r"\w{3,}") & ~unknown & ~twice
    rejections.add_many(name[unknown], "unknown label", "the target is neither 0 nor 1")
    rejections.add_many(name[twice], "duplicate", f"named twice in {LABELS}: the first counts")
    rejections.add_many(name[odd], "odd name", "no name of a file of the competition")
    good = ~(unknown | twice | odd)
    return pd.DataFrame({"id": name[good], "label": target[good].map(_TARGETS)}), int((~good).sum())


def _stream(place: "_Folder | _Bucket", labels: pd.DataFrame, rejections: Rejections) -> Iterator[Columns]:
    """Read ahead by a batch: memory holds two of them, however many there are."""
    threads = _THREADS_PER_CORE * cores()
    starts = iter(range(0, len(labels), WINDOWS_PER_BATCH))
    waiting: deque[tuple[pd.DataFrame, list[Future[npt.NDArray[np.float64] | _Rejected]]]] = deque()
    with (
        tempfile.TemporaryDirectory(prefix="armillary-") as scratch,
        ThreadPoolExecutor(threads, thread_name_prefix="g2net") as pool,
    ):
        while True:
            for start in itertools.islice(starts, 2 - len(waiting)):
                part = labels.iloc[start : start + WINDOWS_PER_BATCH]
                waiting.append((part, [pool.submit(_read, place, name, Path(scratch)) for name in part["id"]]))
            if not waiting:
                return
            part, futures = waiting.popleft()
            columns = _columns(part, [future.result() for future in futures], rejections)
            if len(columns["id"]):
                yield columns


def _read(place: "_Folder | _Bucket", name: str, scratch: Path) -> npt.NDArray[np.float64] | _Rejected:
    """Read one window, or say why it cannot be used."""
    path = place.window(name, scratch)
    try:
        strain = np.load(path, allow_pickle=False)
    except FileNotFoundError:
        return _Rejected("no file", f"there is no {_relative(name)}")
    except (OSError, ValueError, EOFError) as error:
        return _Rejected("unreadable", f"{_relative(name)} is no whole NumPy file: {error}")
    finally:
        if path.is_relative_to(scratch):
            path.unlink(missing_ok=True)
    return _checked(strain)


def _checked(strain: npt.NDArray[Any]) -> npt.NDArray[np.float64] | _Rejected:
    if strain.ndim == 2 and strain.shape[0] != _SHAPE[0] and strain.shape[1] == _SHAPE[1]:
        return _Rejected("missing detector", f"{strain.shape[0]} channels, not one for each of {_detectors()}")
    if strain.ndim == 2 and strain.shape[0] == _SHAPE[0] and strain.shape[1] != _SHAPE[1]:
        return _Rejected("wrong sampling rate", f"{strain.shape[1]} samples, not {SAMPLES} in two seconds")
    if strain.shape != _SHAPE or strain.dtype.kind != "f":
        return _Rejected("wrong shape", f"{strain.shape} of {strain.dtype}, not {_SHAPE} of floats")
    strain = strain.astype(np.float64, copy=False)
    if not np.isfinite(strain).all():
        return _Rejected("gap", f"{np.count_nonzero(~np.isfinite(strain))} samples are not numbers")
    if (strain.std(-1) == 0).any():
        return _Rejected("missing detector", "a channel is constant")
    return strain


def _detectors() -> str:
    return ", ".join(DETECTORS)


def _columns(
    part: pd.DataFrame, read: list[npt.NDArray[np.float64] | _Rejected], rejections: Rejections
) -> Columns:
    good = np.array([not isinstance(window, _Rejected) for window in read])
    for name, window in zip(part["id"], read, strict=True):
        if isinstance(window, _Rejected):
            rejections.add(name, window.reason, window.detail)
    part = part[good]
    names = part["id"].to_numpy(dtype=object)
    strain = [window for window in read if not isinstance(window, _Rejected)]
    return complete(
        {
            "id": names,
            "segment_id": names,
            "waveform_id": np.full(len(names), "", dtype=object),
            "label": part["label"].to_numpy(dtype=object),
            "strain": np.stack(strain) if strain else np.empty((0, *_SHAPE)),
        }
    )
