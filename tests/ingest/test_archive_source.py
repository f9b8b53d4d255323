import functools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from catalogue_writer import real_rows, write_catalogue
from loopback import LoopbackArchive, Misbehaviour
from spec_writer import write_spec

from components.common.archive import Archive
from components.common.errors import ArchiveError, InputError
from components.common.store import Store
from components.common.tables import read_table
from components.ingest.sdss_spectra import archive_source
from components.ingest.sdss_spectra.ingestion import Settings, ingest

_CATALOGUE = "dr16/eboss/qso/DR16Q/DR16Q_v4.fits"
_PLATE = "dr16/eboss/spectro/redux/v5_13_0/spectra/lite/3655"
_ALL = ("QSO", "GALAXY", "STAR")


@pytest.fixture(autouse=True)
def _in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the real client, but not its pauses, and no store unless a test brings one."""
    quick = functools.partial(Archive, backoff_seconds=0.01, requests_per_minute=60_000.0)
    monkeypatch.setattr(archive_source, "Archive", quick)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)


@pytest.fixture
def sdss(sdss_server: LoopbackArchive, real_data: Path) -> LoopbackArchive:
    """The real spectra and a catalogue of them, laid out as on data.sdss.org."""
    write_catalogue(sdss_server.root / _CATALOGUE, real_rows(real_data))
    return sdss_server


def _ingest(
    server: LoopbackArchive, output: Path, **settings: Any
) -> tuple[dict[str, np.ndarray], dict[str, tuple[str, str]]]:
    provenance = ingest(output, Settings("archive", archive_url=server.url, **settings))
    table, rejected = read_table(output / "dataset.parquet"), read_table(output / "rejected.parquet")
    assert provenance.requested == len(table["id"]) + len(rejected["id"])
    assert sum(provenance.rejected.values()) == len(rejected["id"])
    assert (provenance.origin, provenance.archive, len(provenance.sha256)) == ("real", server.url, 64)
    reasons = zip(rejected["reason"], rejected["detail"], strict=True)
    return table, dict(zip(rejected["id"], reasons, strict=True))


def _spectrum(fiber: int) -> str:
    return f"{_PLATE}/spec-3655-55240-{fiber:04d}.fits"


def test_ingests_plate_by_catalogue(sdss: LoopbackArchive, real_data: Path, tmp_path: Path) -> None:
    table, rejected = _ingest(sdss, tmp_path / "out", plates="3655")
    expected = {
        f"{r['PLATE']}-{r['MJD']}-{r['FIBERID']:04d}": r for r in real_rows(real_data) if r["PLATE"] == 3655
    }
    assert not rejected
    assert list(table["id"]) == list(expected)
    for row, name in enumerate(table["id"]):
        assert table["redshift"][row] == expected[name]["Z_VI"]
        assert table["object_id"][row] == f"thing-{expected[name]['THING_ID']}"
    assert set(table["redshift_source"]) == {"Z_VI"}
    assert set(table["spectral_class"]) == {"QSO"}
    # What came through the archive is what the files hold.
    folder, _ = (
        tmp_path / "folder",
        ingest(tmp_path / "folder", Settings("files", location=str(real_data / "sdss" / "spectra"))),
    )
    local = read_table(folder / "dataset.parquet")
    same = np.isin(local["id"], table["id"])
    np.testing.assert_array_equal(local["flux"][same], table["flux"])
    np.testing.assert_array_equal(local["ivar"][same], table["ivar"])


def test_finds_both_surveys_and_groups_a_quasar_that_lies_on_two_plates(
    sdss: LoopbackArchive, tmp_path: Path
) -> None:
    table, rejected = _ingest(sdss, tmp_path / "out", classes=_ALL)
    assert (len(table["id"]), rejected) == (43, {})
    objects = dict(zip(table["id"], table["object_id"], strict=True))
    assert objects["3655-55240-0370"] == objects["9367-57758-0500"]  # the second has no THING_ID in the catalogue
    assert {266, 332, 3586, 3655, 9367} <= set(table["plate"])


def test_draws_rows_by_seed(sdss: LoopbackArchive, tmp_path: Path) -> None:
    first, _ = _ingest(sdss, tmp_path / "1", rows=8, seed=1)
    again, _ = _ingest(sdss, tmp_path / "2", rows=8, seed=1)
    other, _ = _ingest(sdss, tmp_path / "3", rows=8, seed=2)
    assert len(first["id"]) == 8
    assert list(first["id"]) == list(again["id"]) != list(other["id"])
    everything, _ = _ingest(sdss, tmp_path / "4", rows=1000)
    assert len(everything["id"]) == 35


def test_falls_back_to_full_files(archive_server: LoopbackArchive, tmp_path: Path) -> None:
    spectra = archive_server.root / "dr16"
    write_spec(spectra / "eboss/spectro/redux/v5_13_2/spectra/full/4000/spec-4000-55500-0001.fits", exposures=2)
    write_spec(
        spectra / "sdss/spectro/redux/103/spectra/2400/spec-2400-54000-0002.fits", plate=2400, mjd=54000, fiber=2
    )
    rows = [
        {"PLATE": 4000, "MJD": 55500, "FIBERID": 1, "Z": 1.1, "RA": 1.0},
        {"PLATE": 2400, "MJD": 54000, "FIBERID": 2, "Z": 1.2, "RA": 2.0},
    ]
    write_catalogue(archive_server.root / "dr16/eboss/qso/DR16Q/DR16Q_Superset_v3.fits", rows)
    table, rejected = _ingest(
        archive_server, tmp_path / "out", catalogue="DR16Q_Superset_v3.fits", run2d="v5_13_2"
    )
    assert not rejected
    assert dict(zip(table["id"], table["redshift"], strict=True)) == {
        "4000-55500-0001": 1.1,
        "2400-54000-0002": 1.2,
    }
    assert set(table["redshift_source"]) == {"Z/PIPE"}


def test_recovers_from_a_busy_and_flaky_archive(sdss: LoopbackArchive, tmp_path: Path) -> None:
    sdss.script(_CATALOGUE, Misbehaviour(status=503), Misbehaviour(status=503), Misbehaviour(drop_after=4000))
    sdss.script(_spectrum(2), Misbehaviour(status=503), Misbehaviour(status=503))
    sdss.script(_spectrum(26), Misbehaviour(drop_after=100_000))
    sdss.script(_spectrum(30), Misbehaviour(short_by=30_000))  # once: a proxy cut it
    table, rejected = _ingest(sdss, tmp_path / "out", plates="3655")
    assert not rejected
    assert len(table["id"]) == 34
    assert len(sdss.targets(_spectrum(2))) == 3
    assert [r.headers.get("range") for r in sdss.targets(_spectrum(26))] == [None, "bytes=100000-"]


def test_a_spectrum_that_cannot_be_had_is_a_rejected_row(sdss: LoopbackArchive, tmp_path: Path) -> None:
    (sdss.root / _spectrum(2)).unlink()
    sdss.script(_spectrum(26), *[Misbehaviour(short_by=30_000)] * 9)
    sdss.script(_spectrum(30), *[Misbehaviour(html=True)] * 9)
    other = (sdss.root / _spectrum(66)).read_bytes()
    sdss.script(_spectrum(54), Misbehaviour(body=other))
    table, rejected = _ingest(sdss, tmp_path / "out", plates="3655")
    assert {name: reason for name, (reason, _) in rejected.items()} == {
        "3655-55240-0002": "not in archive",
        "3655-55240-0026": "download failed",
        "3655-55240-0030": "download failed",
        "3655-55240-0054": "wrong file",
    }
    assert "web page" in rejected["3655-55240-0030"][1]
    assert "ends before its data do" in rejected["3655-55240-0026"][1]
    assert not set(rejected) & set(table["id"])
    assert len(table["id"]) == 30


def test_an_archive_that_is_down_is_an_error_with_a_remedy(sdss: LoopbackArchive, tmp_path: Path) -> None:
    sdss.script(_CATALOGUE, *[Misbehaviour(status=503)] * 50)
    with pytest.raises(ArchiveError, match=r"DR16Q_v4.*503.*run again later"):
        _ingest(sdss, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_an_archive_that_goes_down_in_the_middle_is_an_error_and_leaves_no_table(
    sdss: LoopbackArchive, real_data: Path, tmp_path: Path
) -> None:
    for row in real_rows(real_data):
        if row["PLATE"] == 3655 and row["FIBERID"] > 100:
            sdss.script(_spectrum(row["FIBERID"]), *[Misbehaviour(status=503)] * 50)
    with pytest.raises(ArchiveError, match="in a row"):
        _ingest(sdss, tmp_path / "out", plates="3655")
    assert not (tmp_path / "out").exists()


def test_a_web_page_for_a_catalogue_is_an_error(sdss: LoopbackArchive, tmp_path: Path) -> None:
    sdss.script(_CATALOGUE, *[Misbehaviour(html=True)] * 50)
    with pytest.raises(ArchiveError, match="web page"):
        _ingest(sdss, tmp_path / "out")
    with pytest.raises(ArchiveError, match="not in the archive"):
        _ingest(sdss, tmp_path / "out", catalogue="DR99Q.fits")


def test_a_choice_without_rows_is_an_error_that_says_why(sdss: LoopbackArchive, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="3655 is wanted: 34 redshift range"):
        _ingest(sdss, tmp_path / "out", plates="3655", minimum_redshift=6.0)
    with pytest.raises(InputError, match="no observation on the plates 1-3"):
        _ingest(sdss, tmp_path / "out", plates="1-3")


def test_a_second_run_asks_the_archive_for_nothing(
    sdss: LoopbackArchive, tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive_source.Store, "if_configured", lambda: store)
    first, _ = _ingest(sdss, tmp_path / "1", plates="3655", rows=5)
    asked = len(sdss.requests)
    second, _ = _ingest(sdss, tmp_path / "2", plates="3655", rows=5)
    assert len(sdss.requests) == asked == 6
    np.testing.assert_array_equal(first["flux"], second["flux"])
    third, _ = _ingest(sdss, tmp_path / "3", plates="3655", rows=5, data_version="new")
    assert len(sdss.requests) == asked + 1, "the catalogue may have changed, a spectrum of a release has not"
    np.testing.assert_array_equal(first["flux"], third["flux"])


def test_a_run_that_was_interrupted_continues_from_the_cache(
    sdss: LoopbackArchive, real_data: Path, tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive_source.Store, "if_configured", lambda: store)
    fibers = [row["FIBERID"] for row in real_rows(real_data) if row["PLATE"] == 3655]
    for fiber in fibers[15:]:
        sdss.script(_spectrum(fiber), *[Misbehaviour(status=503)] * 5)  # exactly the attempts of one run
    with pytest.raises(ArchiveError):
        _ingest(sdss, tmp_path / "out", plates="3655")
    sdss._scripts.clear()
    sdss.requests.clear()
    table, _ = _ingest(sdss, tmp_path / "out", plates="3655")
    assert len(table["id"]) == 34
    assert not any(sdss.targets(_spectrum(fiber)) for fiber in fibers[:15])
    assert not sdss.targets(_CATALOGUE)
