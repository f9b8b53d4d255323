"""The competition's layout, from a folder and from a store, with what can be wrong in it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from components.common.errors import InputError
from components.common.store import Store
from components.common.tables import read_provenance, read_table
from components.ingest.gw_strain.g2net_source import check_folder
from components.ingest.gw_strain.ingestion import Settings, ingest

WINDOWS = {"00a1b2c3d4": 0, "0f0f0f0f0f": 1, "abcdef0123": 1, "ab00000000": 0}


def _strain(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(scale=1e-20, size=(3, 4096))


def _lay_out(root: Path, extra: str = "", **files: np.ndarray) -> Path:
    for seed, name in enumerate(WINDOWS):
        _save(root, name, files.get(f"w{name}", _strain(seed)))
    lines = "".join(f"{name},{target}\n" for name, target in WINDOWS.items())
    (root / "training_labels.csv").write_text("id,target\n" + lines + extra)
    return root


def _save(root: Path, name: str, values: np.ndarray) -> Path:
    path = root / "train" / name[0] / name[1] / name[2] / f"{name}.npy"
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, values)
    return path


def _ingest(location: Any, output: Path, **settings: Any) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    provenance = ingest(output, Settings("g2net", location=str(location), **settings))
    table, rejected = read_table(output / "dataset.parquet"), read_table(output / "rejected.parquet")
    assert provenance.requested == len(table["id"]) + len(rejected["id"])
    assert read_provenance(output / "dataset.parquet").archive.startswith("G2Net")
    return table, dict(zip(rejected["id"], rejected["reason"], strict=True))


def test_reads_a_folder(tmp_path: Path) -> None:
    table, rejected = _ingest(_lay_out(tmp_path / "g2net"), tmp_path / "out")
    assert rejected == {}
    assert dict(zip(table["id"], table["label"], strict=True)) == {
        name: ("noise", "signal")[target] for name, target in WINDOWS.items()
    }
    for seed, name in enumerate(WINDOWS):
        np.testing.assert_array_equal(table["strain"][list(table["id"]).index(name)], _strain(seed))
    assert list(table["segment_id"]) == list(table["id"])
    assert np.isnan(table["snr_network"]).all()


def test_reads_a_small_sample_in_one_folder_beside_the_labels_of_all(tmp_path: Path) -> None:
    for seed, name in enumerate(WINDOWS):
        np.save(tmp_path / f"{name}.npy", _strain(seed))
    lines = [f"{name},{target}" for name, target in WINDOWS.items()]
    (tmp_path / "training_labels.csv").write_text("\n".join(["id,target", "0000000000,1", *lines]))
    check_folder(str(tmp_path))
    table, rejected = _ingest(tmp_path, tmp_path / "out")
    assert rejected == {"0000000000": "no file"}
    assert list(table["id"]) == list(WINDOWS)


def test_rejects_what_cannot_be_used_and_says_why(tmp_path: Path) -> None:
    gap = _strain(9)
    gap[1, 100] = np.nan
    root = _lay_out(tmp_path / "g2net", "1111111111,2\n2222222222,1\n3333333333,0\n00a1b2c3d4,1\n../../etc,1\n")
    for name, values in {
        "3333333333": _strain(1)[:2],
        "4444444444": np.repeat(_strain(2), 2, axis=1),
        "5555555555": _strain(3).ravel(),
        "6666666666": gap,
        "7777777777": np.zeros((3, 4096)),
    }.items():
        _save(root, name, values)
    whole = _save(root, "8888888888", _strain(4))
    whole.write_bytes(whole.read_bytes()[:5000])
    with (root / "training_labels.csv").open("a") as file:
        file.writelines(f"{digit * 10},0\n" for digit in "45678")
    table, rejected = _ingest(root, tmp_path / "out")
    assert sorted(table["id"]) == sorted(WINDOWS)
    assert rejected == {
        "1111111111": "unknown label",
        "2222222222": "no file",
        "3333333333": "missing detector",
        "4444444444": "wrong sampling rate",
        "5555555555": "wrong shape",
        "6666666666": "gap",
        "7777777777": "missing detector",
        "8888888888": "unreadable",
        "00a1b2c3d4": "duplicate",
        "../../etc": "odd name",
    }


def test_draws_rows_by_seed_and_counts_them_alone(tmp_path: Path) -> None:
    root = _lay_out(tmp_path / "g2net", "1111111111,2\n")
    first, rejected = _ingest(root, tmp_path / "1", rows=2, seed=1)
    again, _ = _ingest(root, tmp_path / "2", rows=2, seed=1)
    assert (len(first["id"]), rejected) == (2, {"1111111111": "unknown label"})
    assert list(first["id"]) == list(again["id"])


def test_reads_a_store(store: Store, weed: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = _lay_out(tmp_path / "g2net", "2222222222,1\n")
    store.put_folder(root, "kaggle/g2net")
    for name, value in weed.items():
        monkeypatch.setenv(name, value)
    table, rejected = _ingest(f"s3://{store.bucket}/kaggle/g2net", tmp_path / "out")
    local, _ = _ingest(root, tmp_path / "local")
    assert rejected == {"2222222222": "no file"}
    np.testing.assert_array_equal(table["strain"], local["strain"])


def test_names_what_is_wrong_with_the_labels(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no folder"):
        ingest(tmp_path / "out", Settings("g2net", location=str(tmp_path / "nowhere")))
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"training_labels\.csv cannot be read"):
        ingest(tmp_path / "out", Settings("g2net", location=str(tmp_path / "empty")))
    (tmp_path / "empty" / "training_labels.csv").write_text("name,class\na,1\n")
    with pytest.raises(InputError, match="but not id and target"):
        ingest(tmp_path / "out", Settings("g2net", location=str(tmp_path / "empty")))
    (tmp_path / "empty" / "training_labels.csv").write_text("id,target\n1111111111,1\n")
    with pytest.raises(InputError, match="Not one window from the source g2net can be used: 1 no file"):
        ingest(tmp_path / "out", Settings("g2net", location=str(tmp_path / "empty")))
    assert not (tmp_path / "out").exists()
