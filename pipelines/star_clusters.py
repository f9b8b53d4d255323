"""Clusters of stars in Gaia: found without being told of, and shown to be real."""

from kfp import dsl

from components.evaluate.clustering.component import evaluate_clustering
from components.ingest.gaia_folder.component import check_gaia_folder
from components.ingest.gaia_stars.component import ingest_gaia_stars
from components.predict.stars.component import predict_stars
from components.preprocess.star_field.component import preprocess_star_field
from components.promote.champion.component import promote_champion
from components.train.clustering.component import train_clustering
from pipelines.definition import Definition
from pipelines.sharding import fan_out


@dsl.pipeline(
    name="star-clusters", description="Clusters of stars found in a region of Gaia, and shown to be real."
)
def star_clusters(
    source: str = "simulated",
    rows: int = 20_000,
    clusters: int = 3,
    cluster_stars: int = 1600,
    location: str = "",
    data_version: str = "",
    release: str = "auto",
    members: str = "",
    archive_url: str = "https://gea.esac.esa.int/tap-server/tap",
    timeout_seconds: float = 3600.0,
    region_name: str = "",
    ra: float = 0.0,
    dec: float = 0.0,
    radius_deg: float = 0.0,
    polygon: str = "",
    maximum_magnitude: float = 18.0,
    maximum_ruwe: float = 1.4,
    minimum_visibility_periods: int = 10,
    maximum_parallax_error: float = 0.0,
    maximum_pm_error: float = 0.3,
    zero_point: str = "correct",
    intrinsic_pm: float = 0.2,
    intrinsic_parallax: float = 0.02,
    intrinsic_position: float = 0.2,
    weight_pm: float = 1.0,
    weight_parallax: float = 1.0,
    weight_position: float = 0.5,
    method: str = "hdbscan",
    compare: list[str] = ["hdbscan", "dbscan", "kmeans", "gaussian_mixture"],  # noqa: B006 (kfp copies defaults)
    library: str = "auto",
    selection: str = "leaf",
    min_cluster_size: int = 20,
    min_samples: int = 10,
    significance: float = 5.0,
    cmd_score: float = 2.0,
    epochs: int = 40,
    bootstrap: int = 1000,
    control_fields: int = 10,
    shifted_fields: int = 2,
    samples: int = 5,
    test_fraction: float = 0.2,
    external: str = "",
    external_version: str = "",
    seed: int = 1,
) -> None:
    """Wire the five stages.

    One task runs all methods, at the same time in threads: they take seconds, and a pod of its own for each would
    take longer to start, and read the stars again.
    """
    stars = fan_out(
        ingest_gaia_stars,
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
    )
    dataset = preprocess_star_field(
        stars=stars.outputs["dataset"],
        maximum_magnitude=maximum_magnitude,
        maximum_ruwe=maximum_ruwe,
        minimum_visibility_periods=minimum_visibility_periods,
        maximum_parallax_error=maximum_parallax_error,
        maximum_pm_error=maximum_pm_error,
        zero_point=zero_point,
        intrinsic_pm=intrinsic_pm,
        intrinsic_parallax=intrinsic_parallax,
        intrinsic_position=intrinsic_position,
        weight_pm=weight_pm,
        weight_parallax=weight_parallax,
        weight_position=weight_position,
    )
    trained = train_clustering(
        dataset=dataset.outputs["dataset"],
        method=method,
        compare=compare,
        library=library,
        selection=selection,
        min_cluster_size=min_cluster_size,
        min_samples=min_samples,
        significance=significance,
        cmd_score=cmd_score,
        epochs=epochs,
        seed=seed,
    )
    evaluated = evaluate_clustering(
        dataset=dataset.outputs["dataset"],
        model=trained.outputs["model"],
        title="Clusters of stars",
        slug="star-clusters",
        bootstrap=bootstrap,
        control_fields=control_fields,
        shifted_fields=shifted_fields,
        samples=samples,
        test_fraction=test_fraction,
        external=external,
        external_version=external_version,
        seed=seed,
    )
    promotion = promote_champion(
        source=stars.outputs["dataset"],
        model=trained.outputs["model"],
        results=evaluated.outputs["results"],
        slug="star-clusters",
        bootstrap=bootstrap,
        seed=seed,
    )
    promotion.set_caching_options(False)  # its answer depends on the champion, which no cache key knows


DEFINITION = Definition(
    pipeline=star_clusters,
    predictor=predict_stars,
    presets={
        "smoke": {
            "rows": 3000,
            "cluster_stars": 600,
            "compare": ["hdbscan", "kmeans"],
            "control_fields": 1,
            "shifted_fields": 1,
            "samples": 1,
            "bootstrap": 100,
        },
        "demo": {},
        # A globular cluster from the archive: region_name names another, ra, dec and radius_deg any place.
        "full": {"source": "archive", "region_name": "M4", "rows": 0, "samples": 10, "shifted_fields": 10},
    },
    headline="f1",
    scores=("f1", "purity", "completeness", "ari", "false_clusters"),
    comparability=(
        "Hunt & Reffert (2021) found HDBSCAN the most sensitive of three methods for open clusters in real DR2, "
        "beside DBSCAN and Gaussian mixtures. Scores of simulated stars are not to be held against real ones: "
        "give a catalogue as members, or a folder of real stars as external."
    ),
    checks={"external": check_gaia_folder.python_func},
    shown=("id", "cluster", "probability", "phot_g_mean_mag", "bp_rp"),
)
