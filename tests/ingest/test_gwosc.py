"""Open data: the real files around GW150914, locally and from a loopback archive, and broken ones."""

import functools
import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from gwosc_writer import write_gwosc
from loopback import LoopbackArchive
from scipy import signal

from components.common.archive import Archive
from components.common.errors import ArchiveError, InputError
from components.common.tables import read_table
from components.ingest.gw_strain import gwosc_source
from components.ingest.gw_strain.gwosc_file import read_strain, resample
from components.ingest.gw_strain.ingestion import Settings, ingest

H1, L1 = "H-H1_LOSC_4_V2-1126259446-32.hdf5", "L-L1_LOSC_4_V2-1126259446-32.hdf5"
GW150914 = 1126259462.44
ALL = (1 << 7) - 1


@pytest.fixture(autouse=True)
def _in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the real client, but not its pauses, and no store."""
    quick = functools.partial(Archive, backoff_seconds=0.01, requests_per_minute=60_000.0, attempts=2)
    monkeypatch.setattr(gwosc_source, "Archive", quick)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)


def _ingest(output: Path, **settings: Any) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    provenance = ingest(output, Settings("gwosc", **settings))
    table, rejected = read_table(output / "dataset.parquet"), read_table(output / "rejected.parquet")
    assert provenance.requested == len(table["id"]) + len(rejected["id"])
    return table, dict(zip(rejected["id"], rejected["reason"], strict=True))


def _noise(seconds: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(scale=1e-21, size=seconds * 4096)


def test_cuts_the_real_files_around_the_event(real_data: Path, tmp_path: Path) -> None:
    table, rejected = _ingest(tmp_path / "out", location=str(real_data / "gw"), exclude=str(GW150914), seed=1)
    # 32 s less an edge on both sides are 15 windows; 4 s around the event are no noise.
    assert (len(table["id"]), set(rejected.values())) == (10, {"excluded time"})
    assert not np.any(np.abs(table["gps_start"] + 1 - GW150914) < 5)
    assert np.isfinite(table["strain"][:, :2]).all()
    assert np.isnan(table["strain"][:, 2]).all()  # there was no Virgo yet
    assert np.all(table["snr_v1"] == 0)
    quiet = table["label"] == "noise"
    with h5py.File(real_data / "gw" / H1) as file:
        raw = file["strain/Strain"][:]
    start = int((table["gps_start"][quiet][0] - 1126259446) * 4096)
    low = signal.butter(8, 500, fs=4096, output="sos")
    same = signal.sosfiltfilt(low, raw)[start : start + 8192 : 2]
    ours = signal.sosfiltfilt(signal.butter(8, 500, fs=2048, output="sos"), table["strain"][quiet][0, 0])
    assert np.abs(ours - same)[200:-200].max() < 0.01 * np.abs(same).max()


def test_reads_the_event_from_the_archive(
    archive_server: LoopbackArchive, real_data: Path, tmp_path: Path
) -> None:
    folder = archive_server.root / "eventapi" / "html"
    folder.mkdir(parents=True)
    results = []
    for name, detector in ((H1, "H1"), (L1, "L1")):
        (folder / name).symlink_to(real_data / "gw" / name)
        url = f"https://gwosc.org/eventapi/html/{name}"
        results.append({"gps_start": 1126259446, "detector": detector, "sample_rate_kHz": 4.0, "hdf5_url": url})
    results.append({**results[0], "sample_rate_kHz": 16.0})
    listing = archive_server.root / "api/v2/events/GW150914/strain-files"
    listing.parent.mkdir(parents=True)
    listing.write_text(json.dumps({"next": None, "results": results}))
    table, _ = _ingest(tmp_path / "out", archive_url=archive_server.url, event="GW150914", seed=1)
    local, _ = _ingest(tmp_path / "local", location=str(real_data / "gw"), seed=1)
    np.testing.assert_array_equal(table["strain"], local["strain"])
    by_time = archive_server.root / "api/v2/strain-files"
    by_time.write_text(listing.read_text())
    again, _ = _ingest(
        tmp_path / "time", archive_url=archive_server.url, gps_start=1126259446, gps_stop=1126259478, seed=1
    )
    np.testing.assert_array_equal(again["strain"], local["strain"])
    assert any("start=1126259446&stop=1126259478" in request.target for request in archive_server.requests)


def test_an_archive_without_the_event_says_so(archive_server: LoopbackArchive, tmp_path: Path) -> None:
    with pytest.raises(ArchiveError):
        ingest(tmp_path / "out", Settings("gwosc", archive_url=archive_server.url, event="GW000000"))
    listing = archive_server.root / "api/v2/events/GW000000/strain-files"
    listing.parent.mkdir(parents=True)
    listing.write_text(json.dumps({"next": None, "results": []}))
    with pytest.raises(InputError, match="no data of GW000000"):
        ingest(tmp_path / "out", Settings("gwosc", archive_url=archive_server.url, event="GW000000"))


def test_masks_gaps_and_missing_detectors_are_rejected(tmp_path: Path) -> None:
    quality = np.full(16, ALL)
    quality[3] = ALL - 4  # no CBC_CAT2
    injections = np.full(16, 31)
    injections[6] = 30  # a hardware injection
    gap = _noise(16, 1)
    gap[10 * 4096 : 10 * 4096 + 50] = np.nan
    gone = _noise(16, 2)
    gone[12 * 4096 :] = np.nan
    write_gwosc(tmp_path / "in", "H1", _noise(16), quality=quality, injections=injections)
    gap[12 * 4096 :] = np.nan
    write_gwosc(tmp_path / "in", "L1", gap)
    table, rejected = _ingest(tmp_path / "out", location=str(tmp_path / "in"))
    start = 1_126_259_446
    assert rejected == {
        f"gps-{start + 3}": "data quality",
        f"gps-{start + 5}": "data quality",
        f"gps-{start + 9}": "gap",
        f"gps-{start + 11}": "gap",
        f"gps-{start + 13}": "missing detector",
    }
    assert sorted(table["id"]) == [f"gps-{start + 1}", f"gps-{start + 7}"]


def test_one_detector_will_do_if_asked(tmp_path: Path) -> None:
    write_gwosc(tmp_path / "in", "L1", _noise(16))
    with pytest.raises(InputError, match="7 missing detector"):
        ingest(tmp_path / "out", Settings("gwosc", location=str(tmp_path / "in")))
    table, _ = _ingest(tmp_path / "out", location=str(tmp_path / "in"), minimum_detectors=1, rows=3)
    assert np.isnan(table["strain"][:, [0, 2]]).all()
    assert np.isfinite(table["strain"][:, 1]).all()
    assert len(table["id"]) == 3
    signals = table["label"] == "signal"
    np.testing.assert_allclose(table["snr_l1"][signals], table["snr_network"][signals])


@pytest.mark.parametrize("rate", [4096.0, 16384.0])
def test_a_file_read_in_parts_is_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rate: float) -> None:
    strain = np.random.default_rng(5).normal(size=round(10 * rate)) * 1e-21
    strain[round(4.4 * rate) : round(5.2 * rate)] = np.nan
    path = write_gwosc(tmp_path, "V1", strain, rate=rate)
    whole = read_strain(path, 2048.0)
    monkeypatch.setattr("components.ingest.gw_strain.gwosc_file._SECONDS_AT_ONCE", 1.5)
    parts = read_strain(path, 2048.0)
    assert len(parts.values) == 10 * 2048
    np.testing.assert_allclose(parts.values, whole.values, rtol=0, atol=1e-27)


def test_unusable_files_are_named(tmp_path: Path, real_data: Path) -> None:
    with pytest.raises(InputError, match="wrong sampling rate: 2048 Hz"):
        read_strain(write_gwosc(tmp_path / "a", "H1", _noise(16), rate=2048.0), 2048.0)
    with pytest.raises(InputError, match="of the detector G1"):
        read_strain(write_gwosc(tmp_path / "b", "G1", _noise(16)), 2048.0)
    with pytest.raises(InputError, match="all of its strain is NaN"):
        read_strain(write_gwosc(tmp_path / "c", "H1", np.full(16 * 4096, np.nan)), 2048.0)
    with pytest.raises(InputError, match="it has no meta/Detector, meta/GPSstart, strain/Strain, quality"):
        read_strain(real_data / "gw" / "GW150914_4_template.hdf5", 2048.0)
    initial = write_gwosc(tmp_path / "d", "H1", _noise(16))
    with h5py.File(initial, "r+") as file:  # as of S6
        file["quality/simple/DQShortnames"][1:3] = [b"CBCHIGH_CAT1", b"CBCLOW_CAT1"]
    with pytest.raises(InputError, match=r"DATA, CBCHIGH_CAT1.* not 16 with DATA, CBC_CAT1.* Give a file of O1"):
        read_strain(initial, 2048.0)
    cut = tmp_path / "H-H1_CUT-1-32.hdf5"
    cut.write_bytes((real_data / "gw" / H1).read_bytes()[:300_000])
    with pytest.raises(InputError, match="not a whole HDF5 file of the GWOSC"):
        read_strain(cut, 2048.0)
    with pytest.raises(InputError, match="There is no file"):
        read_strain(tmp_path / "nothing.hdf5", 2048.0)
    with pytest.raises(InputError, match="is not named like"):
        ingest(tmp_path / "out", Settings("gwosc", location=str(real_data / "gw" / "GW150914_4_template.hdf5")))
    write_gwosc(tmp_path / "twice", "H1", _noise(16))
    double = tmp_path / "twice" / "H-H1_OTHER-1126259446-16.hdf5"
    double.write_bytes(next((tmp_path / "twice").glob("*TEST*")).read_bytes())
    with pytest.raises(InputError, match="Two files hold H1"):
        ingest(tmp_path / "out", Settings("gwosc", location=str(tmp_path / "twice")))


def test_resampling_keeps_the_band_and_drops_aliases() -> None:
    time = np.arange(8 * 4096) / 4096
    kept, gone = np.sin(2 * np.pi * 400 * time), np.sin(2 * np.pi * 1500 * time)
    low = resample(kept + gone, 4096, 2048)
    inside = slice(200, -200)
    np.testing.assert_allclose(low[inside], kept[::2][inside], atol=2e-3)  # 1500 Hz would come back as 548 Hz
    holed = kept.copy()
    holed[20_000] = np.nan
    missing = np.isnan(resample(holed, 4096, 2048))
    assert missing[10_000]
    assert 0 < missing.sum() <= 70
