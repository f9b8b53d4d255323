"""The preprocess stage from table to table."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from components.common.errors import InputError, ParameterError
from components.common.provenance import Provenance
from components.common.tables import (
    TableWriter,
    open_table,
    read_provenance,
    read_settings,
    read_table,
    write_table,
)
from components.ingest.sdss_spectra.batches import read_spectra
from components.ingest.sdss_spectra.schema import FIELDS, TENSOR_PIXELS
from components.preprocess.spectra.preparation import Preparation, prepare
from components.preprocess.spectra.preprocessing import Settings, preprocess

ORIGIN = Provenance("simulated", "a test", rejected={"no file": 2})
SETTINGS = Settings(validation_fraction=0.2, test_fraction=0.2, minimum_sn=0.5)


def make_spectra(rows: int, start: int = 0) -> dict[str, np.ndarray]:
    """Make noise on a slope; every object has two spectra."""
    generator = np.random.default_rng(start)
    number = np.arange(start, start + rows)
    columns: dict[str, np.ndarray] = {
        "id": np.array([f"spectrum {n}" for n in number], dtype=object),
        "object_id": np.array([f"object {n // 2}" for n in number], dtype=object),
        "spectral_class": np.full(rows, "QSO", dtype=object),
        "redshift_source": np.full(rows, "simulator", dtype=object),
        "redshift": generator.uniform(0.5, 3, rows),
        "is_bal": generator.random(rows) < 0.1,
        "resampled": np.zeros(rows, dtype=bool),
        "first_pixel": np.full(rows, 35560),
        "pixels": np.full(rows, 4600),
        "sn_median": np.full(rows, 3.0, np.float32),
        "flux": (np.linspace(4, 1, TENSOR_PIXELS) + generator.normal(size=(rows, TENSOR_PIXELS))).astype("f4"),
        "ivar": np.ones((rows, TENSOR_PIXELS), np.float32),
    }
    for field in FIELDS:
        if field.name not in columns:
            columns[field.name] = np.zeros(rows, dtype=field.type.to_pandas_dtype())
    return columns


def write_spectra(folder: Path, *batches: dict[str, np.ndarray]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    with TableWriter(folder / "dataset.parquet", FIELDS, ORIGIN) as writer:
        for batch in batches:
            writer.write(batch)
    return folder


@pytest.fixture
def bad_spectra() -> dict[str, np.ndarray]:
    """Sixty good spectra, and one of each kind that is left out."""
    columns = make_spectra(66)
    columns["redshift"][60] = np.nan
    columns["ivar"][61] = 0
    columns["flux"][62] = 2.5
    columns["flux"][63] *= 1e30
    columns["pixels"][64] = 1000
    columns["sn_median"][65] = 0.4
    return columns


def test_counts_add_up_and_every_reason_is_told(tmp_path: Path, bad_spectra: dict[str, np.ndarray]) -> None:
    source = write_spectra(tmp_path / "in", bad_spectra)
    preprocess(source, tmp_path / "out", SETTINGS)
    kept = read_table(tmp_path / "out" / "dataset.parquet")
    rejected = read_table(tmp_path / "out" / "rejected.parquet")
    assert sorted([*kept["id"], *rejected["id"]]) == sorted(bad_spectra["id"])
    assert dict(zip(rejected["id"], rejected["reason"], strict=True)) == {
        "spectrum 60": "missing label",
        "spectrum 61": "no good pixel",
        "spectrum 62": "constant flux",
        "spectrum 63": "out of range",
        "spectrum 64": "little coverage",
        "spectrum 65": "low signal-to-noise",
    }
    counts = read_provenance(tmp_path / "out" / "dataset.parquet").rejected
    assert counts["no file"] == 2  # what earlier stages left out stays counted
    assert sum(counts.values()) == 2 + 6


def test_rows_are_those_of_prepare_in_the_order_of_the_input(tmp_path: Path) -> None:
    batches = [make_spectra(600), make_spectra(40, start=600), make_spectra(300, start=640)]
    source = write_spectra(tmp_path / "in", *batches)
    preprocess(source, tmp_path / "out", SETTINGS)
    kept = read_table(tmp_path / "out" / "dataset.parquet")
    everything = {k: np.concatenate([b[k] for b in batches]) for k in batches[0]}
    settings = Preparation.from_settings(read_settings(tmp_path / "out" / "dataset.parquet"))
    assert settings == SETTINGS.preparation
    expected = prepare(*(everything[k] for k in ("flux", "ivar", "first_pixel", "pixels")), settings)
    for name in ("id", "object_id", "redshift", "is_bal", "spectral_class"):
        assert np.array_equal(kept[name], everything[name])
    for name in ("flux", "ivar", "offset", "scale", "coverage"):
        assert np.array_equal(kept[name], getattr(expected, name))


def test_no_object_is_in_two_splits(tmp_path: Path) -> None:
    """Also where its two spectra are in different row groups, and for another order of the rows."""
    first = make_spectra(300)
    order = np.random.default_rng(1).permutation(300)
    second = {k: v[order] for k, v in first.items()}
    splits = []
    for name, columns in (("a", first), ("b", second)):
        parts = [{k: v[:151] for k, v in columns.items()}, {k: v[151:] for k, v in columns.items()}]
        preprocess(write_spectra(tmp_path / name, *parts), tmp_path / f"{name}-out", SETTINGS)
        kept = read_table(tmp_path / f"{name}-out" / "dataset.parquet", ["id", "object_id", "split"])
        of_object = dict(zip(kept["object_id"], kept["split"], strict=True))
        assert all(of_object[o] == s for o, s in zip(kept["object_id"], kept["split"], strict=True))
        splits.append(dict(zip(kept["id"], kept["split"], strict=True)))
    assert splits[0] == splits[1]
    assert set(splits[0].values()) == {"train", "validation", "test"}


def test_columns_keep_their_description(tmp_path: Path) -> None:
    preprocess(write_spectra(tmp_path / "in", make_spectra(60)), tmp_path / "out", SETTINGS)
    with open_table(tmp_path / "in" / "dataset.parquet") as file:
        before = file.schema_arrow
    with open_table(tmp_path / "out" / "dataset.parquet") as file:
        after = file.schema_arrow
    for name in ("redshift", "ra", "is_bal"):
        assert after.field(name).metadata == before.field(name).metadata
    assert b"[1154]" in after.field("flux").metadata.values()


def test_nothing_left_is_an_error_and_leaves_no_table(tmp_path: Path) -> None:
    columns = make_spectra(40)
    columns["ivar"][:] = 0
    with pytest.raises(InputError, match="40 no good pixel"):
        preprocess(write_spectra(tmp_path / "in", columns), tmp_path / "out", SETTINGS)
    assert list(tmp_path.glob("*out*")) == []


def test_another_table_is_refused_by_its_missing_columns(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    columns = make_spectra(5)
    write_table(tmp_path / "in" / "dataset.parquet", FIELDS[:-1], columns, ORIGIN)
    with pytest.raises(InputError, match="ivar"):
        preprocess(tmp_path / "in", tmp_path / "out", SETTINGS)


def test_impossible_settings_are_refused() -> None:
    with pytest.raises(ParameterError):
        Settings(minimum_coverage=1.5)


def test_real_spectra_pass(tmp_path: Path, real_data: Path) -> None:
    """Galaxies and quasars of three spectrographs' lengths, one grid."""
    files = sorted((real_data / "sdss" / "spectra").glob("*.fits"))
    columns = read_spectra(files).columns
    source = write_spectra(tmp_path / "in", columns)
    preprocess(source, tmp_path / "out", Settings(validation_fraction=0.3, test_fraction=0.3))
    kept = read_table(tmp_path / "out" / "dataset.parquet")
    rejected = read_table(tmp_path / "out" / "rejected.parquet")
    assert len(kept["id"]) + len(rejected["id"]) == len(files)
    assert len(kept["id"]) >= 0.9 * len(files)
    assert np.isfinite(kept["flux"]).all()
    assert (
        kept["coverage"][np.char.startswith(kept["id"].astype(str), "3655")] > 0.9
    ).all()  # BOSS fills the grid


