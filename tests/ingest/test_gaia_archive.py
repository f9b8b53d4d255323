"""Stars by TAP from an archive that parses the query, answers with real stars, and fails as archives do."""

import gc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from gaia_tables import real_stars
from tap_server import TapServer, serve_gaia

from components.common.errors import ArchiveError, InputError, ParameterError
from components.common.store import Store
from components.common.tables import read_table
from components.ingest.gaia_stars import tap
from components.ingest.gaia_stars.ingestion import Settings, ingest
from components.ingest.gaia_stars.schema import NAMES
from components.ingest.gaia_stars.tap import TapService, TruncatedError
from components.merge.shards.merging import merge
from components.physics.celestial import separation


@pytest.fixture
def gaia(real_data: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TapServer]:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setattr(tap, "_SHORTEST_PAUSE", 0.01)
    with serve_gaia(real_data / "gaia" / "dr3_cone_ra45_dec0_r0.5deg.parquet") as service:
        yield service


@pytest.fixture
def sources(real_data: Path) -> pd.DataFrame:
    return real_stars(real_data)


def _settings(gaia: TapServer, **more: object) -> Settings:
    options = {"ra": 45.0, "dec": 0.0, "radius_deg": 0.3, "maximum_magnitude": 19.0, **more}
    return Settings(source="archive", archive_url=gaia.url, **options)  # type: ignore[arg-type]


def _wanted(sources: pd.DataFrame, radius: float = 0.3) -> pd.DataFrame:
    near = separation(sources.ra, sources.dec, 45.0, 0.0) <= radius
    good = (sources.phot_g_mean_mag < 19) & (sources.ruwe < 1.4) & (sources.visibility_periods_used >= 10)
    good &= (sources.pmra_error < 0.3) & (sources.pmdec_error < 0.3)
    return sources[near & good].sort_values("source_id")


def test_the_stars_of_a_circle_arrive_as_they_are(tmp_path: Path, gaia: TapServer, sources: pd.DataFrame) -> None:
    provenance = ingest(tmp_path / "out", _settings(gaia))
    stars, wanted = read_table(tmp_path / "out" / "dataset.parquet"), _wanted(sources)
    assert len(wanted) > 300
    np.testing.assert_array_equal(stars["source_id"], wanted.source_id)
    for name in ("ra", "dec", "parallax", "pmra", "pmdec", "l", "ecl_lat"):
        np.testing.assert_array_equal(stars[name], wanted[name])
    for name in ("parallax_error", "ruwe", "bp_rp", "pmra_pmdec_corr", "nu_eff_used_in_astrometry"):
        np.testing.assert_array_equal(stars[name], wanted[name].astype(np.float32))
    assert set(stars["spectraltype_esphs"]) == {"", "G", "K", "M"}, "'unknown' is no type"
    assert np.isnan(stars["teff_gspphot"]).mean() > 0.3, "stars without derived parameters stay"
    assert (provenance.origin, provenance.release) == ("real", "Gaia DR3")
    assert provenance.requested == provenance.received == len(wanted)
    assert provenance.query == gaia.queries[1]
    assert len(gaia.deleted) == 2, "jobs are tidied away"


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_astroquery_gets_the_same_from_this_archive(tmp_path: Path, gaia: TapServer) -> None:
    """The tests' archive is none made to measure: another client of TAP understands it too."""
    from astroquery.utils.tap.core import TapPlus

    query = "SELECT g.source_id, g.ra, g.bp_rp FROM gaiadr3.gaia_source AS g WHERE g.phot_g_mean_mag < 15"
    theirs = TapPlus(url=gaia.url).launch_job_async(query).get_results()
    gc.collect()  # it leaves its connections open, which is no other test's fault
    with TapService(gaia.url, 10.0) as service:
        ours = service.ask(query, 1000, tmp_path)
    assert len(ours) == len(theirs) == 188
    for name in ("source_id", "ra", "bp_rp"):
        np.testing.assert_array_equal(np.ma.filled(ours[name], -1), np.ma.filled(theirs[name], -1))


