"""Snapshots of every code, real and written here, whole and broken."""

import tracemalloc
from pathlib import Path

import h5py
import numpy as np
import pytest
from snapshot_writer import BOX, SIDE, Style, universe, write_snapshot

from components.common.errors import InputError, ParameterError
from components.ingest.camels_snapshots import gadget_file, snapshot_file
from components.ingest.camels_snapshots.density import lattice_offset, read_density
from components.ingest.camels_snapshots.settings import Settings
from components.ingest.camels_snapshots.snapshot_file import open_snapshot
from components.physics.density_grid import paint

SETTINGS = Settings(source="files", location="x", grid=32)
EARLY, LATE = universe(1)


@pytest.mark.parametrize("style", ["gadget3", "arepo", "gadget4", "binary"])
@pytest.mark.parametrize("files", [1, 3])
def test_reads_what_the_codes_write(
    style: Style, files: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (snapshot_file, gadget_file):
        monkeypatch.setattr(module, "_PARTICLES_PER_PART", 5000)
    name = "ics" if style == "binary" else "snapshot_090.hdf5"
    paths = write_snapshot(tmp_path / name, LATE, 0.0, style, files)
    found = read_density(paths, SETTINGS, (0.0, 0.0, 0.0))
    np.testing.assert_allclose(found.grid, paint(LATE, 32, BOX), atol=1e-3)
    assert abs(found.grid.mean(dtype=float) - 1) < 1e-6
    header = found.header
    assert (header.lattice, header.files, header.omega_m) == (SIDE, files, 0.3)
    assert abs(header.box_size - BOX) < 1e-9
    assert header.redshift == 0


def test_the_lattice_is_brought_between_the_nodes(tmp_path: Path) -> None:
    """It was a third of a spacing off the middle; what it was, the density of the unshifted positions shows."""
    (path,) = write_snapshot(tmp_path / "ics.hdf5", EARLY, 127.0)
    with open_snapshot(path) as file:
        offset = lattice_offset(file, BOX)
    np.testing.assert_allclose(offset, -BOX / SIDE / 3, atol=0.03 * BOX / SIDE)
    density = read_density([path], SETTINGS)
    np.testing.assert_allclose(density.offset, offset)
    shifted = EARLY + np.array(offset, dtype=np.float32)
    np.testing.assert_allclose(density.grid, paint(shifted, 32, BOX), atol=1e-3)


def test_a_late_time_has_no_lattice(tmp_path: Path) -> None:
    (path,) = write_snapshot(tmp_path / "snapshot_090.hdf5", LATE, 0.0)
    with open_snapshot(path) as file:
        assert lattice_offset(file, BOX) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize("matter", ["all", "dark"])
def test_reads_the_real_gadget_4(matter: str, real_data: Path) -> None:
    """Gas and dark matter; the mean of both by mass is all matter."""
    settings = Settings(source="files", location="x", grid=32, box_size_mpc_h=50.0, matter=matter)
    path = real_data / "nbody" / "snapshot_004.hdf5"
    found = read_density([path], settings)
    with h5py.File(path) as file:
        gas, dark = (file[f"PartType{kind}/Coordinates"][:] / 1e3 for kind in (0, 1))
        masses = file["Header"].attrs["MassTable"]
    shares = masses / masses.sum() if matter == "all" else np.array([0.0, 1.0])
    expected = shares[0] * paint(gas, 32, 50.0) + shares[1] * paint(dark, 32, 50.0)
    np.testing.assert_allclose(found.grid, expected, atol=2e-3)
    assert found.header.omega_m == 0.3  # which its header does not have
    assert found.header.lattice == 32


def test_particles_with_masses_of_their_own(tmp_path: Path) -> None:
    (path,) = write_snapshot(tmp_path / "snapshot_090.hdf5", LATE, 0.0, MassTable=np.zeros(6))
    masses = np.random.default_rng(0).uniform(1, 2, len(LATE)).astype(np.float32)
    with h5py.File(path, "a") as file:
        file["PartType1/Masses"] = masses
    found = read_density([path], SETTINGS, (0.0, 0.0, 0.0))
    heavy = masses > 1.5
    contrast = found.grid - paint(LATE, 32, BOX)
    towards = paint(LATE[heavy], 32, BOX) - paint(LATE[~heavy], 32, BOX)
    assert np.corrcoef(contrast.ravel(), towards.ravel())[0, 1] > 0.5


@pytest.mark.parametrize("dtype", ["<f8", ">f4"])
def test_other_numbers(dtype: str, tmp_path: Path) -> None:
    """Arepo writes double precision; other machines have another byte order, and some writers arrays of one."""
    (path,) = write_snapshot(tmp_path / "snapshot_090.hdf5", LATE, 0.0, BoxSize=[BOX * 1e3] * 3, Redshift=[0.0])
    with h5py.File(path, "a") as file:
        positions = file["PartType1/Coordinates"][:]
        del file["PartType1/Coordinates"]
        file["PartType1/Coordinates"] = positions.astype(dtype)
    found = read_density([path], SETTINGS, (0.0, 0.0, 0.0))
    np.testing.assert_allclose(found.grid, paint(LATE, 32, BOX), atol=1e-3)


def test_a_cut_off_file(tmp_path: Path) -> None:
    (path,) = write_snapshot(tmp_path / "snapshot_090.hdf5", LATE, 0.0)
    whole = path.read_bytes()
    for length in (len(whole) * 3 // 4, 600, 3):
        path.write_bytes(whole[:length])
        with pytest.raises(InputError, match=r"not a whole HDF5|neither HDF5"):
            read_density([path], SETTINGS)


def test_damage_in_the_middle(tmp_path: Path) -> None:
    """Blosc notices; the file opens all the same."""
    (path,) = write_snapshot(tmp_path / "snapshot_090.hdf5", LATE, 0.0)
    content = bytearray(path.read_bytes())
    with h5py.File(path) as file:
        chunk = file["PartType1/Coordinates"].id.get_chunk_info(2)
    content[chunk.byte_offset : chunk.byte_offset + chunk.size] = bytes(chunk.size)
    path.write_bytes(content)
    with pytest.raises(InputError, match="not a whole HDF5 file"):
        read_density([path], SETTINGS)


def test_a_cut_off_binary(tmp_path: Path) -> None:
    (path,) = write_snapshot(tmp_path / "ics.0", EARLY, 127.0, "binary")
    path.write_bytes(path.read_bytes()[:10_000])
    with pytest.raises(InputError, match="cut off after 10000 bytes"):
        read_density([path], SETTINGS)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Header", "no group Header"),
        ("PartType1", "no PartType1/Coordinates"),
        ("PartType1/Coordinates", "counts 32768 such particles"),
    ],
)
def test_a_missing_group(name: str, said: str, tmp_path: Path) -> None:
    (path,) = write_snapshot(tmp_path / "snapshot_090.hdf5", LATE, 0.0)
    with h5py.File(path, "a") as file:
        del file[name]
    with pytest.raises(InputError, match=said):
        read_density([path], SETTINGS)


