"""Cubes of density as slabs: the numbers, the split, and what is refused."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from components.common.errors import InputError, ParameterError
from components.common.provenance import Provenance
from components.common.tables import Columns, TableWriter, read_provenance, read_settings, read_table
from components.ingest.camels_snapshots.ingestion import Settings as Ingest
from components.ingest.camels_snapshots.ingestion import ingest
from components.ingest.camels_snapshots.schema import fields
from components.ingest.camels_snapshots.simulated import draw_cosmologies, field_seed
from components.physics.cosmology import Cosmology
from components.physics.initial_fields import frequencies, initial_field
from components.preprocess.density_slices.preprocessing import Settings, preprocess
from components.preprocess.density_slices.slicing import overdensity_slabs

SIMULATIONS = 24
Cube = npt.NDArray[np.float32]


@pytest.fixture(scope="module")
def ingested(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Small universes on a lattice of 32, with a grid as fine."""
    output = tmp_path_factory.mktemp("universes") / "ingest"
    ingest(output, Ingest(rows=SIMULATIONS, grid=32, particles=32, steps=2))
    return output


def write_cubes(folder: Path, cubes: Cube, about: dict[str, Any] | None = None, **columns: Any) -> Path:
    """Write a table as the ingest stage does, of cubes that serve as both ends."""
    rows = len(cubes)
    values = {
        "id": [f"u{i}" for i in range(rows)], "simulation_id": [f"u{i}" for i in range(rows)], "set": ["x"] * rows,
        "suite": ["x"] * rows, "seed": list(range(rows)), "omega_m": [0.3] * rows, "sigma_8": [0.8] * rows,
        "redshift_initial": [127.0] * rows, "redshift_final": [0.0] * rows, "lattice": [64] * rows,
        "initial": cubes, "final": cubes,
    }  # fmt: skip
    about = {"grid": cubes.shape[-1], "box_size_mpc_h": 25.0} if about is None else about
    with TableWriter(
        folder / "dataset.parquet", fields(cubes.shape[-1]), Provenance("simulated", "x"), about, 1
    ) as writer:
        writer.write({**values, **columns})
    return folder


def some_cubes(rows: int, side: int = 8) -> Cube:
    cubes = np.random.default_rng(0).gamma(2, size=(rows, side, side, side))
    return (cubes / cubes.mean(axis=(1, 2, 3), keepdims=True)).astype(np.float32)


def run(source: Path, output: Path, **settings: Any) -> tuple[Columns, Columns]:
    preprocess(source, output, Settings(**settings))
    return read_table(output / "dataset.parquet"), read_table(output / "rejected.parquet")


def test_slabs_are_means_over_their_depth() -> None:
    cube = some_cubes(1)[0]
    for index, axis in enumerate("xyz"):
        slabs = overdensity_slabs(cube, axis, 4)
        second = cube.take([2, 3], axis=index).mean(axis=index) - 1
        np.testing.assert_allclose(slabs[1], second, atol=1e-6)
    np.testing.assert_allclose(overdensity_slabs(cube, "x", 8), cube - 1, atol=1e-6)