def test_no_query_cuts_by_parallax_over_error(tmp_path: Path, gaia: TapServer) -> None:
    ingest(tmp_path / "out", _settings(gaia, maximum_parallax_error=0.2))
    for query in gaia.queries:
        where = query.split("WHERE")[1]
        assert "g.parallax_error < 0.2" in where
        assert "parallax_over_error" not in where
        assert "g.parallax " not in where
        assert "g.pmra " not in where


def test_cuts_that_are_zero_are_not_made(tmp_path: Path, gaia: TapServer) -> None:
    settings = _settings(gaia, maximum_ruwe=0.0, minimum_visibility_periods=0, maximum_pm_error=0.0)
    provenance = ingest(tmp_path / "out", settings)
    assert "ruwe <" not in provenance.query
    assert provenance.rejected.get("no parallax", 0) > 0, "what then has no parallax is left out with its reason"
    assert provenance.requested == provenance.received + sum(provenance.rejected.values())


def test_a_polygon_is_asked_for_as_one(tmp_path: Path, gaia: TapServer, sources: pd.DataFrame) -> None:
    settings = Settings(
        source="archive",
        archive_url=gaia.url,
        polygon="44.9 -0.1, 45.2 -0.1, 45.2 0.2, 44.9 0.2",
        maximum_magnitude=19.0,
    )
    ingest(tmp_path / "out", settings)
    wanted = _wanted(sources, 9.0)
    inside = wanted[(wanted.ra.between(44.9, 45.2)) & (wanted.dec.between(-0.1, 0.2))]
    stars = read_table(tmp_path / "out" / "dataset.parquet", ["source_id"])
    # Great circles between the corners are not lines of constant declination, but nearly so at the equator.
    assert len(set(stars["source_id"]) ^ set(inside.source_id)) <= 1
    assert len(inside) > 50


def test_shards_are_pixels_and_together_the_whole(tmp_path: Path, gaia: TapServer) -> None:
    ingest(tmp_path / "whole", _settings(gaia))
    for shard in range(4):
        ingest(tmp_path / f"part-{shard}", _settings(gaia, shard=shard, shards=4))
    merged = merge([tmp_path / f"part-{shard}" for shard in range(4)], tmp_path / "merged")
    whole, together = (read_table(tmp_path / name / "dataset.parquet") for name in ("whole", "merged"))
    for name in NAMES:
        np.testing.assert_array_equal(whole[name], together[name])
    assert merged.received == len(whole["ra"])
    sizes = [len(read_table(tmp_path / f"part-{n}" / "dataset.parquet", ["ra"])["ra"]) for n in range(4)]
    assert min(sizes) > 0.1 * sum(sizes), "places drawn from the region make the shares even"


def test_an_empty_answer_is_an_error_of_the_region(tmp_path: Path, gaia: TapServer) -> None:
    with pytest.raises(InputError, match="Not one star"):
        ingest(tmp_path / "out", _settings(gaia, ra=200.0))


def test_an_answer_that_says_it_was_cut_is_refused(tmp_path: Path, gaia: TapServer) -> None:
    gaia.row_limit = 50
    with pytest.raises(TruncatedError, match=r"cut its answer after 50 rows.*more shards"):
        ingest(tmp_path / "out", _settings(gaia))
    assert not (tmp_path / "out").exists()


def test_an_answer_that_was_cut_in_silence_is_refused(
    tmp_path: Path, gaia: TapServer, sources: pd.DataFrame
) -> None:
    gaia.row_limit, gaia.silent = 50, True
    with pytest.raises(TruncatedError, match=rf"counts {len(_wanted(sources))} stars, but gave 50 without a word"):
        ingest(tmp_path / "out", _settings(gaia))


def test_a_job_that_does_not_end_is_aborted_and_told(tmp_path: Path, gaia: TapServer) -> None:
    gaia.slow_polls = 10**6
    with pytest.raises(ArchiveError, match=r"did not end within 0\.3 s: it is EXECUTING.*timeout_seconds"):
        ingest(tmp_path / "out", _settings(gaia, timeout_seconds=0.3))
    assert len(gaia.deleted) == 1


