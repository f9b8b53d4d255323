"""Tables stream both ways, keep what is said about them, and exist only when they are whole."""

import resource
import signal
import subprocess
import sys
import textwrap
import tracemalloc
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from components.common.errors import ArmillaryError, InputError
from components.common.provenance import Provenance
from components.common.tables import (
    ROWS_PER_GROUP,
    Columns,
    TableWriter,
    column,
    count_rows,
    read_batches,
    read_marked,
    read_provenance,
    read_schema,
    read_settings,
    read_table,
    tensor_column,
    write_table,
)

ORIGIN = Provenance("simulated", "a test", requested=3, seed=7)
FIELDS = (
    column("id", "string", "identifier"),
    column("redshift", "float64", "label"),
    column("split", "string", "train, validation or test"),
    tensor_column("flux", (50,), "normalised flux"),
)
SPLITS = np.array(["train", "train", "validation", "test"], dtype=object)


def make(rows: int, start: int = 0) -> Columns:
    n = np.arange(start, start + rows)
    return {
        "id": np.array([f"sim-{k:06d}" for k in n], dtype=object),
        "redshift": np.where(n % 5 == 0, np.nan, n / 1000),
        "split": SPLITS[n % 4],
        "flux": (n[:, None] + np.linspace(0, 1, 50)).astype(np.float32),
    }


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A table of three row groups, written in batches that do not match them."""
    path = tmp_path / "dataset.parquet"
    with TableWriter(path, FIELDS, ORIGIN, {"grid": {"pixels": 50}}) as writer:
        for start in range(0, 1200, 400):
            writer.write(make(400, start))
    return path


def test_round_trip(table: Path) -> None:
    expected = make(1200)
    back = read_table(table)
    assert list(back) == [f.name for f in FIELDS]
    for name, values in expected.items():
        np.testing.assert_array_equal(back[name], values)
        assert back[name].dtype == values.dtype
    assert count_rows(table) == 1200
    assert read_settings(table) == {"grid": {"pixels": 50}}
    assert read_provenance(table) == ORIGIN


def test_units_and_descriptions_travel(tmp_path: Path) -> None:
    fields = (column("ra", "float64", "right ascension", "deg"),)
    write_table(tmp_path / "t.parquet", fields, {"ra": [1.0]}, ORIGIN)
    metadata = pq.read_schema(tmp_path / "t.parquet").field("ra").metadata
    assert (metadata[b"unit"], metadata[b"description"]) == (b"deg", b"right ascension")


def test_provenance_is_that_of_the_end(tmp_path: Path) -> None:
    with TableWriter(tmp_path / "t.parquet", FIELDS, ORIGIN) as writer:
        writer.write(make(2))
        writer.provenance = ORIGIN.with_rejected({"no label": 1})
    assert read_provenance(tmp_path / "t.parquet").rejected == {"no label": 1}
    assert writer.rows == 2


def test_only_the_columns_that_are_asked_for(table: Path) -> None:
    assert [list(batch) for batch in read_batches(table, ["redshift", "id"])] == [["redshift", "id"]] * 3


@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_only_the_rows_of_a_split(table: Path, split: str) -> None:
    everything = make(1200)
    part = read_table(table, ["id", "flux"], split=split)
    assert list(part) == ["id", "flux"]
    np.testing.assert_array_equal(part["id"], everything["id"][everything["split"] == split])
    np.testing.assert_array_equal(part["flux"], everything["flux"][everything["split"] == split])


def test_a_split_without_rows_is_empty_and_has_its_shapes(table: Path) -> None:
    part = read_table(table, split="none")
    assert part["flux"].shape == (0, 50)
    assert part["id"].shape == (0,)


def test_batches_stay_readable_after_the_reader_is_gone(table: Path) -> None:
    batches = list(read_batches(table))
    table.unlink()
    np.testing.assert_array_equal(np.concatenate([b["flux"] for b in batches]), make(1200)["flux"])


def test_memory_does_not_grow_with_the_number_of_rows(tmp_path: Path) -> None:
    """What numpy and Arrow allocate; a group of 512 rows of 4700 float32 is 10 MB, the table 58 MB."""
    fields = (column("id", "int64", "identifier"), tensor_column("flux", (4700,), "flux"))
    path = tmp_path / "wide.parquet"
    tracemalloc.start()
    with TableWriter(path, fields, ORIGIN) as writer:
        for k in range(12):
            writer.write({"id": np.arange(256), "flux": np.full((256, 4700), k, np.float32)})
    total, arrow = 0.0, 0
    for batch in read_batches(path):
        total += float(batch["flux"][:, 0].sum())
        arrow = max(arrow, pa.total_allocated_bytes())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert total == 256 * sum(range(12))
    assert path.stat().st_size > 55e6
    assert peak + arrow < 30e6


def test_row_groups_have_the_agreed_size(tmp_path: Path) -> None:
    write_table(tmp_path / "t.parquet", FIELDS, make(1100), ORIGIN)
    sizes = [len(batch["id"]) for batch in read_batches(tmp_path / "t.parquet")]
    assert sizes == [ROWS_PER_GROUP, ROWS_PER_GROUP, 1100 - 2 * ROWS_PER_GROUP]


def test_a_missing_column_is_named_with_those_there_are(table: Path) -> None:
    with pytest.raises(InputError, match=r"dataset\.parquet has no column ivar; it has id, redshift, split, flux"):
        read_table(table, ["flux", "ivar"])
    path = table.with_name("unsplit.parquet")
    write_table(path, FIELDS[:1], {"id": ["a"]}, ORIGIN)
    with pytest.raises(InputError, match="no column split"):
        read_table(path, split="train")


def test_a_schema_is_read_and_lacks_nothing_that_is_needed(table: Path) -> None:
    schema = read_schema(table, ["id", "flux"])
    assert schema.names == ["id", "redshift", "split", "flux"]
    assert schema.field("redshift").metadata[b"description"] == b"label"
    with pytest.raises(InputError, match="has no column ivar, mask; it has id") as caught:
        read_schema(table, ["id", "mask", "ivar"], "Give spectra.")
    assert "Give spectra." in str(caught.value)


def test_of_many_columns_some_are_listed(tmp_path: Path) -> None:
    fields = [column(f"c{k:02d}", "float32", "one of many") for k in range(40)]
    write_table(tmp_path / "t.parquet", fields, {field.name: [0.0] for field in fields}, ORIGIN)
    with pytest.raises(InputError, match=r"it has c00, .* c29 and 10 more"):
        read_schema(tmp_path / "t.parquet", ["ivar"])


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no table .*gone\.parquet.*Run the stage"):
        read_table(tmp_path / "gone.parquet")


@pytest.mark.parametrize("kept", [0, 100, 60_000, -1])
def test_a_truncated_table_is_refused(table: Path, kept: int) -> None:
    table.write_bytes(table.read_bytes()[:kept])
    for read in (read_table, count_rows, read_provenance, read_settings):
        with pytest.raises(InputError, match=r"dataset\.parquet is not a whole Parquet file"):
            read(table)


def test_a_table_of_others_has_no_provenance(tmp_path: Path) -> None:
    pq.write_table(pa.table({"ra": [1.0]}), tmp_path / "gaia.parquet")
    assert read_table(tmp_path / "gaia.parquet")["ra"].tolist() == [1.0]
    assert read_settings(tmp_path / "gaia.parquet") == {}
    with pytest.raises(InputError, match="carries no provenance"):
        read_provenance(tmp_path / "gaia.parquet")


def write_half(path: Path) -> None:
    with TableWriter(path, FIELDS, ORIGIN) as writer:
        writer.write(make(600))
        raise ValueError("half way")


def test_an_error_while_writing_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="half way"):
        write_half(tmp_path / "t.parquet")
    assert list(tmp_path.iterdir()) == []


def test_an_error_while_writing_keeps_what_was_there(table: Path) -> None:
    before = table.read_bytes()
    with pytest.raises(KeyError), TableWriter(table, FIELDS, ORIGIN) as writer:
        writer.write({"id": ["only"]})
    assert table.read_bytes() == before
    assert [p.name for p in table.parent.iterdir()] == ["dataset.parquet"]


WRITE_FOR_EVER = """
    import sys
    import numpy as np
    from pathlib import Path
    from components.common.provenance import Provenance
    from components.common.tables import TableWriter, column, tensor_column
    fields = (column("id", "int64", "identifier"), tensor_column("flux", (4700,), "flux"))
    with TableWriter(Path(sys.argv[1]), fields, Provenance("simulated", "a test")) as writer:
        for k in range(40):
            writer.write({"id": np.arange(512), "flux": np.zeros((512, 4700), np.float32)})
            print(k, flush=True)
        sys.stdin.read()
