"""Face of the ingest stage for Galaxy Zoo 2 to Kubeflow."""

from kfp.dsl import Dataset, Output

from components.common.component import component


@component(image="cpu")
def ingest_galaxy_zoo(
    dataset: Output[Dataset],
    source: str,
    rows: int,
    seed: int,
    location: str,
    photometry: str,
    table_url: str,
    skyserver_url: str,
    objects_per_query: int,
    data_version: str,
    shard: int,
    shards: int,
) -> None:
    """Collect galaxies, the votes of Galaxy Zoo 2 on them and their photometry, simulated or real."""
    from pathlib import Path

    from components.ingest.galaxy_zoo.ingestion import Settings, ingest

    provenance = ingest(
        Path(dataset.path),
        Settings(
            source=source,
            rows=rows,
            seed=seed,
            location=location,
            photometry=photometry,
            table_url=table_url,
            skyserver_url=skyserver_url,
            objects_per_query=objects_per_query,
            data_version=data_version,
            shard=shard,
            shards=shards,
        ),
    )
    dataset.metadata.update(origin=provenance.origin, rows=provenance.received, shard=shard, shards=shards)
