"""A few hundred galaxies and regressors of them, made once for all tests that look at either."""

from pathlib import Path

from components.ingest.sdss_spectra.ingestion import Settings as Ingestion
from components.ingest.sdss_spectra.ingestion import ingest
from components.preprocess.spectra.preprocessing import Settings as Preprocessing
from components.preprocess.spectra.preprocessing import preprocess
from components.train.regressors.several import best_of, train_several
from components.train.regressors.training import Settings

SMALL = Settings(tuning_rows=120, folds=2, epochs=1, seed=1)


def make_galaxies(folder: Path) -> Path:
    """Fill a folder with `raw`, as ingested, and `data`, prepared."""
    ingest(folder / "raw", Ingestion("semi-empirical", rows=500, seed=1, classes=("GALAXY",)))
    preprocess(folder / "raw", folder / "data", Preprocessing(bin_pixels=16, test_fraction=0.2, seed=1))
    return folder


def make_regressors(galaxies: Path, folder: Path) -> Path:
    """Fill a folder with `models`, and with the `best` of them."""
    data = galaxies / "data"
    further = ["velocity_dispersion"]
    records = train_several(data, folder / "models", folder / "best", ["ridge", "linear"], ["pca"], SMALL, further)
    chosen = folder / "models" / best_of(records)
    assert (folder / "best" / "model.json").read_text() == (chosen / "model.json").read_text()
    return folder
