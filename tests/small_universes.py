"""Some simulated universes and a reconstruction of their beginnings, made once for all tests that want them."""

from pathlib import Path

import h5py
import numpy as np
import numpy.typing as npt

from components.ingest.camels_snapshots.ingestion import Settings as Ingestion
from components.ingest.camels_snapshots.ingestion import ingest
from components.physics.cosmology import Cosmology
from components.physics.particle_mesh import simulate
from components.preprocess.density_slices.preprocessing import Settings as Preprocessing
from components.preprocess.density_slices.preprocessing import preprocess
from components.train.variational_autoencoder.training import Settings, train

SMALL = Settings(cells=8, width=8, epochs=2, batch_size=4, seed=1)


def make_universes(folder: Path) -> Path:
    """Fill a folder with `raw`, as ingested, and `data`, cut into 16 slices along two axes."""
    ingest(folder / "raw", Ingestion(rows=16, grid=32, particles=32, steps=8, seed=1))
    cut = Preprocessing(channels=16, axes="xz", validation_fraction=0.2, test_fraction=0.2, seed=1)
    preprocess(folder / "raw", folder / "data", cut)
    return folder


def make_reconstruction_model(universes: Path, model: Path) -> Path:
    """Train a model of them."""
    train(universes / "data", model, SMALL)
    return model


def write_simulations(folder: Path, seeds: list[int], box_size: float = 25.0) -> list[Path]:
    """Write simulations as the set CV of CAMELS has them, with its table; returns their last snapshots."""
    last = []
    for number, seed in enumerate(seeds):
        early, late = simulate(Cosmology(), seed, 32, box_size, steps=8)
        for name, one in (("ICs/ics.hdf5", early), ("snapshot_090.hdf5", late)):
            write_snapshot(folder / "CV" / f"CV_{number}" / name, one.positions, one.redshift, box_size)
        last.append(folder / "CV" / f"CV_{number}" / "snapshot_090.hdf5")
    rows = "".join(f"CV_{number} 0.3 0.8 1 1 1 1 {1000 + number}\n" for number in range(27))
    table = folder / "CosmoAstroSeed_IllustrisTNG_L25n256_CV.txt"
    table.write_text("#Name Omega_m sigma_8 A_SN1 A_AGN1 A_SN2 A_AGN2 seed\n" + rows, encoding="utf-8")
    return last


def write_snapshot(path: Path, positions: npt.NDArray[np.float32], redshift: float, box_size: float) -> None:
    """Write dark matter, in Mpc/h, as Gadget-III does."""
    path.parent.mkdir(parents=True, exist_ok=True)
    counts, masses = np.zeros(6, np.uint32), np.zeros(6)
    counts[1], masses[1] = len(positions), 0.0065
    header = {
        "BoxSize": box_size * 1e3, "Redshift": redshift, "Time": 1 / (1 + redshift), "NumPart_ThisFile": counts,
        "NumPart_Total": counts, "NumPart_Total_HighWord": np.zeros(6, np.uint32), "NumFilesPerSnapshot": 1,
        "MassTable": masses, "Omega0": 0.3, "OmegaLambda": 0.7, "HubbleParam": 0.6711,
    }  # fmt: skip
    with h5py.File(path, "w") as file:
        file.create_group("Header").attrs.update(header)
        file.create_dataset("PartType1/Coordinates", data=positions * np.float32(1e3))
