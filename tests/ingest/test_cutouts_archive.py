"""Pictures from SkyServer, on loopback: what is asked, how politely, and what goes wrong with answers."""

from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from loopback import LoopbackArchive, Misbehaviour
from picture_files import UNUSABLE, WEB_PAGE, encode, galaxy

from components.common import archive as common_archive
from components.common.archive import Archive
from components.common.errors import ArchiveError, InputError
from components.common.provenance import Provenance
from components.common.tables import Columns, read_table
from components.ingest.sdss_cutouts import skyserver
from components.ingest.sdss_cutouts.ingestion import Settings, ingest

_SQL = "dr17/SkyServerWS/SearchTools/SqlSearch"
_PICTURE = "dr17/SkyServerWS/ImgCutout/getjpeg"
_HEADER = ",".join(skyserver._COLUMNS)
_ASKED: list[dict[str, Any]] = []


@pytest.fixture(autouse=True)
def _in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the real client, but not its pauses."""

    def quick(*arguments: Any, **options: Any) -> Archive:
        _ASKED.append(options)
        return Archive(*arguments, **{**options, "backoff_seconds": 0.01, "requests_per_minute": 60_000.0})

    _ASKED.clear()
    monkeypatch.setattr("components.ingest.skyserver.Archive", quick)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)


def row(number: int, **changes: Any) -> str:
    """One galaxy of the answer."""
    values = {
        "id": 1237648720693755918 + number, "ra": 5 + 0.1 * number, "dec": 1.25, "run": 756, "camcol": 1,
        "field": 200 + number, "redshift": 0.08, "redshift_error": 1e-5, "petro_mag_r": 17.0, "petro_r50": 2.0,
        "petro_r90": 5.0, "axis_ratio": 0.7, **dict.fromkeys(list(skyserver._COLUMNS)[12:], 0.5), **changes,
    }  # fmt: skip
    return ",".join(str(values[name]) for name in skyserver._COLUMNS)


def answer(server: LoopbackArchive, rows: list[str]) -> None:
    file = server.root / _SQL
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join(["#Table1", _HEADER, *rows]) + "\n", encoding="utf-8")


@pytest.fixture
def sky(archive_server: LoopbackArchive) -> LoopbackArchive:
    """Six galaxies, all with the same face."""
    answer(archive_server, [row(number) for number in range(6)])
    picture = archive_server.root / _PICTURE
    picture.parent.mkdir(parents=True)
    picture.write_bytes(encode(galaxy()))
    return archive_server


def run(
    server: LoopbackArchive, output: Path, **settings: Any
) -> tuple[Provenance, Columns, dict[str, list[str]]]:
    wanted = {"source": "archive", "skyserver_url": server.url, "maximum_ra": 20.0, **settings}
    provenance = ingest(output, Settings(**wanted))
    rejected = read_table(output / "rejected.parquet")
    reasons: dict[str, list[str]] = {}
    for name, reason in zip(rejected["id"], rejected["reason"], strict=True):
        reasons.setdefault(reason, []).append(name)
    return provenance, read_table(output / "dataset.parquet"), reasons


def test_pictures_come_with_the_labels_of_the_answer(sky: LoopbackArchive, tmp_path: Path) -> None:
    provenance, table, reasons = run(sky, tmp_path / "out")
    assert provenance.origin == "real"
    assert provenance.requested == 6
    assert not reasons
    assert list(table["id"]) == [str(1237648720693755918 + number) for number in range(6)], "no digit is lost"
    assert table["field_id"][3] == "756-1-203"
    assert (table["redshift_source"] == "SpecObj.z").all()
    np.testing.assert_allclose(table["petro_r90"], 5.0)
    (asked,) = sky.targets(_SQL)
    sql = parse_qs(urlsplit(asked.target).query)["cmd"][0]
    assert "p.ra >= 0 AND p.ra < 20" in sql
    assert "legacy_target1 & 64" in sql
    assert sql == provenance.query


def test_pictures_are_asked_for_as_they_are(sky: LoopbackArchive, tmp_path: Path) -> None:
    """Native pixels and no drawings: a mark on the object would give the object away."""
    run(sky, tmp_path / "out", size=32)
    asked = [parse_qs(urlsplit(r.target).query, keep_blank_values=True) for r in sky.targets(_PICTURE)]
    assert len(asked) == 6
    assert {(q["scale"][0], q["width"][0], q["height"][0], q["opt"][0]) for q in asked} == {
        ("0.396127", "32", "32", "")
    }
    assert sorted(float(q["ra"][0]) for q in asked) == pytest.approx([5 + 0.1 * k for k in range(6)])


def test_service_is_asked_once_a_second_by_all_shards_together(sky: LoopbackArchive, tmp_path: Path) -> None:
    run(sky, tmp_path / "out", shard=0, shards=3)
    assert {(options["requests_per_minute"], options["sharers"]) for options in _ASKED} == {(60.0, 3)}


def test_sky_is_asked_for_in_stripes(sky: LoopbackArchive, tmp_path: Path) -> None:
    """Each of which has far fewer than the rows at which SkyServer cuts off; a galaxy comes twice here."""
    _, table, _ = run(sky, tmp_path / "out", maximum_ra=50.0)
    asked = [parse_qs(urlsplit(r.target).query)["cmd"][0] for r in sky.targets(_SQL)]
    assert [sql.rsplit("AND p.ra >= ", 1)[1] for sql in asked] == [
        "0 AND p.ra < 20",
        "20 AND p.ra < 40",
        "40 AND p.ra < 50",
    ]
    assert len(table["id"]) == 6, "a galaxy of two answers is one"


@pytest.mark.parametrize("reason", ["greyscale", "CMYK", "outside the footprint", "too small"])
def test_unusable_answer_is_rejected_with_its_reason(sky: LoopbackArchive, tmp_path: Path, reason: str) -> None:
    sky.script(_PICTURE, Misbehaviour(body=UNUSABLE[reason]))
    _, table, reasons = run(sky, tmp_path / "out")
    assert {key: len(names) for key, names in reasons.items()} == {reason: 1}
    assert len(table["id"]) == 5


@pytest.mark.parametrize(
    "wrong",
    [Misbehaviour(drop_after=500), Misbehaviour(short_by=500), Misbehaviour(status=503)],
)
def test_broken_answer_is_asked_for_again(sky: LoopbackArchive, tmp_path: Path, wrong: Misbehaviour) -> None:
    sky.script(_PICTURE, wrong)
    _, table, reasons = run(sky, tmp_path / "out")
    assert len(table["id"]) == 6
    assert not reasons
    assert len(sky.targets(_PICTURE)) == 7


def test_answer_that_stays_broken_is_rejected(sky: LoopbackArchive, tmp_path: Path) -> None:
    answer(sky, [row(0), row(1)])
    sky.script(_PICTURE, *[Misbehaviour(short_by=500)] * 3)
    _, table, reasons = run(sky, tmp_path / "out")
    assert len(reasons["download failed"]) == 1
    assert len(table["id"]) == 1


def test_web_page_is_no_picture(sky: LoopbackArchive, tmp_path: Path) -> None:
    """One with a picture's type of content too; neither is asked for again, as no web page of an archive is."""
    sky.script(_PICTURE, Misbehaviour(html=True), Misbehaviour(body=WEB_PAGE))
    _, table, reasons = run(sky, tmp_path / "out")
    assert {reason: len(names) for reason, names in reasons.items()} == {"download failed": 2}
    assert all("web page" in text for text in read_table(tmp_path / "out" / "rejected.parquet")["detail"])
    assert len(table["id"]) == 4


