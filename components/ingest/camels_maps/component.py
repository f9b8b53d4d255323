"""Face of the ingest stage for maps of simulated universes to Kubeflow."""

from kfp.dsl import Dataset, Output

from components.common.component import component


@component(image="cpu")
def ingest_camels_maps(
    dataset: Output[Dataset],
    source: str,
    fields: list[str],
    suites: list[str],
    camels_set: str,
    simulations: str,
    grid: int,
    seed: int,
    particles: int,
    steps: int,
    location: str,
    archive_url: str,
    data_version: str,
    shard: int,
    shards: int,
) -> None:
    """Collect maps of universes, with their parameters, from the simulator, the dataset's archive or its files."""
    from pathlib import Path

    from components.ingest.camels_maps.ingestion import Settings, ingest

    provenance = ingest(
        Path(dataset.path),
        Settings(
            source=source,
            fields=tuple(fields),
            suites=tuple(suites),
            camels_set=camels_set,
            simulations=simulations,
            grid=grid,
            seed=seed,
            particles=particles,
            steps=steps,
            location=location,
            archive_url=archive_url,
            data_version=data_version,
            shard=shard,
            shards=shards,
        ),
    )
    dataset.metadata.update(origin=provenance.origin, rows=provenance.received)
