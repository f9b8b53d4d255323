"""Face of the ingest stage for gravitational-wave strain to Kubeflow."""

from kfp.dsl import Dataset, Output

from components.common.component import component


@component(image="cpu")
def ingest_gw_strain(
    dataset: Output[Dataset],
    source: str,
    rows: int,
    seed: int,
    location: str,
    archive_url: str,
    event: str,
    gps_start: int,
    gps_stop: int,
    exclude: str,
    minimum_detectors: int,
    signal_fraction: float,
    minimum_mass: float,
    maximum_mass: float,
    maximum_spin: float,
    snr_mean: float,
    snr_spread: float,
    earliest_merger: float,
    latest_merger: float,
    data_version: str,
    shard: int,
    shards: int,
) -> None:
    """Collect windows of strain from the simulator, the G2Net competition or the detectors' open data."""
    from pathlib import Path

    from components.ingest.gw_strain.ingestion import Settings, ingest

    provenance = ingest(
        Path(dataset.path),
        Settings(
            source=source,
            rows=rows,
            seed=seed,
            location=location,
            archive_url=archive_url,
            event=event,
            gps_start=gps_start,
            gps_stop=gps_stop,
            exclude=exclude,
            minimum_detectors=minimum_detectors,
            signal_fraction=signal_fraction,
            minimum_mass=minimum_mass,
            maximum_mass=maximum_mass,
            maximum_spin=maximum_spin,
            snr_mean=snr_mean,
            snr_spread=snr_spread,
            earliest_merger=earliest_merger,
            latest_merger=latest_merger,
            data_version=data_version,
            shard=shard,
            shards=shards,
        ),
    )
    dataset.metadata.update(origin=provenance.origin, rows=provenance.received, shard=shard, shards=shards)
