"""Snapshots as the codes write them: Gadget-III, Arepo and GADGET-4 in HDF5, and 2LPT's binary format 1."""

import struct
from pathlib import Path
from typing import Any, Literal

import h5py
import hdf5plugin
import numpy as np
import numpy.typing as npt

from components.ingest.camels_snapshots.simulated import field_seed
from components.physics.cosmology import Cosmology
from components.physics.particle_mesh import simulate

BOX, SIDE = 25.0, 32
Style = Literal["gadget3", "arepo", "gadget4", "binary"]
Positions = npt.NDArray[np.float32]


def write_snapshot(
    path: Path,
    positions: Positions,
    redshift: float,
    style: Style = "gadget3",
    files: int = 1,
    **changes: Any,
) -> list[Path]:
    """Write dark matter, in Mpc/h, to one or several files; `changes` replaces attributes of the header."""
    path.parent.mkdir(parents=True, exist_ok=True)
    parts = np.array_split(positions * np.float32(1e3), files)
    if files == 1:
        paths = [path]
    else:
        stem, suffix = (path.name[:-5], ".hdf5") if path.suffix == ".hdf5" else (path.name, "")
        paths = [path.with_name(f"{stem}.{number}{suffix}") for number in range(files)]
    for target, part in zip(paths, parts, strict=True):
        if style == "binary":
            _write_binary(target, part, len(positions), redshift, files)
        else:
            _write_hdf5(target, part, len(positions), redshift, style, files, changes)
    return paths


def _write_hdf5(
    path: Path, part: Positions, total: int, redshift: float, style: Style, files: int, changes: dict[str, Any]
) -> None:
    types = 2 if style == "gadget4" else 6
    counts, totals, masses = np.zeros(types, np.int32), np.zeros(types, np.uint32), np.zeros(types)
    counts[1], totals[1], masses[1] = len(part), total, 0.0065
    header = {
        "BoxSize": BOX * 1e3,
        "Redshift": redshift,
        "Time": 1 / (1 + redshift),
        "NumPart_ThisFile": counts,
        "NumPart_Total": totals,
        "NumFilesPerSnapshot": files,
        "MassTable": masses,
    }
    cosmology = {"Omega0": 0.3, "OmegaLambda": 0.7, "HubbleParam": 0.6711}
    if style != "gadget4":
        header |= {**cosmology, "NumPart_Total_HighWord": np.zeros(types, np.uint32)}
    if style == "arepo":
        header |= {"UnitLength_in_cm": 3.085678e21, "OmegaBaryon": 0.0}
    header |= changes
    with h5py.File(path, "w") as file:
        file.create_group("Header").attrs.update({k: v for k, v in header.items() if v is not None})
        if style == "gadget4":
            file.create_group("Parameters").attrs.update({**cosmology, "UnitLength_in_cm": 3.085678e21})
        compression = {} if style == "gadget4" else dict(hdf5plugin.Blosc())
        file.create_dataset("PartType1/Coordinates", data=part, chunks=(4096, 3), **compression)
        file["PartType1/ParticleIDs"] = np.arange(len(part), dtype=np.uint32)


def _write_binary(path: Path, part: Positions, total: int, redshift: float, files: int) -> None:
    head = struct.pack(
        "<6I6ddd2i6I2i4d2i6I",
        *(0, len(part), 0, 0, 0, 0), *(0.0, 0.0065, 0.0, 0.0, 0.0, 0.0), 1 / (1 + redshift), redshift, 0, 0,
        *(0, total, 0, 0, 0, 0), 0, files, BOX * 1e3, 0.3, 0.7, 0.6711, 0, 0, *(0,) * 6,
    ).ljust(256, b"\0")  # fmt: skip
    block = part.astype("<f4").tobytes()
    with path.open("wb") as file:
        for record in (head, block, block):  # positions, and velocities of the same size
            length = len(record).to_bytes(4, "little")
            file.write(length + record + length)


def universe(seed: int, side: int = SIDE) -> tuple[Positions, Positions]:
    """Simulate positions at the beginning, a third of a spacing off our simulator's lattice, and at the end."""
    early, late = simulate(Cosmology(), field_seed(seed, 0), side, BOX, steps=3)
    shift = np.float32(BOX / side / 3)
    return np.mod(early.positions + shift, np.float32(BOX)), np.mod(late.positions + shift, np.float32(BOX))


def write_simulation(
    folder: Path, seed: int, style: Style = "gadget3", last: str = "snapshot_090.hdf5", start: str = "ICs/ics.hdf5"
) -> tuple[Positions, Positions]:
    """Write one simulation as the archive has it; returns what is in its files."""
    early, late = universe(seed)
    write_snapshot(folder / start, early, 127.0, "binary" if not start.endswith(".hdf5") else style, files=1)
    write_snapshot(folder / last, late, 0.0, "gadget3" if style == "binary" else style)
    return early, late


def write_table(path: Path, rows: list[str], head: str = "") -> Path:
    """Write a CosmoAstroSeed table of the rows `name Omega_m sigma_8 A_SN1 A_AGN1 A_SN2 A_AGN2 seed`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    head = head or "#Name Omega_m sigma_8 A_SN1 A_AGN1 A_SN2 A_AGN2 seed"
    path.write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
    return path


def camels_rows(simulation_set: str, count: int) -> list[str]:
    """Rows of a set of which every simulation has the cosmology of `write_snapshot`."""
    return [f"{simulation_set}_{i} 0.3 0.8 1 1 1 1 {i + 1}" for i in range(count)]