def test_picture_that_is_not_there(sky: LoopbackArchive, tmp_path: Path) -> None:
    sky.script(_PICTURE, Misbehaviour(status=404))
    _, table, reasons = run(sky, tmp_path / "out")
    assert len(reasons["not in archive"]) == 1
    assert len(table["id"]) == 5


def test_service_that_only_answers_with_web_pages_is_down(
    sky: LoopbackArchive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(common_archive, "_DOWN_AFTER", 3)
    (sky.root / _PICTURE).write_bytes(WEB_PAGE)
    with pytest.raises(ArchiveError, match="in a row"):
        run(sky, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_second_run_asks_for_nothing(
    sky: LoopbackArchive, tmp_path: Path, weed: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Days of downloading go on where they were interrupted."""
    for name, value in weed.items():
        monkeypatch.setenv(name, value)
    sky.script(_PICTURE, Misbehaviour(status=404))
    run(sky, tmp_path / "first")
    before = len(sky.requests)
    _, table, _ = run(sky, tmp_path / "second")
    assert len(table["id"]) == 6
    assert len(sky.requests) == before + 1, "only for the picture that was missing"


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("#Table1\nTimeout expired. The query ran for more than 600 seconds.\n", "narrower stripe"),
        ("#Table1\nid,ra\n1,2\n", "no column"),
    ],
)
def test_answers_that_are_no_table(sky: LoopbackArchive, tmp_path: Path, body: str, says: str) -> None:
    (sky.root / _SQL).write_text(body, encoding="utf-8")
    with pytest.raises(ArchiveError, match=says):
        run(sky, tmp_path / "out")


def test_row_limit_is_no_data_set(sky: LoopbackArchive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("components.ingest.skyserver.ROW_LIMIT", 6)
    with pytest.raises(ArchiveError, match=r"cuts off without a word.*narrower stripe"):
        run(sky, tmp_path / "out")


def test_empty_sky(sky: LoopbackArchive, tmp_path: Path) -> None:
    for body in ("#Table1\nNo objects have been found\n", f"#Table1\n{_HEADER}\n"):
        (sky.root / _SQL).write_text(body, encoding="utf-8")
        with pytest.raises(InputError, match="no galaxy of the main sample"):
            run(sky, tmp_path / "out")


def test_galaxies_that_are_not_wanted(sky: LoopbackArchive, tmp_path: Path) -> None:
    answer(sky, [row(0), row(0), row(1, redshift=0.9), row(2, petro_mag_r=19.0), row(3, ra=5.0)])
    provenance, table, _ = run(sky, tmp_path / "out")
    assert "1 duplicate" in provenance.notes[1]
    assert "1 redshift range" in provenance.notes[1]
    assert "1 too faint" in provenance.notes[1]
    assert list(table["object_id"]) == [table["id"][0]] * 2, "two entries at one place are one galaxy"
