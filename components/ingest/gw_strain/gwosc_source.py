"""Open data of the detectors: windows of real noise, into some of which waves are injected."""

import json
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import numpy as np
import numpy.typing as npt
from scipy.signal import welch

from components.common.archive import Archive, Request
from components.common.errors import InputError
from components.common.provenance import Provenance
from components.common.rejections import Rejections
from components.common.store import Store
from components.common.tables import Columns
from components.common.telemetry import warn
from components.ingest.dataset import Source
from components.ingest.gw_strain.gwosc_file import QUALITY, Strain, read_strain
from components.ingest.gw_strain.injections import inject
from components.ingest.gw_strain.schema import SAMPLE_RATE_HZ, SAMPLES, complete
from components.ingest.gw_strain.settings import Settings
from components.ingest.gw_strain.source import WINDOWS_PER_BATCH
from components.physics.compact_binaries import signal_frequencies
from components.physics.detectors import DETECTORS

FloatArray = npt.NDArray[np.float64]

_WINDOW_SECONDS = round(SAMPLES / SAMPLE_RATE_HZ)
SEGMENT_SECONDS = 8
"""Windows from the same seconds belong to one segment: noise changes over minutes, but a glitch lasts a second."""
_VETO_SECONDS = 4.0
"""So far from an excluded time noise begins."""
_EDGE_SECONDS = 1
"""The anti-alias filter has no neighbours there."""
_KILOHERTZ = 4


@dataclass(frozen=True, eq=False)
class _Stretch:
    """Data of all detectors over the same seconds; NaN for a detector that is not there."""

    gps_start: int
    values: FloatArray
    good: npt.NDArray[np.bool_]


def open_gwosc(settings: Settings, rejections: Rejections) -> Source:
    """Find the files, locally or in the archive, cut their windows, and inject waves.

    Raises
    ------
    ArchiveError
        When the archive is down.
    InputError
        When there are no files, or not what they should be.
    """
    times = _local_files(settings) if settings.location else _archived_files(settings)
    starts = sorted(times)
    if not starts:
        raise InputError(
            f"There are no data of {settings.event or f'{settings.gps_start} to {settings.gps_stop}'}.",
            "Choose another event, or a time when the detectors observed.",
        )
    if settings.event and not settings.exclude:
        warn(f"{settings.event} itself will be labelled noise: set exclude to its GPS time.")
    place = settings.location or settings.archive_url
    wanted = settings.location or settings.event or f"GPS {settings.gps_start} to {settings.gps_stop}"
    provenance = Provenance(
        origin="real" if settings.signal_fraction == 0 else "semi-empirical",
        archive=f"GWOSC, {place}",
        query=f"{wanted}; files from {', '.join(str(start) for start in starts[:20])}; excluded "
        f"{settings.exclude or 'nothing'}; bits {', '.join(QUALITY)}; rows {settings.rows or 'all'}",
        release="GWOSC open data, CC-BY 4.0",
        retrieved_at=datetime.now(UTC).isoformat(timespec="seconds"),
        seed=settings.seed,
        notes=("Real noise of the detectors; the waves in it are simulated (IMRPhenomD).",),
    )
    source = Source(provenance, 0, iter(()))
    mine = settings.part.rows(len(starts), 1)
    source.batches = _stream(source, [times[start] for start in starts], mine, settings, rejections)
    return source


def _local_files(settings: Settings) -> Mapping[int, list[Path | str]]:
    """Group files, which the location names or holds, by the second at which they begin."""
    files: list[Path] = []
    for text in settings.location.split(","):
        path = Path(text.strip())
        files += sorted(path.glob("*.hdf5")) if path.is_dir() else [path]
    times: dict[int, list[Path | str]] = defaultdict(list)
    for path in files:
        fields = path.stem.split("-")
        if not fields[-2:-1] or not fields[-2].isdigit():
            if Path(settings.location.strip()) == path.parent:
                continue  # templates and the like lie beside strain
            raise InputError(
                f"{path} is not named like H-H1_GWOSC_4KHZ_R1-1126259447-32.hdf5.",
                "Keep the name with which the GWOSC ships the file: it says which times belong together.",
            )
        times[int(fields[-2])].append(path)
    return times


