"""The first three stages of star-clusters, run for real on small regions."""

from pathlib import Path

from components.ingest.gaia_stars.ingestion import Settings as IngestSettings
from components.ingest.gaia_stars.ingestion import ingest
from components.preprocess.star_field.preprocessing import Settings as PreprocessSettings
from components.preprocess.star_field.preprocessing import preprocess
from components.train.clustering.settings import Settings as TrainSettings
from components.train.clustering.training import train


def run_stages(
    folder: Path, ingest_settings: IngestSettings, compare: tuple[str, ...] = (), **cuts: float
) -> tuple[Path, Path]:
    """Return the folders of the data set and of the model."""
    ingest(folder / "stars", ingest_settings)
    preprocess(folder / "stars", folder / "dataset", PreprocessSettings(**cuts))
    train(folder / "dataset", folder / "model", TrainSettings(library="hdbscan", compare=compare, seed=1))
    return folder / "dataset", folder / "model"
