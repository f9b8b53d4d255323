"""Face of the ingest stage for pictures of galaxies to Kubeflow."""

from kfp.dsl import Dataset, Output

from components.common.component import component


@component(image="cpu")
def ingest_sdss_cutouts(
    dataset: Output[Dataset],
    source: str,
    rows: int,
    seed: int,
    location: str,
    skyserver_url: str,
    archive_url: str,
    encoding: str,
    bands: list[str],
    size: int,
    minimum_redshift: float,
    maximum_redshift: float,
    maximum_magnitude: float,
    minimum_ra: float,
    maximum_ra: float,
    data_version: str,
    shard: int,
    shards: int,
) -> None:
    """Collect pictures of galaxies with redshifts from the simulator, SkyServer, SDSS frames or a folder."""
    from pathlib import Path

    from components.ingest.sdss_cutouts.ingestion import Settings, ingest

    provenance = ingest(
        Path(dataset.path),
        Settings(
            source=source,
            rows=rows,
            seed=seed,
            location=location,
            skyserver_url=skyserver_url,
            archive_url=archive_url,
            encoding=encoding,
            bands=tuple(bands),
            size=size,
            minimum_redshift=minimum_redshift,
            maximum_redshift=maximum_redshift,
            maximum_magnitude=maximum_magnitude,
            minimum_ra=minimum_ra,
            maximum_ra=maximum_ra,
            data_version=data_version,
            shard=shard,
            shards=shards,
        ),
    )
    dataset.metadata.update(origin=provenance.origin, rows=provenance.received, shard=shard, shards=shards)
