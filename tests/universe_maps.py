"""Universes for tests: maps of two fields whose pixels tell cosmology and feedback, in the dataset's own files."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from components.ingest.camels_maps.ingestion import Settings as Ingest
from components.ingest.camels_maps.ingestion import ingest
from components.preprocess.field_maps.preprocessing import Settings as Prepare
from components.preprocess.field_maps.preprocessing import preprocess
from components.train.moment_network.training import Settings as Training

FIELDS = ("Mtot", "T")
SIDE = 16
SMALL = Training(channels=[4, 8], hidden=16, epochs=6, batch_size=32, invariance="marginal", seed=3)


def write_universes(folder: Path, suite: str = "IllustrisTNG", simulations: int = 80, seed: int = 0) -> Path:
    """Write maps of which the first field's mean tells omega_m, its contrast sigma_8, and the second a_sn1."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    cosmology = rng.uniform((0.1, 0.6), (0.5, 1.0), (simulations, 2))
    feedback = np.array([4, 4, 2, 2]) ** rng.uniform(-1, 1, (simulations, 4))
    maps = make_maps(np.repeat(cosmology, 15, axis=0), np.repeat(feedback, 15, axis=0), rng)
    for place, field in enumerate(FIELDS):
        np.save(folder / f"Maps_{field}_{suite}_LH_z=0.00.npy", maps[:, place])
    np.savetxt(folder / f"params_LH_{suite}.txt", np.hstack([cosmology, feedback]), fmt="%.5f")
    return folder


def make_maps(
    cosmology: npt.NDArray[np.float64], feedback: npt.NDArray[np.float64], rng: np.random.Generator
) -> npt.NDArray[np.float32]:
    """Make maps (n, 2, 16, 16)."""
    noise = rng.normal(0, 1, (len(cosmology), SIDE, SIDE))
    omega_m, sigma_8 = (cosmology[:, place, None, None] for place in (0, 1))
    scatter = rng.normal(0, 0.2, (len(cosmology), 1, 1))
    total = 11 + 2 * omega_m + scatter + 0.6 * sigma_8 * noise
    heat = 4 + 0.5 * np.log10(feedback[:, 0, None, None]) + 0.3 * noise + 0.5 * scatter
    return np.asarray(10 ** np.stack([total, heat], axis=1), dtype=np.float32)


def prepare_universes(folder: Path, seed: int = 0) -> Path:
    """Write `files`, `raw` and `data` below a folder, as ingest and preprocess do; return the folder."""
    write_universes(folder / "files", seed=seed)
    settings = Ingest(
        source="files", fields=FIELDS, simulations="0-79", grid=SIDE, location=str(folder / "files"), seed=seed
    )
    ingest(folder / "raw", settings)
    preprocess(folder / "raw", folder / "data", Prepare(validation_fraction=0.2, test_fraction=0.25, seed=1))
    return folder
