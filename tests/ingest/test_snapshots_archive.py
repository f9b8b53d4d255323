"""Simulations in the archive's layout: from a server on loopback, and from a folder."""

import functools
import subprocess
import sys
import tempfile
import textwrap
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from loopback import LoopbackArchive, Misbehaviour
from shard_tables import assert_same
from snapshot_writer import BOX, camels_rows, universe, write_simulation, write_snapshot, write_table

from components.common.archive import Archive
from components.common.errors import ArchiveError, InputError, ParameterError
from components.common.tables import Columns, read_provenance, read_table
from components.ingest.camels_snapshots import places
from components.ingest.camels_snapshots.ingestion import Settings, ingest
from components.merge.shards.merging import merge
from components.physics.density_grid import paint

SIMS = Path("Sims/IllustrisTNG_DM/L25n256")
TABLE = Path("Parameters/IllustrisTNG/CosmoAstroSeed_IllustrisTNG_L25n256_CV.txt")
LAST = SIMS / "CV" / "CV_0" / "snapshot_090.hdf5"


@pytest.fixture(autouse=True)
def _in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the real client, but not its pauses."""
    quick = functools.partial(Archive, backoff_seconds=0.01, attempts=3)
    monkeypatch.setattr(places, "Archive", lambda *a, **k: quick(*a, **{**k, "requests_per_minute": 60_000.0}))


def lay_out(root: Path, count: int = 1, **changes: Any) -> None:
    """Write the first simulations of CV, and the table of all 27."""
    write_table(root / TABLE, camels_rows("CV", 27))
    for number in range(count):
        write_simulation(root / SIMS / "CV" / f"CV_{number}", number, **changes)


def run(output: Path, **settings: Any) -> tuple[Columns, dict[str, str]]:
    asked = {"grid": 32, "simulation_set": "CV", "rows": 0, **settings}
    provenance = ingest(output, Settings(**asked))
    table, rejected = read_table(output / "dataset.parquet"), read_table(output / "rejected.parquet")
    assert provenance.requested == len(table["id"]) + len(rejected["id"])
    assert provenance.origin == "simulated"
    assert provenance.seed is None, "whoever draws with another seed still draws the same simulations"
    return table, dict(zip(rejected["id"], rejected["reason"], strict=True))


def from_archive(server: LoopbackArchive, output: Path, **settings: Any) -> tuple[Columns, dict[str, str]]:
    return run(output, source="archive", archive_url=server.url, **{"simulations": "0", **settings})


def test_fetches_simulations(archive_server: LoopbackArchive, tmp_path: Path) -> None:
    lay_out(archive_server.root, 3)
    table, rejected = from_archive(archive_server, tmp_path / "out", simulations="0-2")
    assert rejected == {}
    assert list(table["id"]) == ["CV_0", "CV_1", "CV_2"]
    assert list(table["simulation_id"]) == ["seed-1", "seed-2", "seed-3"]
    assert list(table["redshift_initial"]) == [127, 127, 127]
    early, late = universe(2)
    shift = -BOX / 32 / 3  # back to where the simulator's lattice is
    for name, positions in (("initial", early), ("final", late)):
        expected = paint(positions + np.float32(shift), 32, BOX)
        assert np.corrcoef(table[name][2].ravel(), expected.ravel())[0, 1] > 0.99
    assert "CAMELS" in read_provenance(tmp_path / "out" / "dataset.parquet").archive
    tried = [request.target for request in archive_server.requests]
    assert sum("CV_2" in target for target in tried) == 2, "where the first simulation was, the others are"
    assert archive_server.most_at_once == 1


@pytest.mark.parametrize(
    ("start", "last", "style"),
    [
        ("ICs/ics.0", "snap_090.hdf5", "binary"),
        ("ICs/ics", "snap_033.hdf5", "binary"),
        ("ICs/ics.0.hdf5", "snapshot_090.hdf5", "arepo"),
    ],
)
def test_knows_the_old_names(
    start: str, last: str, style: Any, archive_server: LoopbackArchive, tmp_path: Path
) -> None:
    lay_out(archive_server.root, start=start, last=last, style=style)
    table, _ = from_archive(archive_server, tmp_path / "out")
    assert list(table["id"]) == ["CV_0"]


def test_knows_the_old_folders(archive_server: LoopbackArchive, tmp_path: Path) -> None:
    write_table(archive_server.root / TABLE, camels_rows("CV", 27))
    write_simulation(archive_server.root / "Sims/IllustrisTNG_DM/CV_4", 0)
    table, _ = from_archive(archive_server, tmp_path / "out", simulations="4")
    assert list(table["id"]) == ["CV_4"]


@pytest.mark.parametrize("style", ["binary", "gadget3"])
def test_loops_over_the_parts_of_the_beginning(
    style: Any, archive_server: LoopbackArchive, tmp_path: Path
) -> None:
    lay_out(archive_server.root)
    folder = archive_server.root / SIMS / "CV" / "CV_0" / "ICs"
    whole, _ = from_archive(archive_server, tmp_path / "whole")
    (folder / "ics.hdf5").unlink()
    early, _ = universe(0)
    write_snapshot(folder / ("ics" if style == "binary" else "ics.hdf5"), early, 127.0, style, files=8)
    parts, _ = from_archive(archive_server, tmp_path / "parts")
    np.testing.assert_allclose(parts["initial"], whole["initial"], atol=0.02)
    (folder / ("ics.5" if style == "binary" else "ics.5.hdf5")).unlink()
    with pytest.raises(InputError, match=r"There is no .*ics\.5"):
        from_archive(archive_server, tmp_path / "missing")


def test_the_other_target(archive_server: LoopbackArchive, tmp_path: Path) -> None:
    lay_out(archive_server.root)
    early, _ = universe(0)
    write_snapshot(archive_server.root / SIMS / "CV" / "CV_0" / "snapshot_000.hdf5", early, 14.99)
    table, _ = from_archive(archive_server, tmp_path / "out", target="first")
    assert table["redshift_initial"][0] == 14.99
    assert not any("ICs" in request.target for request in archive_server.requests)


def test_an_interrupted_download_is_continued(archive_server: LoopbackArchive, tmp_path: Path) -> None:
    """Byte by byte the same: Blosc would notice, and the densities agree to the last bit."""
    lay_out(archive_server.root)
    whole, _ = from_archive(archive_server, tmp_path / "whole")
    archive_server.requests.clear()
    cuts = [Misbehaviour(drop_after=50_000), Misbehaviour(drop_after=30_000)]
    archive_server.script(str(LAST), *cuts)
    again, _ = from_archive(archive_server, tmp_path / "again")
    np.testing.assert_array_equal(whole["final"], again["final"])
    ranges = [request.headers.get("range") for request in archive_server.targets(str(LAST))]
    assert ranges[0] is None
    assert [int(r[6:-1]) for r in ranges[1:] if r] == [50_000, 80_000]


def test_a_server_that_ignores_ranges_is_noticed(archive_server: LoopbackArchive, tmp_path: Path) -> None:
    """What it sends from the beginning is not appended to what is there."""
    lay_out(archive_server.root)
    whole, _ = from_archive(archive_server, tmp_path / "whole")
    archive_server.script(str(LAST), Misbehaviour(drop_after=50_000), Misbehaviour(ignore_range=True))
    again, _ = from_archive(archive_server, tmp_path / "again")
    np.testing.assert_array_equal(whole["final"], again["final"])


def test_a_simulation_that_is_not_there_or_broken_is_left_out(
    archive_server: LoopbackArchive, tmp_path: Path
) -> None:
    lay_out(archive_server.root, 3)
    broken = archive_server.root / SIMS / "CV" / "CV_1" / "snapshot_090.hdf5"
    broken.write_bytes(broken.read_bytes()[:100_000])
    table, rejected = from_archive(archive_server, tmp_path / "out", simulations="0-3")
    assert list(table["id"]) == ["CV_0", "CV_2"]
    assert rejected == {"CV_1": "unusable file", "CV_3": "missing"}


def test_an_archive_that_is_down(archive_server: LoopbackArchive, tmp_path: Path) -> None:
    lay_out(archive_server.root)
    archive_server.script(str(LAST), *[Misbehaviour(status=503)] * 9)
    with pytest.raises(ArchiveError, match="HTTP 503"):
        from_archive(archive_server, tmp_path / "out")


def test_a_simulation_that_is_not_sent_is_left_out_until_there_are_three(
    archive_server: LoopbackArchive, tmp_path: Path
) -> None:
    """Some are on tape: a run of days does not end at one of them."""
    lay_out(archive_server.root, 4)
    lasts = [str(LAST).replace("CV_0", f"CV_{number}") for number in range(4)]
    archive_server.script(lasts[1], Misbehaviour(status=403))
    table, rejected = from_archive(archive_server, tmp_path / "out", simulations="0-2")
    assert list(table["id"]) == ["CV_0", "CV_2"]
    assert rejected == {"CV_1": "not sent"}
    for last in lasts[1:]:
        archive_server.script(last, Misbehaviour(status=403))
    with pytest.raises(ArchiveError, match="HTTP 403"):
        from_archive(archive_server, tmp_path / "down", simulations="0-3")


def test_a_set_that_does_not_fit_the_settings_is_not_fetched_whole(
    archive_server: LoopbackArchive, tmp_path: Path
) -> None:
    lay_out(archive_server.root, 7)
    with pytest.raises(InputError, match=r"None of the first 5 .*25 Mpc/h wide, not 50"):
        from_archive(archive_server, tmp_path / "out", simulations="0-6", box_size_mpc_h=50.0)
    assert not any("CV_5" in request.target for request in archive_server.requests)


def test_a_full_disk(archive_server: LoopbackArchive, tmp_path: Path) -> None:
    """A file may have 200 kB, which is less than a snapshot."""
    lay_out(archive_server.root)
    code = textwrap.dedent(f"""
        import resource, signal
        from pathlib import Path
        from components.ingest.camels_snapshots.ingestion import Settings, ingest
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
        ingest(Path({str(tmp_path / "out")!r}), Settings("archive", grid=32, rows=0, simulation_set="CV",
            simulations="0", archive_url={archive_server.url!r}))
    """)
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "The disk is full" in result.stderr.strip().splitlines()[-1]
    assert not (tmp_path / "out").exists()


def test_a_folder(tmp_path: Path) -> None:
    """As the archive lays it out, or shorter; without a list, what is there."""
    lay_out(tmp_path / "camels", 2)
    long, _ = run(tmp_path / "long", source="files", location=str(tmp_path / "camels"))
    write_table(tmp_path / "own" / TABLE.name, camels_rows("CV", 27))
    for number in (1, 0):
        write_simulation(tmp_path / "own" / f"CV_{number}", number)
    short, rejected = run(tmp_path / "short", source="files", location=str(tmp_path / "own"))
    assert rejected == {}
    for name in ("id", "initial", "final"):
        np.testing.assert_array_equal(long[name], short[name])


def test_the_real_gadget_4_in_a_folder(real_data: Path, tmp_path: Path) -> None:
    """Other snapshot numbers, other box, a set of its own; the first snapshot is the target."""
    folder = tmp_path / "runs" / "run_0"
    folder.mkdir(parents=True)
    for name in ("snapshot_000.hdf5", "snapshot_004.hdf5"):
        (folder / name).symlink_to(real_data / "nbody" / name)
    parameters = write_table(tmp_path / "table.txt", ["run_0 0.3 0.9 1 1 1 1 42"])
    table, _ = run(
        tmp_path / "out",
        source="files",
        location=str(tmp_path / "runs"),
        simulation_set="run",
        target="first",
        box_size_mpc_h=50.0,
        parameters=str(parameters),
    )
    assert abs(table["redshift_initial"][0] - 5.04) < 0.01
    assert 0.2 < table["initial"].std() < table["final"].std()


def test_a_draw_depends_on_the_seed(tmp_path: Path) -> None:
    lay_out(tmp_path / "camels", 4)
    names = {
        seed: tuple(
            run(tmp_path / str(seed), source="files", location=str(tmp_path / "camels"), rows=2, seed=seed)[0][
                "id"
            ]
        )
        for seed in range(4)
    }
    assert len(set(names.values())) > 1
    assert all(len(chosen) == 2 and chosen == tuple(sorted(chosen)) for chosen in names.values())


def test_shards_of_files_add_up(tmp_path: Path) -> None:
    lay_out(tmp_path / "camels", 3)
    (tmp_path / "camels" / SIMS / "CV" / "CV_1" / "snapshot_090.hdf5").unlink()
    asked = {"source": "files", "location": str(tmp_path / "camels")}
    run(tmp_path / "whole", **asked)
    for shard in range(3):
        run(tmp_path / str(shard), **asked, shard=shard, shards=3)
    merge([tmp_path / str(shard) for shard in range(3)], tmp_path / "merged")
    assert_same(tmp_path / "whole", tmp_path / "merged")


def test_files_of_another_cosmology_than_the_table(tmp_path: Path) -> None:
    lay_out(tmp_path / "camels", 2)
    table = tmp_path / "camels" / TABLE
    table.write_text(table.read_text().replace("CV_1 0.3 ", "CV_1 0.35 "))
    _, rejected = run(tmp_path / "out", source="files", location=str(tmp_path / "camels"))
    assert rejected == {"CV_1": "another cosmology"}


def test_a_simulation_that_has_not_ended(tmp_path: Path) -> None:
    lay_out(tmp_path / "camels", 2)
    _, late = universe(0)
    write_snapshot(tmp_path / "camels" / LAST, late, 0.5)
    _, rejected = run(tmp_path / "out", source="files", location=str(tmp_path / "camels"))
    assert rejected == {"CV_0": "not today"}


def test_nothing_usable_says_why(tmp_path: Path) -> None:
    lay_out(tmp_path / "camels")
    with pytest.raises(InputError, match=r"1 unusable file.*box is 25 Mpc/h wide, not 100"):
        run(tmp_path / "out", source="files", location=str(tmp_path / "camels"), box_size_mpc_h=100.0)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("settings", "error", "said"),
    [
        ({"location": "nowhere"}, InputError, "no folder"),
        ({"simulations": "99"}, ParameterError, "no simulation CV_99"),
        ({"parameters": "nowhere.txt"}, InputError, "cannot be read"),
        ({"simulation_set": "EX"}, InputError, "no table of parameters"),
    ],
)
def test_says_what_is_not_there(
    settings: dict[str, str], error: type[Exception], said: str, tmp_path: Path
) -> None:
    lay_out(tmp_path / "camels")
    asked = {"source": "files", "location": str(tmp_path / "camels"), **settings}
    with pytest.raises(error, match=said):
        run(tmp_path / "out", **asked)


def test_memory_does_not_grow_with_the_simulations(tmp_path: Path) -> None:
    lay_out(tmp_path / "camels", 12)
    peaks = []
    for simulations in ("0", "0-2", "0-11"):
        asked = {"grid": 32, "simulation_set": "CV", "rows": 0, "simulations": simulations}
        tracemalloc.start()
        ingest(tmp_path / simulations, Settings("files", location=str(tmp_path / "camels"), **asked))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[2] - peaks[1] < 2 * 32**3 * 4, "nine simulations more may not cost the memory of even one"


def test_the_disk_holds_one_file_at_a_time(
    archive_server: LoopbackArchive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lay_out(archive_server.root, 2)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    seen: list[int] = []
    release = places.Remote.release

    def counted(self: places.Remote, path: Path) -> None:
        seen.append(sum(file.is_file() for file in scratch.rglob("*")))
        release(self, path)

    monkeypatch.setattr(places.Remote, "release", counted)
    from_archive(archive_server, tmp_path / "out", simulations="0-1")
    assert seen == [1] * 5, "the table, and two snapshots of each"
    assert list(scratch.iterdir()) == []