_MEASURE = """
import os, sys, threading
from pathlib import Path
os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2])  # a group of rows is held for each core
from components.preprocess.spectra.preprocessing import Settings, preprocess

done, peak = threading.Event(), 0

def watch():
    global peak
    while not done.wait(0.003):
        status = Path("/proc/self/status").read_text()
        peak = max(peak, int(status.split("RssAnon:")[1].split()[0]) // 1024)

watcher = threading.Thread(target=watch, daemon=True)  # else a failure would hang
watcher.start()
preprocess(Path(sys.argv[1]), Path(sys.argv[2]), Settings(validation_fraction=0.2, test_fraction=0.2))
done.set()
watcher.join()
print(peak)
"""


def test_memory_does_not_grow_with_the_number_of_spectra(tmp_path: Path) -> None:
    """Sixteen more row groups, 308 MB, and less than a tenth of that in memory.

    Eight groups fill the pipeline. What grows is the split, by some hundred bytes a spectrum. A peak depends on
    which threads happen to hold a group of 19 MB at once, so that the smallest of three is compared.
    """
    peaks = []
    batch = {name: np.concatenate([values] * 256) for name, values in make_spectra(2).items()}
    for groups in (8, 24):
        batches = [{**batch, "object_id": np.array([f"{k} {j}" for j in range(512)])} for k in range(groups)]
        source = write_spectra(tmp_path / f"{groups}", *batches)
        command = [sys.executable, "-c", _MEASURE, str(source), str(tmp_path / f"{groups}-out")]
        runs = [subprocess.run(command, capture_output=True, text=True, check=True) for _ in range(3)]
        peaks.append(min(int(run.stdout.split()[-1]) for run in runs))
    assert peaks[1] - peaks[0] < 30


def test_classes_become_labels_and_others_are_left_out_with_a_reason(tmp_path: Path) -> None:
    columns = make_spectra(40)
    columns["spectral_class"] = np.array(["QSO", "GALAXY", "STAR", "GALAXY"] * 10, dtype=object)
    settings = Settings(classes=("QSO", "GALAXY"), validation_fraction=0.2, test_fraction=0.2)
    preprocess(write_spectra(tmp_path / "in", columns), tmp_path / "out", settings)
    table = tmp_path / "out" / "dataset.parquet"
    rows = read_table(table, ["label", "spectral_class"])
    assert len(rows["label"]) == 30
    np.testing.assert_array_equal(rows["label"], rows["spectral_class"])
    assert read_settings(table)["classes"] == ["QSO", "GALAXY"]
    rejected = read_table(tmp_path / "out" / "rejected.parquet")
    assert set(rejected["reason"]) == {"unknown class"}
    assert len(rejected["id"]) == 10
    for classes in (("QSO",), ("QSO", "QSO")):
        with pytest.raises(ParameterError, match="cannot be told apart"):
            Settings(classes=classes)


def test_without_classes_a_table_has_no_labels(tmp_path: Path) -> None:
    preprocess(write_spectra(tmp_path / "in", make_spectra(40)), tmp_path / "out", SETTINGS)
    with open_table(tmp_path / "out" / "dataset.parquet") as file:
        assert "label" not in file.schema_arrow.names
    assert "classes" not in read_settings(tmp_path / "out" / "dataset.parquet")
