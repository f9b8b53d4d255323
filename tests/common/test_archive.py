"""The download path against a real server on loopback that misbehaves as archives do."""

import hashlib
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from loopback import LoopbackArchive, Misbehaviour

from components.common.archive import Archive, NotInArchiveError, Request
from components.common.errors import ArchiveError, ArmillaryError, InputError, ParameterError
from components.common.store import Store
from pipelines.embedded_store import embedded_store

CONTENT = np.random.default_rng(1).bytes(300_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def server(archive_server: LoopbackArchive) -> LoopbackArchive:
    (archive_server.root / "dr16").mkdir()
    (archive_server.root / "dr16" / "spec.fits").write_bytes(CONTENT)
    return archive_server


@pytest.fixture
def archive(server: LoopbackArchive):
    with Archive(server.url, backoff_seconds=0.01, requests_per_minute=60_000, timeout_seconds=5) as archive:
        yield archive


def leftovers(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir() if p.name != "archive-root")


def test_fetches_what_the_archive_has_and_says_who_asks(archive, server, tmp_path):
    path = archive.fetch("dr16/spec.fits", tmp_path / "deep" / "spec.fits", sha256=SHA256, size=len(CONTENT))
    assert path.read_bytes() == CONTENT
    assert server.requests[0].headers["user-agent"].startswith("armillary/")
    assert leftovers(tmp_path / "deep") == ["spec.fits"]


def test_503_twice_is_overcome_and_retry_after_is_honoured(archive, server, tmp_path):
    server.script("dr16/spec.fits", Misbehaviour(status=503, retry_after="1"), Misbehaviour(status=503))
    assert archive.fetch("dr16/spec.fits", tmp_path / "spec.fits").read_bytes() == CONTENT
    first, second, third = server.requests
    # the server's own clock between requests: at least what it asked for, less a clock tick
    assert second.time - first.time > 0.99
    assert third.time > second.time


def test_503_for_ever_names_address_and_tries(archive, server, tmp_path):
    server.script("dr16/spec.fits", *[Misbehaviour(status=503)] * 9)
    with pytest.raises(ArchiveError, match=r"dr16/spec\.fits.*HTTP 503.*busy.*Tried 5 times.*run again later"):
        archive.fetch("dr16/spec.fits", tmp_path / "spec.fits")
    assert len(server.requests) == 5
    assert leftovers(tmp_path) == []


def test_a_pause_of_hours_is_told_and_not_slept(archive, server, tmp_path):
    server.script("dr16/spec.fits", Misbehaviour(status=429, retry_after="7200"))
    with pytest.raises(ArchiveError, match="left alone for 7200 s"):
        archive.fetch("dr16/spec.fits", tmp_path / "spec.fits")
    assert len(server.requests) == 1


def test_a_connection_dropped_mid_file_is_resumed_with_range(archive, server, tmp_path):
    server.script("dr16/spec.fits", Misbehaviour(drop_after=100_000), Misbehaviour(drop_after=50_000))
    assert archive.fetch("dr16/spec.fits", tmp_path / "spec.fits").read_bytes() == CONTENT
    ranges = [r.headers.get("range") for r in server.requests]
    assert ranges == [None, "bytes=100000-", "bytes=150000-"]
    assert leftovers(tmp_path) == ["spec.fits"]


def test_drops_that_make_progress_do_not_exhaust_the_attempts(archive, server, tmp_path):
    server.script("dr16/spec.fits", *[Misbehaviour(drop_after=30_000)] * 9)
    assert archive.fetch("dr16/spec.fits", tmp_path / "spec.fits").read_bytes() == CONTENT


def test_a_file_that_changed_meanwhile_is_not_glued_to_the_old_beginning(archive, server, tmp_path):
    changed = bytes(reversed(CONTENT))
    server.script("dr16/spec.fits", Misbehaviour(drop_after=100_000), Misbehaviour(body=changed))
    assert archive.fetch("dr16/spec.fits", tmp_path / "spec.fits").read_bytes() == changed


def test_a_later_run_continues_where_an_earlier_one_gave_up(server, tmp_path):
    drop = Misbehaviour(drop_after=100_000)
    server.script("dr16/spec.fits", drop)
    with Archive(server.url, attempts=1) as archive, pytest.raises(ArchiveError, match="100000 bytes"):
        archive.fetch("dr16/spec.fits", tmp_path / "spec.fits")
    assert leftovers(tmp_path) == [".spec.fits.note.part", ".spec.fits.part"]
    with Archive(server.url) as archive:
        assert archive.fetch("dr16/spec.fits", tmp_path / "spec.fits").read_bytes() == CONTENT
    assert server.requests[-1].headers["range"] == "bytes=100000-"
    assert leftovers(tmp_path) == ["spec.fits"]


FETCH = """
import sys
from pathlib import Path
from components.common.archive import Archive
with Archive(sys.argv[1], timeout_seconds=60) as archive:
    archive.fetch("dr16/spec.fits", Path(sys.argv[2]))
"""


def start_fetching(server: LoopbackArchive, path: Path, **options) -> subprocess.Popen:
    return subprocess.Popen([sys.executable, "-c", FETCH, server.url, str(path)], text=True, **options)


def wait_for_part(folder: Path, size: int) -> None:
    part = folder / ".spec.fits.part"
    for _ in range(600):
        if part.exists() and part.stat().st_size >= size:
            return
        time.sleep(0.05)
    pytest.fail(f"{part} did not reach {size} bytes")


def test_a_process_killed_mid_file_leaves_no_file_and_the_next_one_continues(archive, server, tmp_path):
    server.script("dr16/spec.fits", Misbehaviour(hang_after=100_000))
    with start_fetching(server, tmp_path / "spec.fits") as child:
        wait_for_part(tmp_path, 90_000)  # the last bytes may still be in the process
        child.kill()
    assert leftovers(tmp_path) == [".spec.fits.note.part", ".spec.fits.part"]
    assert archive.fetch("dr16/spec.fits", tmp_path / "spec.fits").read_bytes() == CONTENT
    assert int(server.requests[-1].headers["range"].removeprefix("bytes=").removesuffix("-")) >= 90_000
    assert leftovers(tmp_path) == ["spec.fits"]


def test_two_processes_do_not_write_into_one_file(archive, server, tmp_path):
    server.script("dr16/spec.fits", Misbehaviour(hang_after=100_000))
    with start_fetching(server, tmp_path / "spec.fits") as child:
        wait_for_part(tmp_path, 90_000)
        with pytest.raises(ArchiveError, match=r"dr16/spec\.fits is being downloaded to .* by another process"):
            archive.fetch("dr16/spec.fits", tmp_path / "spec.fits")
        child.kill()


def test_a_disk_that_fills_up_is_said_and_leaves_nothing(server, tmp_path):
    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))

    with start_fetching(server, tmp_path / "spec.fits", stderr=subprocess.PIPE, preexec_fn=limit) as child:
        last = child.communicate()[1].strip().splitlines()[-1]
    assert f"The disk is full: {tmp_path / 'spec.fits'}" in last
    assert leftovers(tmp_path) == []


