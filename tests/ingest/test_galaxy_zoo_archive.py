"""The table of Hart et al. and SkyServer on loopback: the real rows, the very SQL, and what goes wrong."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from loopback import LoopbackArchive, Misbehaviour
from shard_tables import assert_same
from sky_sql import SkySql, all_columns, serve_sky

from components.common.archive import Archive
from components.common.errors import ArchiveError, InputError, ParameterError
from components.common.tables import read_provenance, read_table
from components.ingest.galaxy_zoo import (
    archive_source,
    files_source,
    ingestion,
    schema,
    skyserver_source,
    sql,
)
from components.ingest.galaxy_zoo.ingestion import Settings, ingest
from components.ingest.galaxy_zoo.settings import MOST_PER_QUERY
from components.ingest.galaxy_zoo.skyserver import SkyServer
from components.ingest.skyserver import Expected, read_answer
from components.merge.shards.merging import merge

_TABLE = "gz2_hart16.csv.gz"
_UNKNOWN = (3, 5)


@pytest.fixture(autouse=True)
def _in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the real client, but not its pauses."""

    def quick(*arguments: object, **options: object) -> Archive:
        return Archive(*arguments, **{**options, "backoff_seconds": 0.01, "requests_per_minute": 60_000.0})  # type: ignore[arg-type]

    monkeypatch.setattr(archive_source, "Archive", quick)
    monkeypatch.setattr("components.ingest.skyserver.Archive", quick)
    for module in (files_source, schema, ingestion, skyserver_source):
        monkeypatch.setattr(module, "GALAXIES_PER_GROUP", 128)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)


@pytest.fixture(scope="module")
def sky(real_data: Path) -> Iterator[SkySql]:
    """SkyServer with the real rows, but for two."""
    with serve_sky(all_columns(real_data), _UNKNOWN) as service:
        yield service
        assert not service.answers, "every answer that was prepared was asked for"


@pytest.fixture
def hart(archive_server: LoopbackArchive, real_data: Path) -> LoopbackArchive:
    """The bucket with the table."""
    pd.read_csv(real_data / "gz2" / "gz2_hart16_400.csv").to_csv(archive_server.root / _TABLE, index=False)
    return archive_server


def settings(hart: LoopbackArchive, sky: SkySql, **more: object) -> Settings:
    own = {"source": "archive", "rows": 0, "table_url": f"{hart.url}/{_TABLE}", "skyserver_url": sky.url}
    return Settings(**{**own, **more})  # type: ignore[arg-type]