@pytest.mark.parametrize("attribute", ["BoxSize", "NumPart_ThisFile"])
def test_a_missing_attribute(attribute: str, tmp_path: Path) -> None:
    (path,) = write_snapshot(tmp_path / "snapshot_090.hdf5", LATE, 0.0, **{attribute: None})
    with pytest.raises(InputError, match=f"has no {attribute}"):
        read_density([path], SETTINGS)


def test_the_wrong_box(tmp_path: Path) -> None:
    (path,) = write_snapshot(tmp_path / "snapshot_090.hdf5", LATE, 0.0, BoxSize=50e3)
    with pytest.raises(InputError, match=r"its box is 50 Mpc/h wide, not 25.*kpc/h"):
        read_density([path], SETTINGS)


def test_a_box_in_other_units(tmp_path: Path) -> None:
    """In Mpc/h throughout: refused where the file does not say so, read where it does."""
    (path,) = write_snapshot(tmp_path / "snapshot_090.hdf5", LATE / 1e3, 0.0, BoxSize=BOX)
    with pytest.raises(InputError, match=r"its box is 0.025 Mpc/h wide"):
        read_density([path], SETTINGS)
    (path,) = write_snapshot(
        tmp_path / "told.hdf5", LATE / 1e3, 0.0, "arepo", BoxSize=BOX, UnitLength_in_cm=3.085678e24
    )
    found = read_density([path], SETTINGS, (0.0, 0.0, 0.0))
    np.testing.assert_allclose(found.grid, paint(LATE, 32, BOX), atol=1e-3)


def test_positions_in_other_units_than_the_box(tmp_path: Path) -> None:
    (path,) = write_snapshot(tmp_path / "snapshot_090.hdf5", LATE / 1e3, 0.0)
    with pytest.raises(InputError, match="other units than the box"):
        read_density([path], SETTINGS)


def test_positions_that_are_not_numbers(tmp_path: Path) -> None:
    broken = LATE.copy()
    broken[[5, 77], 1] = np.nan
    (path,) = write_snapshot(tmp_path / "snapshot_090.hdf5", broken, 0.0)
    with pytest.raises(InputError, match=r"snapshot_090.hdf5: 2 of 32768 positions are not finite"):
        read_density([path], SETTINGS)


def test_a_missing_part(tmp_path: Path) -> None:
    paths = write_snapshot(tmp_path / "snapshot_090.hdf5", LATE, 0.0, files=4)
    with pytest.raises(InputError, match="hold 24576 particles, but it has 32768"):
        read_density(paths[:3], SETTINGS)


def test_a_grid_that_does_not_divide_the_lattice(tmp_path: Path) -> None:
    (path,) = write_snapshot(tmp_path / "ics.hdf5", EARLY, 127.0)
    with pytest.raises(ParameterError, match=r"does not divide the lattice of 32.*moire"):
        read_density([path], Settings(source="files", location="x", grid=64))


def test_memory_does_not_grow_with_the_particles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot_file, "_PARTICLES_PER_PART", 1 << 13)
    peaks = []
    for repeats in (1, 8):  # 8 x 32^3 particles are 64^3
        (path,) = write_snapshot(tmp_path / f"{repeats}.hdf5", np.tile(LATE, (repeats, 1)), 0.0)
        read_density([path], SETTINGS)
        tracemalloc.start()
        read_density([path], SETTINGS)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 0.3e6, "the 3 MB of positions more must not be there at once"
