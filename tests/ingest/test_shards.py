"""Shards of an ingest add up to exactly what one ingest writes, from every source."""

import dataclasses
import functools
import json
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
from catalogue_writer import real_rows, write_catalogue
from hypothesis import given
from hypothesis import strategies as st
from loopback import LoopbackArchive, Misbehaviour
from shard_tables import assert_same, contents
from spec_writer import write_spec

from components.common import download
from components.common.archive import Archive, Request
from components.common.errors import ParameterError
from components.common.provenance import Provenance
from components.common.shards import Shard
from components.common.tables import count_rows, read_provenance, read_settings
from components.ingest.sdss_spectra import archive_source, files_source, kaggle_source
from components.ingest.sdss_spectra.ingestion import Settings, ingest
from components.merge.shards.merging import merge


def _whole_and_shards(folder: Path, settings: Settings, shards: int) -> list[Provenance]:
    """Ingest at once and in shards, check that both are the same, and return what the shards say of themselves."""
    ingest(folder / "whole", settings)
    numbers = list(range(shards))
    parts = [folder / f"part{number}" for number in numbers]
    found = [
        ingest(part, dataclasses.replace(settings, shard=number, shards=shards))
        for number, part in zip(numbers, parts, strict=True)
    ]
    merge(parts[::-1], folder / "merged")  # the order in which they are given says nothing
    assert_same(folder / "whole", folder / "merged")
    assert all(p.requested == p.received + sum(p.rejected.values()) for p in found)
    return found


