"""Beginnings of snapshots that come as files: what is written, what is warned of, and what is refused."""

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from small_universes import write_simulations, write_snapshot

from components.common.errors import InputError
from components.common.tables import read_provenance, read_table
from components.physics.cosmology import Cosmology
from components.physics.density_grid import paint
from components.physics.mode_spectra import compare
from components.physics.particle_mesh import simulate
from components.predict.snapshots.prediction import SAMPLES, Settings, find_snapshots, predict
from components.predict.snapshots.warnings import BITS
from components.train.variational_autoencoder.inference import load_model, save_model


@pytest.fixture(scope="module")
def simulations(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of two simulations in CAMELS' layout."""
    folder = tmp_path_factory.mktemp("simulations")
    write_simulations(folder, [81, 82])
    return folder


def test_a_snapshot_is_run_backwards(simulations: Path, reconstruction_model: Path, tmp_path: Path) -> None:
    last = simulations / "CV" / "CV_0" / "snapshot_090.hdf5"
    predict(last, reconstruction_model, tmp_path / "out", Settings(csv=True, plots=True))
    table = read_table(tmp_path / "out" / "predictions.parquet")
    assert table["id"].tolist() == ["snapshot_090"]
    assert table["warning"].tolist() == [0]
    assert table["samples"].shape == (1, SAMPLES, 16, 32, 32)
    cosmology = Cosmology()
    early, _ = simulate(cosmology, 81, 32, 25.0, steps=8)
    start = (paint(early.positions, 32, 25.0) - 1) / np.float32(cosmology.growth(1 / 128).first[0])
    truth = start.reshape(16, 2, 32, 32).mean(axis=1)[None]  # along x, the model's first axis
    alike = compare(truth, table["mean"], (0.2, 0.5, 1.0), (25.0,) * 3).correlation()[0]
    assert alike[0] > 0.85
    assert abs(alike[0] - table["expected_r_low_k"][0]) < 0.15, "the samples say how good the mean is"
    assert table["expected_r_highest_k"][0] < 0.3
    assert read_provenance(tmp_path / "out" / "predictions.parquet").archive == "files"
    numbers = pd.read_csv(tmp_path / "out" / "predictions.csv")
    assert list(numbers["redshift"]) == pytest.approx([0.0], abs=1e-6)
    assert "mean" not in numbers
    (picture,) = (tmp_path / "out" / "plots").iterdir()
    assert picture.read_text().count("<image") == 4


def test_an_early_snapshot_is_warned_of(simulations: Path, reconstruction_model: Path, tmp_path: Path) -> None:
    first = simulations / "CV" / "CV_0" / "ICs" / "ics.hdf5"
    predict(first, reconstruction_model, tmp_path / "out", Settings())
    table = read_table(tmp_path / "out" / "predictions.parquet")
    assert table["warning"][0] == BITS["NOT_TODAY"] + BITS["UNLIKE_TRAINING"]
    assert table["warnings"][0] == "NOT_TODAY UNLIKE_TRAINING"


def test_bad_files_are_left_out_and_said(simulations: Path, reconstruction_model: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.hdf5"
    good = simulations / "CV" / "CV_1" / "snapshot_090.hdf5"
    cut.write_bytes(good.read_bytes()[:4000])
    positions = np.random.default_rng(1).uniform(0, 25, (32**3, 3)).astype(np.float32)
    positions[5] = np.nan
    write_snapshot(tmp_path / "nan.hdf5", positions, 0.0, 25.0)
    write_snapshot(tmp_path / "wide.hdf5", np.nan_to_num(positions), 0.0, 50.0)
    files = [cut, good, tmp_path / "nan.hdf5", tmp_path / "wide.hdf5", tmp_path / "absent.hdf5"]
    predict(files, reconstruction_model, tmp_path / "out", Settings())
    assert read_table(tmp_path / "out" / "predictions.parquet", ["file"])["file"].tolist() == [str(good)]
    rejected = read_table(tmp_path / "out" / "rejected.parquet")
    assert set(rejected["id"]) == {"cut", "nan", "wide", "absent"}
    details = dict(zip(rejected["id"], rejected["detail"], strict=True))
    assert "is not a whole HDF5 file" in details["cut"]
    assert "not finite numbers" in details["nan"]
    assert "its box is 50 Mpc/h wide, not 25" in details["wide"]


def test_nothing_usable_is_an_error(reconstruction_model: Path, tmp_path: Path) -> None:
    (tmp_path / "x.hdf5").write_bytes(b"\x89HDF\r\n\x1a\n")
    with pytest.raises(InputError, match=r"None of the 1 snapshots can be used\. .*x\.hdf5 is not a whole"):
        predict(tmp_path, reconstruction_model, tmp_path / "out", Settings())
    with pytest.raises(InputError, match="There is no snapshot"):
        predict(tmp_path / "out", reconstruction_model, tmp_path / "other", Settings())


def test_parts_of_one_snapshot_belong_together(tmp_path: Path) -> None:
    names = [
        "snapshot_090.10.hdf5",
        "snapshot_090.2.hdf5",
        "snapshot_090.0.hdf5",
        "other.hdf5",
        "own.h5",
        "._own.h5",
    ]
    (tmp_path / "folder.hdf5").mkdir()
    for name in names:
        (tmp_path / name).touch()
    found = [[path.name for path in parts] for parts in find_snapshots(tmp_path)]
    assert sorted(found) == [
        ["other.hdf5"],
        ["own.h5"],
        ["snapshot_090.0.hdf5", "snapshot_090.2.hdf5", "snapshot_090.10.hdf5"],
    ]


def test_a_real_snapshot_of_gadget_4(reconstruction_model: Path, real_data: Path, tmp_path: Path) -> None:
    """Its box is twice as wide as those of the training: the plumbing is tested, not the answer."""
    model = load_model(reconstruction_model)
    geometry = dataclasses.replace(model.preparation.geometry, box_size=50.0)
    wide = dataclasses.replace(
        model,
        preparation=dataclasses.replace(model.preparation, geometry=geometry),
        preprocess_settings={**model.preprocess_settings, "box_size_mpc_h": 50.0},
    )
    save_model(tmp_path / "model", wide, {"network": []})
    predict(real_data / "nbody", tmp_path / "model", tmp_path / "out", Settings())
    table = read_table(tmp_path / "out" / "predictions.parquet")
    assert table["id"].tolist() == ["snapshot_000", "snapshot_004"]
    assert [int(bits) & BITS["NOT_TODAY"] for bits in table["warning"]] == [1, 0]
    np.testing.assert_allclose(table["redshift"], [5.04, 0.0], atol=0.01)
    assert np.isfinite(table["mean"]).all()
    assert table["final"][1].std() > table["final"][0].std(), "structure grows"
