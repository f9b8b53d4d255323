"""Face of the ingest stage for snapshots of simulated universes to Kubeflow."""

from kfp.dsl import Dataset, Output

from components.common.component import component


@component(image="cpu")
def ingest_camels_snapshots(
    dataset: Output[Dataset],
    source: str,
    rows: int,
    seed: int,
    grid: int,
    box_size_mpc_h: float,
    target: str,
    matter: str,
    particles: int,
    steps: int,
    location: str,
    archive_url: str,
    suite: str,
    volume: str,
    simulation_set: str,
    simulations: str,
    parameters: str,
    data_version: str,
    shard: int,
    shards: int,
) -> None:
    """Collect the density of simulated universes at their beginning and end, from a simulator or CAMELS."""
    from pathlib import Path

    from components.ingest.camels_snapshots.ingestion import Settings, ingest

    provenance = ingest(
        Path(dataset.path),
        Settings(
            source=source,
            rows=rows,
            seed=seed,
            grid=grid,
            box_size_mpc_h=box_size_mpc_h,
            target=target,
            matter=matter,
            particles=particles,
            steps=steps,
            location=location,
            archive_url=archive_url,
            suite=suite,
            volume=volume,
            simulation_set=simulation_set,
            simulations=simulations,
            parameters=parameters,
            data_version=data_version,
            shard=shard,
            shards=shards,
        ),
    )
    dataset.metadata.update(origin=provenance.origin, rows=provenance.received, shard=shard, shards=shards)