@pytest.mark.parametrize("axis", ["x", "y", "z"])
def test_the_initial_slabs_are_the_linear_field(axis: str, tmp_path: Path) -> None:
    """The goal: r(k) of at least 0.98, here to four fifths of what the lattice holds; and its amplitude."""
    side = 64
    ingest(tmp_path / "in", Ingest(rows=1, grid=side, particles=side, steps=1, seed=5))
    row = read_table(tmp_path / "in" / "dataset.parquet")
    cosmology = draw_cosmologies(1, 5)[0]
    growth = float(cosmology.growth(1 / 128).first[0])
    found = overdensity_slabs(row["initial"][0], axis, 8) / growth
    linear = initial_field(cosmology, field_seed(5, 0), side)
    k = frequencies(side, 2 * np.pi)
    modes = np.fft.rfftn(linear) * np.exp(-1j * np.pi / side * (k[0] + k[1] + k[2]))  # lattice to nodes
    true = overdensity_slabs(1 + np.fft.irfftn(modes).astype(np.float32), axis, 8)
    one, two = np.fft.rfft2(found), np.fft.rfft2(true)
    shell = np.rint(
        np.hypot(*np.meshgrid(np.fft.fftfreq(side, 1 / side), np.arange(side // 2 + 1), indexing="ij"))
    )
    shell = np.broadcast_to(shell.astype(int), one.shape).ravel()
    cross, mine, theirs = (
        np.bincount(shell, v.ravel())[1:26] for v in ((one * two.conj()).real, abs(one) ** 2, abs(two) ** 2)
    )
    correlation = cross / np.sqrt(mine * theirs)
    assert np.all(correlation > 0.98), correlation.min()
    transfer = np.sqrt(mine / theirs)
    np.testing.assert_allclose(transfer[:4], 1, atol=0.03)


def test_rows_are_simulations_and_axes(ingested: Path, tmp_path: Path) -> None:
    table, rejected = run(ingested, tmp_path / "out", channels=4)
    source = read_table(ingested / "dataset.parquet")
    assert len(rejected["id"]) == 0
    assert len(table["id"]) == 3 * SIMULATIONS == len(set(table["id"]))
    assert list(table["axis"][:3]) == ["x", "y", "z"]
    assert table["final"].shape == table["initial"].shape == (3 * SIMULATIONS, 4, 32, 32)
    growth = Cosmology(omega_m=float(source["omega_m"][1])).growth(1 / 128).first[0]
    np.testing.assert_allclose(table["growth"][3:6], growth)
    expected = overdensity_slabs(source["initial"][1], "y", 4) / growth
    np.testing.assert_allclose(table["initial"][4], expected, rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(table["final"][5], overdensity_slabs(source["final"][1], "z", 4))
    assert read_provenance(tmp_path / "out" / "dataset.parquet").received == SIMULATIONS


def test_all_axes_of_a_simulation_are_in_one_split(ingested: Path, tmp_path: Path) -> None:
    table, _ = run(ingested, tmp_path / "out")
    splits = table["split"].reshape(-1, 3)
    assert np.all(splits == splits[:, :1])
    assert set(splits[:, 0]) == {"train", "validation", "test"}


def test_simulations_that_begin_alike_are_in_one_split(tmp_path: Path) -> None:
    """As in 1P, where all have one seed, or where a field is run with two suites."""
    rows = 40
    source = write_cubes(tmp_path, some_cubes(rows), simulation_id=[f"seed-{i // 2}" for i in range(rows)])
    table, _ = run(source, tmp_path / "out", axes="x")
    pairs = table["split"].reshape(-1, 2)
    assert np.all(pairs[:, 0] == pairs[:, 1])


@pytest.mark.parametrize(
    ("value", "reason"), [(np.nan, "not finite"), (-0.5, "negative"), (9.0, "wrong mean"), (np.inf, "not finite")]
)
def test_what_is_no_density_is_left_out(value: float, reason: str, tmp_path: Path) -> None:
    cubes = some_cubes(30)
    cubes[7, 1, 2, 3] = value
    table, rejected = run(write_cubes(tmp_path, cubes), tmp_path / "out")
    assert list(rejected["id"]) == ["u7"]
    assert list(rejected["reason"]) == [reason]
    assert len(table["id"]) == 3 * 29


def test_targets_are_of_one_redshift(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An old `snap_000` of CAMELS is at z = 6, a new `snapshot_000` at z = 14.99: the larger part stays."""
    redshifts = [14.99, 6.0, 15.1] * 10
    source = write_cubes(tmp_path, some_cubes(30), redshift_initial=redshifts)
    table, rejected = run(source, tmp_path / "out")
    assert set(table["redshift_initial"]) == {14.99, 15.1}
    assert list(rejected["id"]) == [f"u{number}" for number in range(1, 30, 3)]
    assert set(rejected["reason"]) == {"another target"}
    assert "at redshift 6, that of the others at 14.99" in rejected["detail"][0]
    assert read_settings(tmp_path / "out" / "dataset.parquet")["target_redshift"] == 14.99
    said = capsys.readouterr().err
    assert "Targets are at redshift 14.99" in said
    assert "10 of 30 are left out" in said
    run(write_cubes(tmp_path, some_cubes(30), redshift_initial=[6.0, 15.0] * 15), tmp_path / "halves")
    assert read_settings(tmp_path / "halves" / "dataset.parquet")["target_redshift"] == 15.0


def test_nothing_left_says_why(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="30 negative"):
        run(write_cubes(tmp_path, -some_cubes(30)), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_grid_that_does_not_divide_the_lattice(tmp_path: Path) -> None:
    source = write_cubes(tmp_path, some_cubes(30), lattice=[60] * 30)
    with pytest.raises(InputError, match=r"grid of 8 cells .* lattice of 60 .*moire"):
        run(source, tmp_path / "out")
    run(write_cubes(tmp_path, some_cubes(30), lattice=[0] * 30), tmp_path / "out")  # on no lattice


def test_a_table_of_something_else(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no grid in its settings"):
        run(write_cubes(tmp_path, some_cubes(30), about={}), tmp_path / "out")
    with pytest.raises(InputError, match="no table"):
        run(tmp_path / "nowhere", tmp_path / "out")


@pytest.mark.parametrize(
    "wrong",
    [{"axes": "w"}, {"axes": ""}, {"axes": "xx"}, {"channels": 0}, {"channels": 3}, {"test_fraction": 0.0}],
)
def test_refuses_impossible_settings(wrong: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(ParameterError):
        run(write_cubes(tmp_path, some_cubes(30)), tmp_path / "out", **wrong)
