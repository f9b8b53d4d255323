"""Redshifts of quasars: the workshop paper's worked example."""

from kfp import dsl

from components.evaluate.regression.component import evaluate_regression
from components.ingest.sdss_folder.component import check_sdss_folder
from components.ingest.sdss_spectra.component import ingest_sdss_spectra
from components.predict.spectra.component import predict_spectra
from components.preprocess.spectra.component import preprocess_spectra
from components.promote.champion.component import promote_champion
from components.train.conv1d.component import train_conv1d
from pipelines.definition import Definition
from pipelines.sharding import fan_out


@dsl.pipeline(name="quasar-redshift", description="Redshifts of quasars and their uncertainty from SDSS spectra.")
def quasar_redshift(
    source: str = "simulated",
    rows: int = 18_000,
    location: str = "",
    data_version: str = "",
    archive_url: str = "https://data.sdss.org/sas",
    catalogue: str = "DR16Q_v4.fits",
    plates: str = "",
    minimum_redshift: float = 0.0,
    maximum_redshift: float = 7.0,
    bin_pixels: int = 4,
    normalisation: str = "robust",
    fill: str = "interpolate",
    clip_sigma: float = 10.0,
    minimum_coverage: float = 0.5,
    minimum_sn: float = 0.0,
    validation_fraction: float = 0.1,
    test_fraction: float = 0.1,
    architecture: str = "restframe",
    kernels: list[int] = [125, 61, 29],  # noqa: B006 (kfp copies defaults into the compiled pipeline)
    channels: list[int] = [16, 16, 16],  # noqa: B006
    templates: int = 16,
    dropout: float = 0.1,
    epochs: int = 3,
    batch_size: int = 64,
    learning_rate: float = 3e-3,
    patience: int = 5,
    precision: str = "auto",
    bootstrap: int = 1000,
    external: str = "",
    external_version: str = "",
    seed: int = 1,
) -> None:
    """Wire the five stages."""
    spectra = fan_out(
        ingest_sdss_spectra,
        source=source,
        rows=rows,
        seed=seed,
        location=location,
        archive_url=archive_url,
        catalogue=catalogue,
        plates=plates,
        classes=["QSO"],
        minimum_redshift=minimum_redshift,
        maximum_redshift=maximum_redshift,
        data_version=data_version,
    )
    dataset = preprocess_spectra(
        spectra=spectra.outputs["dataset"],
        bin_pixels=bin_pixels,
        normalisation=normalisation,
        fill=fill,
        clip_sigma=clip_sigma,
        minimum_coverage=minimum_coverage,
        minimum_sn=minimum_sn,
        validation_fraction=validation_fraction,
        test_fraction=test_fraction,
        seed=seed,
    )
    trained = train_conv1d(
        dataset=dataset.outputs["dataset"],
        target="redshift",
        architecture=architecture,
        kernels=kernels,
        channels=channels,
        templates=templates,
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
        title="Redshifts of quasars",
        slug="quasar-redshift",
        external=external,
        external_version=external_version,
        bootstrap=bootstrap,
        seed=seed,
    )
    promotion = promote_champion(
        source=spectra.outputs["dataset"],
        model=trained.outputs["model"],
        results=evaluated.outputs["results"],
        slug="quasar-redshift",
        bootstrap=bootstrap,
        seed=seed,
    )
    promotion.set_caching_options(False)  # its answer depends on the champion, which no cache key knows


def check_external(folder: str) -> None:
    """Look over the quasars that the model will be validated on."""
    check_sdss_folder.python_func(folder, ["QSO"])


DEFINITION = Definition(
    pipeline=quasar_redshift,
    predictor=predict_spectra,
    presets={
        "smoke": {"rows": 600, "bin_pixels": 16, "epochs": 1, "bootstrap": 100},
        "demo": {},
        "full": {
            "source": "archive",
            "rows": 0,
            "bin_pixels": 2,
            "batch_size": 256,
            "epochs": 20,
        },
        # The workshop paper's network: three convolutions over 4618 pixels, mean squared error, Adam, nine tenths
        # of the objects to train on. Of the last tenth half chooses the epoch and half, unseen till then, judges.
        "paper": {
            "source": "archive",
            "rows": 0,
            "bin_pixels": 1,
            "normalisation": "minmax",
            "fill": "edge",
            "validation_fraction": 0.05,
            "test_fraction": 0.05,
            "architecture": "paper",
            "kernels": [500, 200, 10],
            "channels": [32, 16, 128],
            "batch_size": 100,
            "learning_rate": 1.2e-4,
            "epochs": 40,
        },
    },
    headline="accuracy_6000_km_s",
    scores=("accuracy_6000_km_s", "median_dv_km_s", "nmad_km_s", "catastrophic_fraction", "coverage_68"),
    comparability=(
        "Published: 0.97 within 6000 km/s (workshop paper; FNet, arXiv:2201.03393), for real DR16Q spectra. "
        "Only scores of real spectra may be held against it."
    ),
    checks={"external": check_external},
)