def test_votes_come_from_the_table_and_photometry_from_skyserver(
    hart: LoopbackArchive, sky: SkySql, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sky.queries.clear()
    ingest(tmp_path / "out", settings(hart, sky, objects_per_query=50))
    got, provenance = (
        read_table(tmp_path / "out" / "dataset.parquet"),
        read_provenance(tmp_path / "out/dataset.parquet"),
    )
    assert provenance.origin == "real"
    assert provenance.requested == provenance.received == 400
    assert len(provenance.sha256) == 64
    assert len(sky.queries) == 3 * 3 + 1, "128 galaxies make three queries, the last 16 make one"
    known = np.isfinite(got["redshift"])
    assert (~known).sum() == 2, "what SkyServer does not know stays missing, and the rows are kept"
    assert "no photometry of 2 galaxies" in "".join(capsys.readouterr())
    assert (got["concentration_r"][known] == 2.5).all()
    assert np.isnan(got["velocity_dispersion"][0]), "a dispersion of 0 is none"
    unmeasured = [got[name][0] for name in ("m_cr4", "u_g", "g_r", "lnl_exp_minus_dev")]
    assert np.isnan(unmeasured).all(), "-9999 is no measurement, nor is a difference of two"
    assert np.isfinite(got["r_i"][0])
    assert got["lnl_exp_minus_dev"][1] > 19_999, "likelihoods are as low as that"
    assert np.isnan(got["d4000"]).sum() > 200, "galaxies that the line catalogue lacks are kept"
    assert np.nanmax(got["h_alpha_ew"]) == 20, "positive in emission, against the catalogue's sign"
    assert np.isfinite(got["absolute_mag_r"][known]).all()


def test_shards_of_the_archive_add_up_to_it(hart: LoopbackArchive, sky: SkySql, tmp_path: Path) -> None:
    ingest(tmp_path / "whole", settings(hart, sky))
    parts = [tmp_path / f"part-{number}" for number in range(2)]
    for number, part in enumerate(parts):
        ingest(part, settings(hart, sky, shard=number, shards=2))
    merge(parts, tmp_path / "merged")
    assert_same(tmp_path / "whole", tmp_path / "merged")


def test_first_rows_alone(hart: LoopbackArchive, sky: SkySql, tmp_path: Path) -> None:
    provenance = ingest(tmp_path / "out", settings(hart, sky, rows=150))
    assert provenance.received == 150


def test_skyservers_own_table_is_read_page_by_page(sky: SkySql, real_data: Path, tmp_path: Path) -> None:
    sky.queries.clear()
    ingest(tmp_path / "out", Settings(source="skyserver", rows=0, skyserver_url=sky.url))
    got = read_table(tmp_path / "out" / "dataset.parquet")
    real = all_columns(real_data).drop(index=list(_UNKNOWN)).sort_values("dr7objid")
    assert (got["dr7objid"] == real["dr7objid"].to_numpy()).all()
    assert (got["gz2_class"] == real["gz2_class"].to_numpy()).all()
    name = "t05_bulge_prominence_a12_obvious_debiased"
    np.testing.assert_allclose(got[name], real[name].to_numpy(np.float32), rtol=1e-6)
    assert (got["sample"] == real["sample"].to_numpy()).all()
    assert np.isfinite(got["redshift"]).all()
    assert len(sky.queries) == 1 + 4
    assert "Willett" in read_provenance(tmp_path / "out" / "dataset.parquet").notes[0]


def test_shards_of_skyserver_add_up_to_it(sky: SkySql, tmp_path: Path) -> None:
    base = {"source": "skyserver", "rows": 300, "skyserver_url": sky.url}
    ingest(tmp_path / "whole", Settings(**base))  # type: ignore[arg-type]
    parts = [tmp_path / f"part-{number}" for number in range(2)]
    for number, part in enumerate(parts):
        ingest(part, Settings(**base, shard=number, shards=2))  # type: ignore[arg-type]
    merge(parts, tmp_path / "merged")
    assert_same(tmp_path / "whole", tmp_path / "merged")


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"<html><body>error</body></html>", "web page"),
        (b"#Table1\nTimeout expired. The query ran for more than 600 seconds.\n", "ended the query"),
        (b"#Table1\ndr7objid,redshift\n1,2\n", "no column z"),
        (b"", "no table"),
    ],
)
def test_answers_that_are_no_table_end_the_stage(
    body: bytes, says: str, hart: LoopbackArchive, sky: SkySql, tmp_path: Path
) -> None:
    sky.answers.extend([body, body])  # asked once more, because a proxy may have cut it
    with pytest.raises(ArchiveError, match=says):
        ingest(tmp_path / "out", settings(hart, sky))
    sky.answers.clear()
    assert not (tmp_path / "out").exists()


def test_row_limit_is_no_data_set(monkeypatch: pytest.MonkeyPatch) -> None:
    def read(rows: int, most: int) -> pd.DataFrame:
        content = "#Table1\ndr7objid,z\n" + "587722983364690145,0.1\n" * rows
        expected = Expected(("dr7objid", "z"), "Ask for less.", most, ("dr7objid",))
        return read_answer(content.encode(), "SkyServer", expected)

    assert sql.to_columns(read(1, 2))["dr7objid"].tolist() == [587722983364690145]
    with pytest.raises(ArchiveError, match="at most 2 were asked for"):
        read(3, 2)
    monkeypatch.setattr("components.ingest.skyserver.ROW_LIMIT", 3)
    with pytest.raises(ArchiveError, match="without a word"):
        read(3, 10)


