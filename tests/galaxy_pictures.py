"""Some hundred pictures of galaxies and a network of them, made once for all tests that look at either."""

from pathlib import Path

import numpy as np
from PIL import Image

from components.common.tables import read_table
from components.ingest.sdss_cutouts.ingestion import Settings as Ingestion
from components.ingest.sdss_cutouts.ingestion import ingest
from components.preprocess.cutouts.preprocessing import preprocess
from components.preprocess.cutouts.settings import Settings as Preprocessing
from components.train.image_cnn.training import Settings, train

SMALL = Settings(channels=[8, 16], blocks=[0, 1], hidden=32, epochs=4, batch_size=32, seed=1)
KNOWN = ("mag_u", "mag_g", "mag_r", "mag_i", "mag_z")
DUST = ("extinction_u", "extinction_g", "extinction_r", "extinction_i", "extinction_z")


def make_pictures(folder: Path) -> Path:
    """Fill a folder with `raw`, as ingested, and `data`, prepared."""
    ingest(folder / "raw", Ingestion(rows=500, seed=1))
    preprocess(folder / "raw", folder / "data", Preprocessing(test_fraction=0.3, seed=1))
    return folder


def make_picture_model(pictures: Path, model: Path) -> Path:
    """Train a model of them."""
    train(pictures / "data", model, SMALL)
    return model


def write_pictures(raw: Path, folder: Path, rows: int, magnitudes: bool = True) -> None:
    """Write ingested pictures as files, with the labels beside them."""
    folder.mkdir(parents=True, exist_ok=True)
    table = read_table(raw / "dataset.parquet")
    names = ["ra", "dec", "redshift", *([*KNOWN, *DUST] if magnitudes else [])]
    lines = [",".join(["file", *names])]
    for row in range(rows):
        file = f"{table['id'][row]}.png"
        Image.fromarray(np.moveaxis(table["image"][row], 0, -1)).save(folder / file)
        lines.append(",".join([file, *(str(table[name][row]) for name in names)]))
    (folder / "labels.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