@given(st.integers(0, 3000), st.integers(1, 600), st.integers(1, 20))
def test_shards_are_a_partition_in_order_along_batches(total: int, per_batch: int, count: int) -> None:
    shares = [Shard(number, count).rows(total, per_batch) for number in range(count)]
    assert [row for share in shares for row in share] == list(range(total))
    assert all(share.start % per_batch == 0 for share in shares if share)
    sizes = [-(-len(share) // per_batch) for share in shares]
    assert max(sizes) - min(sizes) <= 1, "no pod waits for another one"


@pytest.mark.parametrize(("number", "count"), [(-1, 2), (2, 2), (0, 0), (0, -1)])
def test_an_impossible_shard_is_refused(number: int, count: int) -> None:
    with pytest.raises(ParameterError, match=f"no shard {number} of {count}"):
        Settings(rows=1, shard=number, shards=count)


@pytest.mark.parametrize(("rows", "shards", "seed"), [(700, 2, 1), (700, 3, -3), (257, 4, 2**40)])
def test_simulated_shards_add_up(tmp_path: Path, rows: int, shards: int, seed: int) -> None:
    found = _whole_and_shards(tmp_path, Settings(rows=rows, seed=seed, maximum_redshift=3.0), shards)
    assert sum(p.received for p in found) == rows
    assert (min(p.received for p in found) == 0) == (shards == 4), "an empty shard is no failure"


def test_a_shard_that_is_made_again_is_the_same(tmp_path: Path) -> None:
    settings = Settings(rows=300, shard=1, shards=2)
    for name in ("first", "second"):
        ingest(tmp_path / name, settings)
    first, second = (contents(tmp_path / name / "dataset.parquet") for name in ("first", "second"))
    assert first == second


def test_a_shard_says_which_it_is_and_a_whole_table_says_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARMILLARY_EVENTS", str(tmp_path / "events.jsonl"))
    ingest(tmp_path / "part", Settings(rows=2, seed=9, shard=2, shards=3))
    ingest(tmp_path / "whole", Settings(rows=2, seed=9))
    marks = read_settings(tmp_path / "part" / "dataset.parquet")["shard"]
    assert (marks["number"], marks["count"], marks["request"]["seed"]) == (2, 3, 9)
    assert read_settings(tmp_path / "whole" / "dataset.parquet") == {}
    events = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    assert [e["stage"] for e in events if e["event"] == "begin"] == ["ingest-2", "ingest"]


@pytest.mark.parametrize("rows", [0, 29])
def test_shards_of_the_archive_add_up(
    sdss_server: LoopbackArchive, real_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    """With a spectrum that is not there, two that cannot be had, and a quasar on two plates."""
    quick = functools.partial(Archive, backoff_seconds=0.01, requests_per_minute=60_000.0)
    monkeypatch.setattr(archive_source, "Archive", quick)
    monkeypatch.setattr(archive_source, "SPECTRA_PER_BATCH", 8)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    write_catalogue(sdss_server.root / "dr16/eboss/qso/DR16Q/DR16Q_v4.fits", real_rows(real_data))
    plate = "dr16/eboss/spectro/redux/v5_13_0/spectra/lite/3655"
    (sdss_server.root / plate / "spec-3655-55240-0002.fits").unlink()
    for fiber in ("0026", "0030"):
        sdss_server.script(f"{plate}/spec-3655-55240-{fiber}.fits", *[Misbehaviour(html=True)] * 99)
    settings = Settings(
        "archive", rows=rows, archive_url=sdss_server.url, classes=("QSO", "GALAXY", "STAR"), seed=4
    )
    found = _whole_and_shards(tmp_path, settings, 3)
    assert sum(p.requested for p in found) == (rows or 43)
    assert all(p.received for p in found)
    assert sum(sum(p.rejected.values()) for p in found) >= 1
    assert {note for p in found for note in p.notes} == set(found[0].notes)


def test_the_pace_is_shared_by_the_shards(
    archive_server: LoopbackArchive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (archive_server.root / "a.txt").write_text("a")
    slept: list[float] = []
    monkeypatch.setattr(download.time, "sleep", slept.append)
    with Archive(archive_server.url, requests_per_minute=6.0, sharers=10) as archive:
        for name in "bcd":
            archive.obtain(Request("a.txt", tmp_path / name))
    assert max(slept) > 20.0, "alone it would have waited 20 s for its third turn, and it shares with nine others"
    whole = Settings("archive", archive_url=archive_server.url)
    shard = dataclasses.replace(whole, shard=2, shards=10)
    with archive_source._archive(whole, None) as alone, archive_source._archive(shard, None) as mine:
        intervals = [archive._downloader._pace._interval for archive in (alone, mine)]
    assert intervals[1] == pytest.approx(10 * intervals[0])


def test_shards_of_a_folder_add_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files_source, "SPECTRA_PER_BATCH", 2)
    folder = tmp_path / "in"
    labels = []
    for fiber in range(1, 12):
        dark = np.zeros(400) if fiber == 6 else None
        ra = 10.0 if fiber in (2, 9) else 20.0 + fiber  # one object, far apart in the list
        write_spec(folder / f"spec-{fiber:02d}.fits", fiber=fiber, ra=ra, ivar=dark)
        redshift = 9.0 if fiber == 3 else 1.0 + fiber / 10
        labels.append({"file": f"spec-{fiber:02d}.fits", "class": "QSO", "redshift": redshift})
    (folder / "page.fits").write_bytes(b"<html>busy</html>")
    pd.DataFrame([*labels, {"file": "gone.fits", "class": "QSO", "redshift": 1.0}]).to_csv(
        folder / "labels.csv", index=False
    )
    found = _whole_and_shards(tmp_path, Settings("files", location=str(folder), rows=9), 3)
    assert sum(p.requested for p in found) == 13
    assert found[0].rejected.keys() >= {"no file", "redshift range", "not drawn"}
    assert all(set(p.rejected) <= {"no good pixels"} for p in found[1:]), (
        "what all shards see, the first one tells"
    )


def test_shards_of_the_workshops_file_add_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kaggle_source, "SPECTRA_PER_BATCH", 4)
    rng, rows = np.random.default_rng(3), 21
    flux = rng.uniform(0, 1, (rows, 4618)).astype(np.float32)
    flux[17] = 0.5
    redshift = rng.uniform(0.5, 4, rows)
    redshift[2] = 9.0
    with h5py.File(tmp_path / "quasar.h5", "w") as file:
        file["flux_norm"], file["z_vi"], file["plate"] = flux, redshift, np.full(rows, 3655)
        file["mjd"], file["fiberid"], file["class_person"] = (
            np.full(rows, 55240),
            np.arange(rows),
            np.full(rows, 3),
        )
        file["thing_id"] = np.where(np.arange(rows) == 20, 101, 100 + np.arange(rows))  # the second and the last
    found = _whole_and_shards(tmp_path, Settings("kaggle", location=str(tmp_path / "quasar.h5")), 3)
    assert [dict(p.rejected) for p in found] == [{"redshift range": 1}, {}, {"no good pixels": 1}]


def test_a_shard_without_rows_has_its_tables(tmp_path: Path) -> None:
    provenance = ingest(tmp_path / "part", Settings(rows=3, shard=0, shards=2))
    assert (provenance.requested, provenance.received) == (0, 0)
    for name in ("dataset.parquet", "rejected.parquet"):
        assert count_rows(tmp_path / "part" / name) == 0
        assert read_provenance(tmp_path / "part" / name) == provenance