def _archived_files(settings: Settings) -> Mapping[int, list[Path | str]]:
    """Ask the archive (GWOSC API, version 2) for the addresses of files, grouped by the second they begin at."""
    where = f"api/v2/events/{settings.event}/strain-files" if settings.event else "api/v2/strain-files"
    query: dict[str, str | int] = {"sample-rate": _KILOHERTZ}
    if settings.gps_stop:
        query |= {"start": settings.gps_start, "stop": settings.gps_stop}
    times: dict[int, list[Path | str]] = defaultdict(list)
    with _archive(settings) as archive, tempfile.TemporaryDirectory(prefix="armillary-") as scratch:
        page = 1
        while True:
            path = f"{where}?{urlencode({**query, 'page': page})}"
            answer = _json(archive.fetch(path, Path(scratch) / f"{page}.json", check=_require_listing))
            for row in answer["results"]:
                if row["detector"] in DETECTORS and row["sample_rate_kHz"] == _KILOHERTZ:
                    times[int(row["gps_start"])].append(urlsplit(row["hdf5_url"]).path.lstrip("/"))
            if not answer.get("next"):
                return times
            page += 1


def _archive(settings: Settings) -> Archive:
    return Archive(
        settings.archive_url, Store.if_configured(), version=settings.data_version, sharers=settings.shards
    )


def _json(path: Path) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return answer


def _require_listing(path: Path) -> None:
    known = {"detector", "gps_start", "hdf5_url", "sample_rate_kHz"}
    if not all(known <= set(row) for row in _json(path)["results"]):
        raise ValueError(f"an entry lacks one of {', '.join(sorted(known))}")


def _stream(
    source: Source, groups: list[list[Path | str]], mine: range, settings: Settings, rejections: Rejections
) -> Iterator[Columns]:
    """Read the files of one time after the other, and hand over their windows."""
    for number in mine:
        wanted = settings.rows * (number + 1) // len(groups) - settings.rows * number // len(groups)
        if settings.rows and not wanted:
            continue
        stretch = _load(groups[number], settings)
        # A seed of its own for each: a shard draws what the whole would have drawn there.
        rng = np.random.default_rng((settings.seed % 2**64, stretch.gps_start))
        windows = _windows(stretch, settings, rejections)
        usable = windows[windows >= 0]
        chosen = usable
        if settings.rows and len(usable) > wanted:
            chosen = np.sort(rng.choice(usable, wanted, replace=False))
        elif len(usable) < wanted:
            warn(f"Of {wanted} windows from GPS {stretch.gps_start} on, {len(usable)} can be used.")
        source.asked += len(windows) - len(usable) + len(chosen)
        for start in range(0, len(chosen), WINDOWS_PER_BATCH):
            yield _batch(stretch, chosen[start : start + WINDOWS_PER_BATCH], settings, rng)


def _load(files: list[Path | str], settings: Settings) -> _Stretch:
    """Read files, from the disk or the archive, and lay the detectors beside each other."""
    local = [file for file in files if isinstance(file, Path)]
    remote = [file for file in files if isinstance(file, str)]
    if not remote:
        return _beside([read_strain(path, SAMPLE_RATE_HZ) for path in local])
    with _archive(settings) as archive, tempfile.TemporaryDirectory(prefix="armillary-") as scratch:
        requests = [Request(path, Path(scratch) / Path(path).name, version="") for path in remote]  # as released
        strains = []
        for request in requests:
            archive.obtain(request, check=lambda path: read_strain(path, SAMPLE_RATE_HZ))
            strains.append(read_strain(request.destination, SAMPLE_RATE_HZ))
    return _beside(strains)


def _beside(strains: list[Strain]) -> _Stretch:
    first = strains[0]
    seconds = int(min(strain.duration for strain in strains))
    values = np.full((len(DETECTORS), round(seconds * SAMPLE_RATE_HZ)), np.nan)
    good = np.zeros((len(DETECTORS), seconds), dtype=bool)
    for strain in strains:
        index = DETECTORS.index(strain.detector)
        if good[index].any():
            raise InputError(
                f"Two files hold {strain.detector} from {strain.gps_start:.0f} on.",
                "Give each detector once: releases differ in calibration.",
            )
        values[index] = strain.values[: values.shape[1]]
        good[index] = strain.good[:seconds]
    return _Stretch(round(first.gps_start), values, good)