def test_galaxies_that_skyserver_has_nothing_of_are_kept(
    hart: LoopbackArchive, sky: SkySql, tmp_path: Path
) -> None:
    sky.answers.extend([b"#Table1\nNo objects have been found\n"])
    ingest(tmp_path / "out", settings(hart, sky, objects_per_query=50))
    got = read_table(tmp_path / "out" / "dataset.parquet")
    assert len(got["id"]) == 400
    assert np.isfinite(got["redshift"]).sum() == 400 - 50, "the two that it lacks are among these"


def test_an_answer_that_cannot_be_empty_is_none_where_it_is(sky: SkySql, tmp_path: Path) -> None:
    sky.answers.extend([b"#Table1\nNo objects have been found\n"] * 2)  # asked once more
    with pytest.raises(ArchiveError, match="no column number"):
        ingest(tmp_path / "out", Settings(source="skyserver", rows=0, skyserver_url=sky.url))
    sky.answers.clear()


def test_skyserver_that_gives_fewer_rows_than_it_counts(sky: SkySql, tmp_path: Path) -> None:
    sky.answers.extend([b"#Table1\nnumber\n500\n"])
    with pytest.raises(ArchiveError, match="Run again"):
        ingest(tmp_path / "out", Settings(source="skyserver", rows=0, skyserver_url=sky.url))


def test_queries_fit_into_an_address(sky: SkySql, tmp_path: Path) -> None:
    """The service on loopback refuses longer ones, as the real one does."""
    with Archive(sky.url) as archive:
        service = SkyServer(archive, tmp_path, MOST_PER_QUERY)
        longest = np.full(MOST_PER_QUERY, 8_647_474_690_000_000_000) + np.arange(MOST_PER_QUERY)
        assert set(service.join({"dr7objid": longest})) == {"dr7objid"}
        with pytest.raises(ParameterError, match="objects_per_query"):
            service.ask(sql.photometry_query(longest.tolist() * 2), ("dr7objid",), 1)


@pytest.mark.parametrize("wrong", [Misbehaviour(html=True), Misbehaviour(status=403)])
def test_table_that_is_not_there(hart: LoopbackArchive, sky: SkySql, tmp_path: Path, wrong: Misbehaviour) -> None:
    hart.script(_TABLE, wrong, wrong)
    with pytest.raises(ArchiveError):
        ingest(tmp_path / "out", settings(hart, sky))


def test_interrupted_download_goes_on(hart: LoopbackArchive, sky: SkySql, tmp_path: Path) -> None:
    hart.script(_TABLE, Misbehaviour(drop_after=1000), Misbehaviour(status=503))
    assert ingest(tmp_path / "out", settings(hart, sky)).received == 400


def test_table_that_is_cut_off_is_no_table(hart: LoopbackArchive, sky: SkySql, tmp_path: Path) -> None:
    whole = (hart.root / _TABLE).read_bytes()
    (hart.root / _TABLE).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="cannot be read"):
        ingest(tmp_path / "out", settings(hart, sky))


def test_address_must_name_a_table(hart: LoopbackArchive, sky: SkySql, tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="names no table"):
        ingest(tmp_path / "out", settings(hart, sky, table_url=f"{hart.url}/index.html"))


def test_photometry_may_come_from_a_file_or_from_nowhere(
    hart: LoopbackArchive, sky: SkySql, real_data: Path, tmp_path: Path
) -> None:
    sky.queries.clear()
    pd.read_csv(real_data / "gz2" / "gz2_hart16_400.csv")[["dr7objid"]].assign(g_r=0.7).to_csv(
        tmp_path / "photometry.csv", index=False
    )
    ingest(tmp_path / "out", settings(hart, sky, photometry=str(tmp_path / "photometry.csv")))
    assert read_table(tmp_path / "out" / "dataset.parquet")["g_r"] == pytest.approx(0.7)
    shutil.rmtree(tmp_path / "out")
    ingest(tmp_path / "out", settings(hart, sky, skyserver_url=""))
    assert np.isnan(read_table(tmp_path / "out" / "dataset.parquet")["g_r"]).all()
    assert not sky.queries
