"""Face of the ingest stage for stars to Kubeflow."""

from kfp.dsl import Dataset, Output

from components.common.component import component


@component(image="cpu")
def ingest_gaia_stars(
    dataset: Output[Dataset],
    source: str,
    rows: int,
    seed: int,
    clusters: int,
    cluster_stars: int,
    location: str,
    release: str,
    members: str,
    region_name: str,
    ra: float,
    dec: float,
    radius_deg: float,
    polygon: str,
    maximum_magnitude: float,
    maximum_ruwe: float,
    minimum_visibility_periods: int,
    maximum_parallax_error: float,
    maximum_pm_error: float,
    archive_url: str,
    timeout_seconds: float,
    data_version: str,
    shard: int,
    shards: int,
) -> None:
    """Collect the stars of a region of the sky from the simulator, a Gaia archive or files, with truth beside."""
    from pathlib import Path

    from components.ingest.gaia_stars.ingestion import Settings, ingest

    provenance = ingest(
        Path(dataset.path),
        Settings(
            source=source,
            rows=rows,
            seed=seed,
            clusters=clusters,
            cluster_stars=cluster_stars,
            location=location,
            release=release,
            members=members,
            region_name=region_name,
            ra=ra,
            dec=dec,
            radius_deg=radius_deg,
            polygon=polygon,
            maximum_magnitude=maximum_magnitude,
            maximum_ruwe=maximum_ruwe,
            minimum_visibility_periods=minimum_visibility_periods,
            maximum_parallax_error=maximum_parallax_error,
            maximum_pm_error=maximum_pm_error,
            archive_url=archive_url,
            timeout_seconds=timeout_seconds,
            data_version=data_version,
            shard=shard,
            shards=shards,
        ),
    )
    dataset.metadata.update(origin=provenance.origin, rows=provenance.received, shard=shard, shards=shards)