"""


def test_a_process_killed_while_writing_leaves_no_table(tmp_path: Path) -> None:
    path = tmp_path / "dataset.parquet"
    child = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(WRITE_FOR_EVER), str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with child:
        assert child.stdout is not None
        assert [child.stdout.readline().strip() for _ in range(3)] == ["0", "1", "2"]
        child.send_signal(signal.SIGKILL)
        child.wait()
    assert not path.exists()
    (left,) = tmp_path.iterdir()
    assert left.name.startswith(".dataset.parquet.")
    assert left.name.endswith(".part")
    assert left.stat().st_size > 0


def limit_file_size() -> None:
    """A limit that takes effect where a full disk would: in the middle of a write."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000_000, 20_000_000))


def test_a_disk_that_fills_up_is_said_and_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "dataset.parquet"
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(WRITE_FOR_EVER), str(path)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        preexec_fn=limit_file_size,
        check=False,
    )
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith(f"components.common.errors.{ArmillaryError.__name__}: The disk is full: {path}")
    assert "Free space" in last
    assert list(tmp_path.iterdir()) == []


def test_marked_rows_of_a_split_are_streamed(tmp_path: Path) -> None:
    write_table(tmp_path / "t.parquet", FIELDS, make(4 * ROWS_PER_GROUP), ORIGIN)
    whole = read_table(tmp_path / "t.parquet", ["id", "flux"], "train")
    marked = np.zeros(len(whole["id"]), dtype=bool)
    marked[[0, 3, -1]] = True
    parts = list(read_marked(tmp_path / "t.parquet", marked, ["id", "flux"], "train"))
    assert len(parts) == 2, "row groups without a marked row are passed over"
    assert np.concatenate([part["id"] for part in parts]).tolist() == whole["id"][marked].tolist()
    assert np.array_equal(np.concatenate([part["flux"] for part in parts]), whole["flux"][marked])
    (part,) = read_marked(tmp_path / "t.parquet", np.arange(4 * ROWS_PER_GROUP) == ROWS_PER_GROUP + 1)
    assert (part["id"].tolist(), set(part)) == (
        [f"sim-{ROWS_PER_GROUP + 1:06d}"],
        {field.name for field in FIELDS},
    )