def _windows(stretch: _Stretch, settings: Settings, rejections: Rejections) -> npt.NDArray[np.int64]:
    """First second of each window that can be used; -1 for those that cannot, whose reasons are recorded."""
    seconds = stretch.good.shape[1]
    starts = np.arange(_EDGE_SECONDS, seconds - _EDGE_SECONDS - _WINDOW_SECONDS + 1, _WINDOW_SECONDS)
    result = starts.astype(np.int64)
    for row, start in enumerate(starts):
        reason, detail = _unusable(stretch, int(start), settings)
        if reason:
            rejections.add(_name(stretch, int(start)), reason, detail)
            result[row] = -1
    return result


def _unusable(stretch: _Stretch, start: int, settings: Settings) -> tuple[str, str]:
    """Say why a window cannot be used, with nothing where it can."""
    begin = stretch.gps_start + start
    for time in settings.excluded_times:
        if begin - _VETO_SECONDS < time < begin + _WINDOW_SECONDS + _VETO_SECONDS:
            return "excluded time", f"{time} is less than {_VETO_SECONDS:g} s away"
    present, passed = _present(stretch, start)
    if passed.sum() >= settings.minimum_detectors:
        return "", ""
    detail = f"{settings.minimum_detectors} detectors are wanted"
    there = np.asarray(np.isfinite(_cut(stretch, start)).any(-1))
    if there.sum() < settings.minimum_detectors:
        return "missing detector", f"{_listed(there)} observed; {detail}"
    if present.sum() < settings.minimum_detectors:
        return "gap", f"samples are missing in {_listed(there & ~present)}; {detail}"
    return "data quality", f"{_listed(present & ~passed)} did not pass {', '.join(QUALITY)}; {detail}"


def _listed(which: npt.NDArray[np.bool_]) -> str:
    return ", ".join(name for name, one in zip(DETECTORS, which, strict=True) if one) or "no detector"


def _cut(stretch: _Stretch, start: int) -> FloatArray:
    first = round(start * SAMPLE_RATE_HZ)
    return stretch.values[:, first : first + SAMPLES]


def _present(stretch: _Stretch, start: int) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Detectors without a gap in a window, and those of them that also pass the masks."""
    present = np.asarray(np.isfinite(_cut(stretch, start)).all(-1))
    passed = np.asarray(stretch.good[:, start : start + _WINDOW_SECONDS].all(-1))
    return present, present & passed


def _batch(
    stretch: _Stretch, starts: npt.NDArray[np.int64], settings: Settings, rng: np.random.Generator
) -> Columns:
    noise = np.stack([_cut(stretch, int(start)) for start in starts])
    passed = np.stack([_present(stretch, int(start))[1] for start in starts])
    noise[~passed] = np.nan
    names = np.array([_name(stretch, int(start)) for start in starts], dtype=object)
    waves = inject(noise, _density(stretch), names, settings, rng)
    gps = (stretch.gps_start + starts).astype(np.float64)
    segments = np.array([f"gps-{int(time) // SEGMENT_SECONDS * SEGMENT_SECONDS}" for time in gps], dtype=object)
    return complete({"id": names, "segment_id": segments, "gps_start": gps, **waves})


def _density(stretch: _Stretch) -> FloatArray:
    """Noise density of the stretch, against which the loudness of injections counts; infinite without data."""
    frequency = signal_frequencies(SAMPLES, SAMPLE_RATE_HZ)
    psd = np.full((len(DETECTORS), len(frequency)), np.inf)
    for index, values in enumerate(stretch.values):
        finite = values[np.isfinite(values)]
        if len(finite) >= 2 * SAMPLES:
            psd[index] = welch(finite, SAMPLE_RATE_HZ, nperseg=2 * SAMPLES, average="median")[1]
    return psd


def _name(stretch: _Stretch, start: int) -> str:
    return f"gps-{stretch.gps_start + start}"
