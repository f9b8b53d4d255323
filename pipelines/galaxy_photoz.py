"""Redshifts of galaxies from their pictures, with magnitudes beside them."""

from kfp import dsl

from components.evaluate.regression.component import evaluate_regression
from components.ingest.picture_folder.component import check_picture_folder
from components.ingest.sdss_cutouts.component import ingest_sdss_cutouts
from components.predict.cutouts.component import predict_cutouts
from components.preprocess.cutouts.component import preprocess_cutouts
from components.promote.champion.component import promote_champion
from components.train.image_cnn.component import train_image_cnn
from pipelines.definition import Definition
from pipelines.sharding import fan_out


@dsl.pipeline(name="galaxy-photoz", description="Redshifts of galaxies and their uncertainty from SDSS pictures.")
def galaxy_photoz(
    source: str = "semi-empirical",
    rows: int = 10_000,
    location: str = "",
    data_version: str = "",
    skyserver_url: str = "https://skyserver.sdss.org",
    archive_url: str = "https://data.sdss.org/sas",
    encoding: str = "jpeg",
    bands: list[str] = ["u", "g", "r", "i", "z"],  # noqa: B006 (kfp copies defaults into the compiled pipeline)
    size: int = 64,
    minimum_redshift: float = 0.01,
    maximum_redshift: float = 0.4,
    maximum_magnitude: float = 17.77,
    minimum_ra: float = 0.0,
    maximum_ra: float = 360.0,
    maximum_offset: float = 2.0,
    minimum_contrast: float = 5.0,
    validation_fraction: float = 0.1,
    test_fraction: float = 0.2,
    inputs: str = "images+magnitudes",
    channels: list[int] = [48, 64],  # noqa: B006
    blocks: list[int] = [1, 1],  # noqa: B006
    hidden: int = 128,
    dropout: float = 0.1,
    epochs: int = 20,
    batch_size: int = 64,
    learning_rate: float = 3e-3,
    patience: int = 10,
    precision: str = "auto",
    bootstrap: int = 1000,
    external: str = "",
    external_version: str = "",
    seed: int = 1,
) -> None:
    """Wire the five stages."""
    pictures = fan_out(
        ingest_sdss_cutouts,
        source=source,
        rows=rows,
        seed=seed,
        location=location,
        skyserver_url=skyserver_url,
        archive_url=archive_url,
        encoding=encoding,
        bands=bands,
        size=size,
        minimum_redshift=minimum_redshift,
        maximum_redshift=maximum_redshift,
        maximum_magnitude=maximum_magnitude,
        minimum_ra=minimum_ra,
        maximum_ra=maximum_ra,
        data_version=data_version,
    )
    dataset = preprocess_cutouts(
        pictures=pictures.outputs["dataset"],
        size=size,
        maximum_offset=maximum_offset,
        minimum_contrast=minimum_contrast,
        validation_fraction=validation_fraction,
        test_fraction=test_fraction,
        seed=seed,
    )
    trained = train_image_cnn(
        dataset=dataset.outputs["dataset"],
        target="redshift",
        inputs=inputs,
        channels=channels,
        blocks=blocks,
        hidden=hidden,
        dropout=dropout,
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        patience=patience,
        precision=precision,
        seed=seed,
    )
    evaluated = evaluate_regression(
        dataset=dataset.outputs["dataset"],
        model=trained.outputs["model"],
        target="redshift",
        title="Redshifts of galaxies from pictures",
        slug="galaxy-photoz",
        external=external,
        external_version=external_version,
        bootstrap=bootstrap,
        seed=seed,
    )
    promotion = promote_champion(
        source=pictures.outputs["dataset"],
        model=trained.outputs["model"],
        results=evaluated.outputs["results"],
        slug="galaxy-photoz",
        bootstrap=bootstrap,
        seed=seed,
    )
    promotion.set_caching_options(False)  # its answer depends on the champion, which no cache key knows


DEFINITION = Definition(
    pipeline=galaxy_photoz,
    predictor=predict_cutouts,
    presets={
        "smoke": {"rows": 600, "channels": [8, 16], "blocks": [0, 1], "epochs": 3, "bootstrap": 100},
        "demo": {},
        # At a picture a second SkyServer's of half a million galaxies take six days, and have 8 bits of three
        # bands: the frames hold the flux in all five.
        "full": {
            "source": "frames",
            "rows": 0,
            "encoding": "flux",
            "channels": [96, 192],
            "blocks": [3, 6],
            "hidden": 256,
            "batch_size": 256,
            "epochs": 30,
        },
    },
    headline="nmad",
    scores=("nmad", "nmad_over_baseline", "outlier_fraction", "crps", "coverage_68"),
    comparability=(
        "Published: an NMAD of 0.0091 and about 0.3 % of outliers (Pasquet et al. 2019, A&A 621, A26), for half "
        "a million real galaxies in five bands. Only scores of real pictures may be held against it."
    ),
    checks={"external": check_picture_folder.python_func},
)