def test_bytes_of_another_address_are_not_continued(server, tmp_path):
    (server.root / "other.fits").write_bytes(CONTENT[::-1])
    server.script("dr16/spec.fits", Misbehaviour(drop_after=100_000))
    with Archive(server.url, attempts=1) as archive:
        with pytest.raises(ArchiveError):
            archive.fetch("dr16/spec.fits", tmp_path / "spec.fits")
        assert archive.fetch("other.fits", tmp_path / "spec.fits").read_bytes() == CONTENT[::-1]


@pytest.mark.parametrize("known", [{"size": len(CONTENT)}, {"sha256": SHA256}])
def test_a_short_file_is_fetched_once_more_and_then_refused(archive, server, tmp_path, known):
    server.script("dr16/spec.fits", *[Misbehaviour(short_by=2880)] * 2)
    with pytest.raises(ArchiveError, match=r"dr16/spec\.fits.*(size|bytes|sha256).*help desk"):
        archive.fetch("dr16/spec.fits", tmp_path / "spec.fits", **known)
    assert len(server.requests) == 2
    assert leftovers(tmp_path) == []


def test_a_file_cut_once_by_a_proxy_is_mended_by_asking_again(archive, server, tmp_path):
    server.script("dr16/spec.fits", Misbehaviour(short_by=2880))
    assert archive.fetch("dr16/spec.fits", tmp_path / "spec.fits", size=len(CONTENT)).read_bytes() == CONTENT


