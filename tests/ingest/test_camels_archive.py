"""The dataset's archive on loopback: parts of files, a server without them, cut, changed and interrupted files."""

import functools
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from camels_writer import parameters, save, write_suite, write_table
from loopback import LoopbackArchive, Misbehaviour

from components.common.archive import Archive, Request
from components.common.errors import ArchiveError, InputError
from components.common.store import Store
from components.common.tables import read_provenance, read_table
from components.ingest.camels_maps import archive_source
from components.ingest.camels_maps.ingestion import Settings, ingest
from components.physics.multifield import PARAMETERS

DATA = "2D_maps/data"
SIDE = 64
MAPS_OF_ONE = 15 * SIDE**2 * 4


@pytest.fixture(autouse=True)
def _in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the real client, but not its pauses, and no store."""
    quick = functools.partial(Archive, backoff_seconds=0.01, requests_per_minute=60_000.0, attempts=3)
    monkeypatch.setattr(archive_source, "Archive", quick)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)


@pytest.fixture
def maps(archive_server: LoopbackArchive) -> Mapping[str, Any]:
    """Lay out two fields of one suite as the archive has them."""
    return write_suite(archive_server.root / DATA / "IllustrisTNG", simulations=5, side=SIDE)


def _settings(server: LoopbackArchive, **changes: Any) -> Settings:
    return Settings(
        **{"source": "archive", "archive_url": server.url, "fields": ("Mtot", "HI"), "grid": 0, "simulations": "3"}
        | changes
    )


def _path(field: str, folder: str = "IllustrisTNG/", suite: str = "IllustrisTNG") -> str:
    return f"{DATA}/{folder}Maps_{field}_{suite}_LH_z=0.00.npy"


def test_only_the_simulations_that_are_wanted_are_fetched(
    archive_server: LoopbackArchive, maps: Mapping[str, Any], tmp_path: Path
) -> None:
    provenance = ingest(tmp_path / "out", _settings(archive_server, simulations="1,3"))
    table = read_table(tmp_path / "out" / "dataset.parquet")
    numbers = [*range(15, 30), *range(45, 60)]
    for channel, field in enumerate(("Mtot", "HI")):
        np.testing.assert_array_equal(table["maps"][:, channel], maps[field][numbers])
    labels = np.column_stack([table[name] for name in PARAMETERS])
    np.testing.assert_array_equal(labels, parameters(5)[np.array(numbers) // 15])
    asked = [request.headers["range"] for request in archive_server.targets(_path("HI"))]
    assert asked == [
        "bytes=0-1023",
        *(f"bytes={128 + n * MAPS_OF_ONE}-{128 + (n + 1) * MAPS_OF_ONE - 1}" for n in (1, 3)),
    ]
    assert (provenance.origin, provenance.received) == ("simulated", 30)
    assert archive_server.url in provenance.archive
    assert read_provenance(tmp_path / "out" / "dataset.parquet") == provenance


def test_both_layouts_of_the_archive_are_found(archive_server: LoopbackArchive, tmp_path: Path) -> None:
    """The first release had all files in one folder and tables of LH without its name; N-body has a folder."""
    root = archive_server.root / DATA
    maps = write_suite(root, "SIMBA", fields=("Mtot",), simulations=2)
    (root / "params_LH_SIMBA.txt").rename(root / "params_SIMBA.txt")
    write_suite(root / "Nbody", "Nbody_SIMBA", fields=("Mtot",), simulations=2, seed=2)
    suites = ("SIMBA", "Nbody_SIMBA")
    ingest(
        tmp_path / "out", _settings(archive_server, fields=("Mtot",), suites=suites, simulations="0-1", grid=16)
    )
    table = read_table(tmp_path / "out" / "dataset.parquet")
    assert list(dict.fromkeys(table["suite"])) == list(suites)
    np.testing.assert_array_equal(table["maps"][:30, 0], maps["Mtot"])


def test_a_server_that_ignores_ranges_is_noticed_before_it_sends_all(
    archive_server: LoopbackArchive, maps: Mapping[str, Any], tmp_path: Path
) -> None:
    archive_server.script(_path("Mtot"), *[Misbehaviour(ignore_range=True)] * 9)
    with pytest.raises(ArchiveError, match="does not serve parts of files"):
        ingest(tmp_path / "out", _settings(archive_server))
    assert len(archive_server.targets(_path("Mtot"))) == 1, "once is enough to know"
    assert not (tmp_path / "out").exists()


def test_ranges_that_stop_working_are_noticed_too(
    archive_server: LoopbackArchive, maps: Mapping[str, Any], tmp_path: Path
) -> None:
    archive_server.script(_path("HI"), Misbehaviour(), *[Misbehaviour(ignore_range=True)] * 9)
    with pytest.raises(ArchiveError, match="does not serve parts of files"):
        ingest(tmp_path / "out", _settings(archive_server))


def test_an_interrupted_part_is_continued_byte_by_byte(
    archive_server: LoopbackArchive, maps: Mapping[str, Any], tmp_path: Path
) -> None:
    archive_server.script(_path("HI"), Misbehaviour(), Misbehaviour(drop_after=100_003))
    ingest(tmp_path / "out", _settings(archive_server))
    table = read_table(tmp_path / "out" / "dataset.parquet")
    np.testing.assert_array_equal(table["maps"][:, 1], maps["HI"][45:60])
    first = 128 + 3 * MAPS_OF_ONE
    last = first + MAPS_OF_ONE - 1
    asked = [request.headers for request in archive_server.targets(_path("HI"))][1:]
    assert asked[0]["range"] == f"bytes={first}-{last}"
    begin = int(asked[1]["range"].removeprefix("bytes=").split("-")[0])
    assert first < begin <= first + 100_003, "what has arrived is not asked for again"
    assert asked[1]["range"].endswith(f"-{last}")
    assert asked[1]["if-range"]


def test_a_part_of_a_file_that_changed_meanwhile_is_not_patched_together(
    archive_server: LoopbackArchive, maps: Mapping[str, Any], tmp_path: Path
) -> None:
    path = archive_server.root / _path("HI")
    other = path.read_bytes()[:128] + path.read_bytes()[128:][::-1]
    archive_server.script(
        _path("HI"),
        Misbehaviour(),
        Misbehaviour(drop_after=100_000),
        *[Misbehaviour(body=other)] * 9,
    )
    with pytest.raises(ArchiveError, match="another version than it was before"):
        ingest(tmp_path / "out", _settings(archive_server))


def test_cut_files_are_noticed_by_their_size(
    archive_server: LoopbackArchive, maps: Mapping[str, Any], tmp_path: Path
) -> None:
    path = archive_server.root / _path("HI")
    content = path.read_bytes()
    path.write_bytes(content[:-4])
    with pytest.raises(InputError, match="its header announces 75 maps"):
        ingest(tmp_path / "out", _settings(archive_server))
    path.write_bytes(content[:100])
    with pytest.raises(ArchiveError, match="has 100 bytes; bytes 0 to 1023 of it are wanted"):
        ingest(tmp_path / "out", _settings(archive_server))


def test_what_the_archive_does_not_have(
    archive_server: LoopbackArchive, maps: Mapping[str, Any], tmp_path: Path
) -> None:
    with pytest.raises(ArchiveError, match=r"has none of .*IllustrisTNG/Maps_T_.*, 2D_maps/data/Maps_T_"):
        ingest(tmp_path / "out", _settings(archive_server, fields=("Mtot", "T")))
    root = archive_server.root / DATA / "IllustrisTNG"
    write_table(root, parameters(7), "IllustrisTNG", "LH")
    with pytest.raises(InputError, match="has 7 rows, but the maps are of 5"):
        ingest(tmp_path / "out", _settings(archive_server))
    save(root, maps["Mtot"].astype(np.complex64), "Mtot", "IllustrisTNG", "LH")
    with pytest.raises(InputError, match="holds complex64"):
        ingest(tmp_path / "out", _settings(archive_server))
    archive_server.script(_path("Mtot"), *[Misbehaviour(html=True)] * 9)
    with pytest.raises(ArchiveError, match="sent a web page"):
        ingest(tmp_path / "out", _settings(archive_server))


def test_shards_fetch_their_simulations_alone(
    archive_server: LoopbackArchive, maps: Mapping[str, Any], tmp_path: Path
) -> None:
    found = []
    for shard in range(2):
        settings = _settings(archive_server, simulations="0-4", shard=shard, shards=2)
        ingest(tmp_path / f"{shard}", settings)
        found += list(read_table(tmp_path / f"{shard}" / "dataset.parquet")["map_index"])
    assert found == list(range(75))
    assert len(archive_server.targets(_path("HI"))) == 2 + 5


def test_what_is_in_the_cache_is_not_asked_for_again(
    archive_server: LoopbackArchive, maps: Mapping[str, Any], store: Store, tmp_path: Path
) -> None:
    with Archive(archive_server.url, store) as archive:
        for number, span in enumerate(((128, 400), (528, 400), (128, 400))):
            destination = tmp_path / f"{number}"
            receipt = archive.obtain(Request(_path("HI"), destination, span=span))
            content = (archive_server.root / _path("HI")).read_bytes()
            assert destination.read_bytes() == content[span[0] : sum(span)]
            assert receipt.whole_size == len(content)
    assert len(archive_server.targets(_path("HI"))) == 2, "two parts, the first of them twice"


def test_a_full_disk_is_said_and_leaves_nothing(
    archive_server: LoopbackArchive, maps: Mapping[str, Any], tmp_path: Path
) -> None:
    """A file may have 200 kB, which is less than the maps of one simulation."""
    assert MAPS_OF_ONE > 200_000
    code = textwrap.dedent(f"""
        import resource, signal
        from pathlib import Path
        from components.ingest.camels_maps.ingestion import Settings, ingest
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
        ingest(Path({str(tmp_path / "out")!r}), Settings(source="archive", archive_url={archive_server.url!r},
            fields=("Mtot", "HI"), grid=0, simulations="3"))
    """)
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "The disk is full" in result.stderr.strip().splitlines()[-1]
    assert not (tmp_path / "out").exists()
