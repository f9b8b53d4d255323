"""Face of the ingest stage to Kubeflow."""

from kfp.dsl import Dataset, Output

from components.common.component import component


@component(image="cpu")
def ingest_sdss_spectra(
    dataset: Output[Dataset],
    source: str,
    rows: int,
    seed: int,
    location: str,
    archive_url: str,
    catalogue: str,
    plates: str,
    classes: list[str],
    minimum_redshift: float,
    maximum_redshift: float,
    data_version: str,
    shard: int,
    shards: int,
) -> None:
    """Collect labelled spectra from the simulator, the SDSS archive, a folder of files or the workshop's HDF5."""
    from pathlib import Path

    from components.ingest.sdss_spectra.ingestion import Settings, ingest

    provenance = ingest(
        Path(dataset.path),
        Settings(
            source=source,
            rows=rows,
            seed=seed,
            location=location,
            archive_url=archive_url,
            catalogue=catalogue,
            plates=plates,
            classes=tuple(classes),
            minimum_redshift=minimum_redshift,
            maximum_redshift=maximum_redshift,
            data_version=data_version,
            shard=shard,
            shards=shards,
        ),
    )
    dataset.metadata.update(origin=provenance.origin, rows=provenance.received, shard=shard, shards=shards)
