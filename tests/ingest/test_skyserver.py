"""Galaxies by SkyServer's SQL: real spectra with an answer of its layout on loopback, and what goes wrong."""

import functools
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from loopback import LoopbackArchive, Misbehaviour

from components.common.archive import Archive
from components.common.errors import ArchiveError, ParameterError
from components.common.provenance import Provenance
from components.common.tables import read_table
from components.ingest.sdss_spectra import archive_source
from components.ingest.sdss_spectra.ingestion import Settings, ingest
from components.ingest.sdss_spectra.skyserver import EXPECTED
from components.ingest.sdss_spectra.spec_file import read_metadata
from components.ingest.skyserver import LONGEST_QUERY, read_answer

_ANSWER = "dr17/SkyServerWS/SearchTools/SqlSearch"
_HEADER = "plate,mjd,fiber,ra,dec,redshift,zwarning,velocity_dispersion,magnitude_r,magnitude_r_total,stellar_mass"


@pytest.fixture(autouse=True)
def _in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the real client, but not its pauses."""

    def quick(*arguments: Any, **options: Any) -> Archive:
        return Archive(*arguments, **{**options, "backoff_seconds": 0.01, "requests_per_minute": 60_000.0})

    monkeypatch.setattr("components.ingest.skyserver.Archive", quick)
    monkeypatch.setattr(
        archive_source, "Archive", functools.partial(Archive, backoff_seconds=0.01, requests_per_minute=60_000.0)
    )
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)


@pytest.fixture
def sky(sdss_server: LoopbackArchive, real_data: Path) -> LoopbackArchive:
    """The real SDSS galaxies, and the answer that names them."""
    rows = [_HEADER]
    for path in sorted((real_data / "sdss" / "spectra").glob("spec-02*.fits")):
        known = read_metadata(path)
        rows.append(
            f"{known.plate},{known.mjd},{known.fiber},{known.ra},{known.dec},{known.redshift},0,-9999,18.1,16.9,"
            + ("10.9" if len(rows) == 1 else "null" if len(rows) == 2 else "-9999")
        )
    file = sdss_server.root / _ANSWER
    file.parent.mkdir(parents=True)
    file.write_text("#Table1\n" + "\n".join(rows) + "\n", encoding="utf-8")
    return sdss_server


def run(server: LoopbackArchive, output: Path, **settings: Any) -> tuple[Provenance, dict[str, np.ndarray]]:
    wanted = {"plates": "266-299", "classes": ("GALAXY",), **settings}
    provenance = ingest(output, Settings("skyserver", archive_url=server.url, skyserver_url=server.url, **wanted))
    return provenance, read_table(output / "dataset.parquet")


def test_spectra_come_with_the_labels_of_the_answer(sky: LoopbackArchive, tmp_path: Path) -> None:
    provenance, table = run(sky, tmp_path / "out")
    assert provenance.origin == "real"
    assert len(table["id"]) == provenance.requested >= 2
    assert set(table["spectral_class"]) == {"GALAXY"}
    assert (table["magnitude_r"] == 18.1).all()
    assert (table["magnitude_r_total"] == 16.9).all()
    assert np.isnan(table["velocity_dispersion"]).all(), "SDSS's -9999 is no velocity"
    assert table["stellar_mass"][0] == 10.9
    assert np.isnan(table["stellar_mass"][1:]).all(), (
        "neither an empty match of the outer join nor -9999 is a mass"
    )
    assert (table["redshift_source"] == "SpecObj.z").all()
    (request,) = sky.targets(_ANSWER)
    sql = parse_qs(urlsplit(request.target).query)["cmd"][0]
    assert "s.plate BETWEEN 266 AND 299" in sql
    assert "legacy_target1 & 64" in sql
    assert sql in provenance.query


def test_plates_are_asked_for_a_hundred_at_a_time(sky: LoopbackArchive, tmp_path: Path) -> None:
    run(sky, tmp_path / "out", plates="266-400,500")
    asked = [parse_qs(urlsplit(r.target).query)["cmd"][0] for r in sky.targets(_ANSWER)]
    assert len(asked) == 2
    assert "BETWEEN 266 AND 365" in asked[0]
    assert "BETWEEN 366 AND 400" in asked[1]
    assert "BETWEEN 500 AND 500" in asked[1]
    sky.requests.clear()
    run(sky, tmp_path / "odd", plates=",".join(str(plate) for plate in range(2001, 2201, 2)) + ",266-299")
    longest = max(len(urlsplit(request.target).query) for request in sky.targets(_ANSWER))
    assert 1500 < longest <= LONGEST_QUERY, "as the service refuses longer ones"


def test_busy_service_is_asked_again(sky: LoopbackArchive, tmp_path: Path) -> None:
    sky.script(_ANSWER, Misbehaviour(status=503))
    _, table = run(sky, tmp_path / "out")
    assert len(table["id"]) >= 2


def test_page_of_errors_ends_the_stage(sky: LoopbackArchive, tmp_path: Path) -> None:
    sky.script(_ANSWER, Misbehaviour(html=True))
    with pytest.raises(ArchiveError, match="web page"):
        run(sky, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"<html><body>error</body></html>", "web page"),
        (b"#Table1\nTimeout expired. The query ran for more than 600 seconds.\n", "ended the query"),
        (b"#Table1\nplate,mjd\n1,2\n", "no column"),
        (b"", "no table"),
    ],
)
def test_answers_that_are_no_table(body: bytes, says: str) -> None:
    with pytest.raises(ArchiveError, match=says):
        read_answer(body, "SkyServer", EXPECTED)


def test_time_out_ends_the_stage_with_its_reason(sky: LoopbackArchive, tmp_path: Path) -> None:
    (sky.root / _ANSWER).write_text("Timeout expired.\n", encoding="utf-8")
    with pytest.raises(ArchiveError, match="fewer plates"):
        run(sky, tmp_path / "out")


def test_row_limit_is_no_data_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("components.ingest.skyserver.ROW_LIMIT", 3)
    row = "1,2,3,4.0,5.0,0.1,0,100,18,17,10.5\n"
    assert len(read_answer(f"#Table1\n{_HEADER}\n{row * 2}".encode(), "SkyServer", EXPECTED)) == 2
    with pytest.raises(ArchiveError, match="cuts off without a word"):
        read_answer(f"#Table1\n{_HEADER}\n{row * 3}".encode(), "SkyServer", EXPECTED)


def test_stars_are_asked_for_without_the_cuts_of_galaxies(
    sdss_server: LoopbackArchive, real_data: Path, tmp_path: Path
) -> None:
    """A real star, whose redshift is a velocity of 33 km/s towards us."""
    known = read_metadata(real_data / "sdss" / "spectra" / "spec-9367-57758-0500.fits")
    file = sdss_server.root / _ANSWER
    file.parent.mkdir(parents=True)
    row = f"{known.plate},{known.mjd},{known.fiber},{known.ra},{known.dec},{known.redshift},0,0,18.1,16.9,null"
    file.write_text(f"#Table1\n{_HEADER}\n{row}\n", encoding="utf-8")
    provenance, table = run(sdss_server, tmp_path / "out", classes=("STAR",), plates=f"{known.plate}")
    assert set(table["spectral_class"]) == {"STAR"}
    sql = parse_qs(urlsplit(sdss_server.targets(_ANSWER)[0].target).query)["cmd"][0]
    assert "s.class = 'STAR'" in sql
    assert "legacy_target1" not in sql
    assert any("constant is hard to beat" in note for note in provenance.notes)


def test_galaxies_or_stars(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="galaxies or stars"):
        Settings("skyserver", classes=("QSO",))
    with pytest.raises(ParameterError, match="galaxies or stars"):
        Settings("skyserver", classes=("GALAXY", "STAR"))
    with pytest.raises(ParameterError, match="no spectral class"):
        Settings("skyserver", classes=("NEBULA",))