def test_content_that_the_check_refuses_is_not_kept(archive, server, tmp_path):
    def check(path: Path) -> None:
        assert path.read_bytes() == CONTENT
        raise InputError("SIMPLE is missing.", "Get a FITS file.")

    with pytest.raises(ArchiveError, match="not what was wanted: SIMPLE is missing"):
        archive.fetch("dr16/spec.fits", tmp_path / "spec.fits", check=check)
    assert leftovers(tmp_path) == []


def test_a_web_page_instead_of_the_file_is_refused_at_once(archive, server, tmp_path):
    server.script("dr16/spec.fits", Misbehaviour(html=True))
    with pytest.raises(ArchiveError, match=r"dr16/spec\.fits: .* web page .* maintenance"):
        archive.fetch("dr16/spec.fits", tmp_path / "spec.fits")
    assert len(server.requests) == 1
    assert leftovers(tmp_path) == []


def test_a_web_page_that_claims_to_be_binary_is_refused_too(archive, server, tmp_path):
    (server.root / "page.fits").write_bytes(b"\n <!DOCTYPE HTML><html>Please log in</html>")
    with pytest.raises(ArchiveError, match="web page"):
        archive.fetch("page.fits", tmp_path / "page.fits")


def test_an_absent_file_is_not_asked_for_again(archive, server, tmp_path):
    with pytest.raises(NotInArchiveError, match=r"none\.fits is not in the archive"):
        archive.fetch("none.fits", tmp_path / "none.fits")
    assert len(server.requests) == 1
    assert leftovers(tmp_path) == []


def test_an_archive_that_is_not_there(tmp_path):
    refused = pytest.raises(ArchiveError, match=r"127\.0\.0\.1:9/x\.fits: the connection failed.*Tried 2 times")
    with Archive("http://127.0.0.1:9", attempts=2, backoff_seconds=0.01) as archive, refused:
        archive.fetch("x.fits", tmp_path / "x.fits")
    assert leftovers(tmp_path) == []


def test_silence_is_not_waited_for_for_ever(server, tmp_path):
    server.script("dr16/spec.fits", Misbehaviour(stall_seconds=1.5))
    with Archive(server.url, timeout_seconds=0.7, backoff_seconds=0.01) as archive:
        assert archive.fetch("dr16/spec.fits", tmp_path / "spec.fits").read_bytes() == CONTENT
    assert len(server.requests) >= 2


def test_an_address_that_is_none():
    with pytest.raises(ParameterError, match=r"'data\.sdss\.org' is not the address"):
        Archive("data.sdss.org")


def test_a_whole_file_on_the_disk_is_kept_and_a_damaged_one_replaced(archive, server, tmp_path):
    path = archive.fetch("dr16/spec.fits", tmp_path / "spec.fits", sha256=SHA256)
    archive.fetch("dr16/spec.fits", path, sha256=SHA256)
    assert len(server.requests) == 1
    path.write_bytes(CONTENT[:-1])
    assert archive.fetch("dr16/spec.fits", path, sha256=SHA256).read_bytes() == CONTENT
    assert len(server.requests) == 2


def test_the_rate_stays_below_the_limit(server, tmp_path):
    requests = [Request(f"dr16/spec.fits?copy={n}", tmp_path / f"{n}.fits") for n in range(6)]
    with Archive(server.url, requests_per_minute=600) as archive:
        before = time.monotonic()
        assert all(f.error is None for f in archive.fetch_many(requests, workers=4))
    # Five gaps of 0.1 s, less a clock tick, before the last is asked for; those before it may come late together.
    assert max(request.time for request in server.requests) - before > 0.49


def test_many_files_come_a_few_at_a_time_and_absent_ones_do_not_stop_the_rest(archive, server, tmp_path):
    for n in range(12):
        (server.root / f"{n}.fits").write_bytes(CONTENT[n:])
        server.script(f"{n}.fits", Misbehaviour(stall_seconds=0.05))
    numbers = [*range(12), 77]
    outcomes = list(archive.fetch_many((Request(f"{n}.fits", tmp_path / f"{n}.fits") for n in numbers), workers=3))
    assert len(outcomes) == 13
    failed = [o for o in outcomes if o.error]
    assert [o.request.path for o in failed] == ["77.fits"]
    assert isinstance(failed[0].error, NotInArchiveError)
    assert all((tmp_path / f"{n}.fits").read_bytes() == CONTENT[n:] for n in range(12))
    assert 2 <= server.most_at_once <= 3
    whole = next(o.receipt for o in outcomes if o.request.path == "0.fits")
    assert (whole.size, whole.sha256) == (len(CONTENT), SHA256)


