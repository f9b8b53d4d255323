"""Snapshots that are wrong in a way that opens: each is refused by name, none ends in a density of nonsense."""

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from snapshot_writer import BOX, universe, write_snapshot

from components.common.errors import InputError
from components.ingest.camels_snapshots.density import read_density
from components.ingest.camels_snapshots.settings import Settings
from components.physics.density_grid import paint

SETTINGS = Settings(source="files", location="x", grid=32)
_, LATE = universe(1)
ROWS = len(LATE)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"BoxSize": np.nan}, "impossible BoxSize"),
        ({"BoxSize": -25e3}, "impossible BoxSize"),
        ({"BoxSize": "wide"}, "cannot be understood"),
        ({"BoxSize": np.empty(0)}, "cannot be understood"),
        ({"Redshift": np.nan}, "impossible Redshift"),
        ({"Redshift": None, "Time": 0.0}, "impossible Redshift"),
        ({"NumPart_ThisFile": [0, -5, 0, 0, 0, 0]}, "impossible NumPart_ThisFile"),
        ({"NumPart_ThisFile": "many"}, "cannot be understood"),
        ({"NumPart_ThisFile": np.zeros(6), "NumPart_Total": np.zeros(6)}, "holds no particles"),
        ({"MassTable": [0, np.nan, 0, 0, 0, 0]}, "impossible MassTable"),
        ({"MassTable": [0, -1.0, 0, 0, 0, 0]}, "impossible MassTable"),
        ({"UnitLength_in_cm": 0.0}, "impossible BoxSize, UnitLength_in_cm"),
    ],
)
def test_an_impossible_header(changes: dict[str, Any], said: str, tmp_path: Path) -> None:
    (path,) = write_snapshot(tmp_path / "snapshot_090.hdf5", LATE, 0.0, **changes)
    with pytest.raises(InputError, match=rf"snapshot_090\.hdf5 .*{said}"):
        read_density([path], SETTINGS)


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -1.0])
def test_masses_that_are_none(wrong: float, tmp_path: Path) -> None:
    (path,) = write_snapshot(tmp_path / "snapshot_090.hdf5", LATE, 0.0, MassTable=np.zeros(6))
    masses = np.ones(ROWS, np.float32)
    masses[[7, 70]] = wrong
    with h5py.File(path, "a") as file:
        file["PartType1/Masses"] = masses
    with pytest.raises(
        InputError, match=r"2 of 32768 masses of PartType1 in .*snapshot_090\.hdf5 are negative or"
    ):
        read_density([path], SETTINGS)


def test_particles_without_any_mass(tmp_path: Path) -> None:
    (path,) = write_snapshot(tmp_path / "snapshot_090.hdf5", LATE, 0.0, MassTable=np.zeros(6))
    with h5py.File(path, "a") as file:
        file["PartType1/Masses"] = np.zeros(ROWS, np.float32)
    with pytest.raises(InputError, match=r"snapshot_090\.hdf5 have no mass"):
        read_density([path], SETTINGS)


def _with_gas(path: Path, positions: np.ndarray, kind: int = 0) -> Path:
    counts = np.zeros(6, np.int64)
    counts[[1, kind]] = ROWS, len(positions)
    masses = np.full(6, 0.0065)
    changes: dict[str, Any] = {"NumPart_ThisFile": counts, "NumPart_Total": counts, "MassTable": masses}
    (path,) = write_snapshot(path, LATE, 0.0, **changes)
    with h5py.File(path, "a") as file:
        file[f"PartType{kind}/Coordinates"] = positions
    return path


def test_one_kind_of_particles_in_other_units_than_the_rest(tmp_path: Path) -> None:
    """Together they span the box: a lump of gas in its corner would pass."""
    path = _with_gas(tmp_path / "snapshot_090.hdf5", LATE)  # in Mpc/h, as the others are in kpc/h
    with pytest.raises(InputError, match=r"snapshot_090\.hdf5 lie between .* other units than the box"):
        read_density([path], SETTINGS)


def test_a_few_black_holes_may_lie_close_together(tmp_path: Path) -> None:
    path = _with_gas(tmp_path / "snapshot_090.hdf5", np.full((3, 3), 100.0, np.float32), kind=5)
    assert read_density([path], SETTINGS).header.counts[5] == 3


def test_tracers_of_arepo_have_no_place(tmp_path: Path) -> None:
    path = _with_gas(tmp_path / "snapshot_090.hdf5", LATE, kind=3)
    with h5py.File(path, "a") as file:
        del file["PartType3/Coordinates"]
        file["PartType3/ParentID"] = np.arange(ROWS)
    found = read_density([path], SETTINGS, (0.0, 0.0, 0.0))
    np.testing.assert_allclose(found.grid, paint(LATE, 32, BOX), atol=1e-3)


def _replace(path: Path, change: Callable[[h5py.File], None]) -> None:
    with h5py.File(path, "a") as file:
        del file["PartType1/Coordinates"]
        change(file)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda file: file.create_group("PartType1/Coordinates"), "is no array of numbers"),
        (lambda file: file.create_dataset("PartType1/Coordinates", data=np.full((ROWS, 3), b"x")), "is no array"),
        (lambda file: file.create_dataset("PartType1/Coordinates", data=LATE.ravel()), "has shape"),
        (lambda file: file.create_dataset("PartType1/Coordinates", data=LATE[:9]), "has shape"),
    ],
)
def test_coordinates_of_another_kind(change: Callable[[h5py.File], None], said: str, tmp_path: Path) -> None:
    (path,) = write_snapshot(tmp_path / "snapshot_090.hdf5", LATE, 0.0)
    _replace(path, change)
    with pytest.raises(InputError, match=rf"PartType1/Coordinates in .*snapshot_090\.hdf5 {said}"):
        read_density([path], SETTINGS)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "neither HDF5 nor"),
        (b"<!DOCTYPE html><html>", "is a web page"),
        (gzip.compress(b"snapshot"), "is compressed"),
    ],
)
def test_what_is_no_snapshot_is_called_what_it_is(content: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / "snap.hdf5").write_bytes(content)
    with pytest.raises(InputError, match=rf"snap\.hdf5 {said}" if said[:2] == "is" else said):
        read_density([tmp_path / "snap.hdf5"], SETTINGS)


def test_bytes_of_chance_never_become_a_density_of_nonsense(tmp_path: Path, real_data: Path) -> None:
    whole = np.frombuffer((real_data / "nbody" / "snapshot_004.hdf5").read_bytes(), np.uint8)
    path, rng = tmp_path / "damaged.hdf5", np.random.default_rng(3)
    wide = Settings(source="files", location="x", grid=32, box_size_mpc_h=50.0)
    refused = 0
    for reach in (4096, 20_000, len(whole)) * 10:
        content = whole.copy()
        content[rng.integers(8, reach, 60)] = rng.integers(0, 256, 60)
        path.write_bytes(content.tobytes())
        try:
            grid = read_density([path], wide).grid
        except InputError:
            refused += 1
        else:
            assert np.isfinite(grid).all()
            assert grid.min() >= 0
    assert refused > 10