def test_a_job_that_the_archive_aborts_is_told_with_its_reason(tmp_path: Path, gaia: TapServer) -> None:
    gaia.abort = True
    with pytest.raises(ArchiveError, match=r"\(ABORTED\): The job exceeded the execution time.*ask for less"):
        ingest(tmp_path / "out", _settings(gaia))


def test_a_query_that_the_archive_refuses_is_told_with_its_words(tmp_path: Path, gaia: TapServer) -> None:
    with TapService(gaia.url, 10.0) as service, pytest.raises(ArchiveError, match=r"no such column: g\.colour"):
        service.ask("SELECT g.colour FROM gaiadr3.gaia_source AS g", 10, tmp_path)
    with TapService(gaia.url, 10.0) as service, pytest.raises(ArchiveError, match="LIMIT"):
        service.ask("SELECT g.ra FROM gaiadr3.gaia_source AS g LIMIT 5", 10, tmp_path)


@pytest.mark.parametrize("where", ["submit", "poll", "result"])
def test_a_web_page_is_no_answer(tmp_path: Path, gaia: TapServer, where: str) -> None:
    gaia.html = {where}
    service = TapService(gaia.url, 10.0, backoff_seconds=0.01)
    with service, pytest.raises(ArchiveError, match=r"web page|does not answer as a TAP service"):
        service.ask("SELECT COUNT(*) AS n FROM gaiadr3.gaia_source AS g", 10, tmp_path)


def test_a_busy_archive_is_asked_again(tmp_path: Path, gaia: TapServer) -> None:
    gaia.failures = [503, 500, 429]
    with TapService(gaia.url, 10.0, backoff_seconds=0.01) as service:
        table = service.ask("SELECT COUNT(*) AS n FROM gaiadr3.gaia_source AS g", 10, tmp_path)
    assert int(table["n"][0]) == 2390


def test_an_archive_that_goes_silent_is_not_waited_for(tmp_path: Path, gaia: TapServer) -> None:
    gaia.stall_seconds = 1.0
    service = TapService(gaia.url, 10.0, silence_seconds=0.1, backoff_seconds=0.01)
    with service, pytest.raises(ArchiveError, match=r"does not answer as a TAP service.*timed out"):
        service.ask("SELECT COUNT(*) AS n FROM gaiadr3.gaia_source AS g", 10, tmp_path)


def test_results_come_packed_or_plain(tmp_path: Path, gaia: TapServer) -> None:
    gaia.packed = False
    with TapService(gaia.url, 10.0) as service:
        table = service.ask("SELECT TOP 3 g.ra FROM gaiadr3.gaia_source AS g ORDER BY g.ra", 10, tmp_path)
    assert len(table) == 3


def test_an_archive_that_is_not_there_is_told(tmp_path: Path) -> None:
    service = TapService("http://127.0.0.1:9/tap", 10.0, backoff_seconds=0.01)
    with service, pytest.raises(ArchiveError, match="does not answer as a TAP service"):
        service.ask("SELECT 1 FROM t", 10, tmp_path)
    with pytest.raises(ParameterError, match="not the address"):
        TapService("gea.esac.esa.int", 10.0)


def test_an_answer_is_asked_for_once(
    tmp_path: Path, gaia: TapServer, store: Store, weed: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Store, "if_configured", classmethod(lambda cls: store))
    ingest(tmp_path / "first", _settings(gaia))
    asked = len(gaia.queries)
    ingest(tmp_path / "second", _settings(gaia))
    assert len(gaia.queries) == asked == 2
    one, two = (read_table(tmp_path / name / "dataset.parquet") for name in ("first", "second"))
    for name in NAMES:
        np.testing.assert_array_equal(one[name], two[name])
    ingest(tmp_path / "third", _settings(gaia, data_version="new"))
    assert len(gaia.queries) == 4