def test_an_archive_that_stopped_answering_ends_the_queue(server, tmp_path):
    asked = []

    def requests():
        for n in range(1000):
            asked.append(n)
            server.script(f"{n}.fits", Misbehaviour(status=500))
            yield Request(f"{n}.fits", tmp_path / f"{n}.fits")

    down = pytest.raises(ArchiveError, match=r"failed 12 times in a row\. .*HTTP 500")
    with Archive(server.url, attempts=1, requests_per_minute=60_000) as archive, down:
        list(archive.fetch_many(requests()))
    assert len(asked) < 20  # the twelve, and what was under way with them


def test_a_query_is_passed_on_as_it_is(archive, server, tmp_path):
    (server.root / "sql").write_text("ra,dec\n1,2\n")
    archive.fetch("sql?cmd=SELECT%20ra%2C%20dec&format=csv", tmp_path / "rows.csv")
    assert server.requests[0].target == "/sql?cmd=SELECT%20ra%2C%20dec&format=csv"


class TestCache:
    """With a real SeaweedFS."""

    def archive(self, server: LoopbackArchive, store: Store, **options) -> Archive:
        return Archive(server.url, store, backoff_seconds=0.01, **options)

    def test_a_file_is_asked_for_once(self, server, store, tmp_path):
        with self.archive(server, store) as archive:
            first = archive.obtain(Request("dr16/spec.fits", tmp_path / "a.fits"))
            second = archive.obtain(Request("dr16/spec.fits", tmp_path / "b.fits"))
        assert (tmp_path / "b.fits").read_bytes() == CONTENT
        assert len(server.requests) == 1
        assert first == second  # retrieval time and ETag are those of the original
        assert store.get_json(f"{archive.cache_key('dr16/spec.fits')}.json").value["sha256"] == SHA256

    def test_another_version_asks_again(self, server, store, tmp_path):
        for version in ("2020-07", "2020-08"):
            with self.archive(server, store, version=version) as archive:
                archive.fetch("dr16/spec.fits", tmp_path / version)
        assert len(server.requests) == 2

    def test_what_never_changes_is_not_asked_for_again(self, server, store, tmp_path):
        for version in ("2020-07", "2020-08"):
            with self.archive(server, store, version=version) as archive:
                archive.obtain(Request("dr16/spec.fits", tmp_path / version, version=""))
        assert len(server.requests) == 1
        with self.archive(server, store) as archive:
            archive.obtain(Request("dr16/spec.fits", tmp_path / "another", version="etag"))
        assert len(server.requests) == 2

    def test_a_damaged_copy_is_fetched_again(self, server, store, tmp_path, capsys):
        with self.archive(server, store) as archive:
            archive.fetch("dr16/spec.fits", tmp_path / "a.fits")
            (tmp_path / "short").write_bytes(CONTENT[:1000])
            store.put_file(tmp_path / "short", archive.cache_key("dr16/spec.fits"))
            assert archive.fetch("dr16/spec.fits", tmp_path / "b.fits").read_bytes() == CONTENT
            assert "damaged" in capsys.readouterr().err
            archive.fetch("dr16/spec.fits", tmp_path / "c.fits")
        assert len(server.requests) == 2  # the copy was mended

    def test_a_store_that_goes_away_costs_the_cache_and_not_the_file(self, server, tmp_path, capsys):
        with embedded_store(tmp_path / "home") as environment:
            store = Store.from_environment(environment)
        with self.archive(server, store) as archive:
            for name in ("a.fits", "b.fits"):
                assert archive.fetch("dr16/spec.fits", tmp_path / name).read_bytes() == CONTENT
        assert capsys.readouterr().err.count("cache is not used from here on") == 1


def test_a_real_spectrum_in_the_archives_own_layout(sdss_server, real_data, tmp_path):
    name = "spec-3655-55240-0002.fits"
    with Archive(sdss_server.url) as archive:
        path = archive.fetch(
            f"dr16/eboss/spectro/redux/v5_13_0/spectra/lite/3655/{name}", tmp_path / name, size=218_880
        )
    assert path.read_bytes() == (real_data / "sdss" / "spectra" / name).read_bytes()


def test_errors_are_the_projects_own():
    assert issubclass(NotInArchiveError, ArchiveError)
    assert issubclass(ArchiveError, ArmillaryError)
