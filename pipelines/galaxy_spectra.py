"""Redshifts and magnitudes of galaxies from their spectra, by regressors side by side."""

from kfp import dsl

from components.evaluate.model_comparison.component import evaluate_model_comparison
from components.ingest.sdss_folder.component import check_sdss_folder
from components.ingest.sdss_spectra.component import ingest_sdss_spectra
from components.predict.galaxies.component import predict_galaxies
from components.preprocess.spectra.component import preprocess_spectra
from components.promote.champion.component import promote_champion
from components.train.regressors.component import train_regressors
from pipelines.definition import Definition
from pipelines.sharding import fan_out, train_each


@dsl.pipeline(name="galaxy-spectra", description="Redshift and magnitude of galaxies: regressors side by side.")
def galaxy_spectra(
    source: str = "semi-empirical",
    rows: int = 6_000,
    location: str = "",
    data_version: str = "",
    archive_url: str = "https://data.sdss.org/sas",
    plates: str = "",
    classes: list[str] = ["GALAXY"],  # noqa: B006 (kfp copies defaults)
    minimum_redshift: float = 0.01,
    maximum_redshift: float = 0.4,
    bin_pixels: int = 4,
    minimum_coverage: float = 0.5,
    minimum_sn: float = 0.0,
    group_by: str = "plate",
    validation_fraction: float = 0.1,
    test_fraction: float = 0.15,
    kinds: list[str] = ["linear", "ridge", "forest", "svr", "network"],  # noqa: B006
    features: list[str] = ["pixels", "pca"],  # noqa: B006
    further: list[str] = ["velocity_dispersion"],  # noqa: B006
    most_rows: int = 50_000,
    tuning_rows: int = 1_500,
    folds: int = 3,
    epochs: int = 6,
    bootstrap: int = 1000,
    external: str = "",
    external_version: str = "",
    seed: int = 1,
) -> None:
    """Wire the five stages.

    Parameters
    ----------
    kinds : list of str
        One of "linear", "ridge", "forest", "svr", "network". Regressors to train.
    further : list of str
        One of "velocity_dispersion", "stellar_mass". Targets that have models of their own where the data
        tell them.
    """
    spectra = fan_out(
        ingest_sdss_spectra,
        source=source,
        rows=rows,
        seed=seed,
        location=location,
        archive_url=archive_url,
        catalogue="",
        plates=plates,
        classes=classes,
        minimum_redshift=minimum_redshift,
        maximum_redshift=maximum_redshift,
        data_version=data_version,
    )
    dataset = preprocess_spectra(
        spectra=spectra.outputs["dataset"],
        bin_pixels=bin_pixels,
        normalisation="robust",
        fill="interpolate",
        clip_sigma=0.0,
        minimum_coverage=minimum_coverage,
        minimum_sn=minimum_sn,
        validation_fraction=validation_fraction,
        test_fraction=test_fraction,
        group_by=group_by,
        seed=seed,
    )
    # As processes of one task on a laptop, where a pod would cost 12 to 14 s before it begins and most models fit
    # in less; as pods of a ParallelFor where the data are large.
    trained = train_each(
        train_regressors,
        kinds,
        dataset=dataset.outputs["dataset"],
        features=features,
        further=further,
        most_rows=most_rows,
        tuning_rows=tuning_rows,
        folds=folds,
        epochs=epochs,
        seed=seed,
    )
    evaluated = evaluate_model_comparison(
        dataset=dataset.outputs["dataset"],
        models=trained.outputs["models"],
        title="Galaxy spectra: redshifts and magnitudes",
        slug="galaxy-spectra",
        external=external,
        external_version=external_version,
        bootstrap=bootstrap,
        seed=seed,
    )
    promotion = promote_champion(
        source=spectra.outputs["dataset"],
        model=trained.outputs["model"],
        results=evaluated.outputs["results"],
        slug="galaxy-spectra",
        bootstrap=bootstrap,
        seed=seed,
    )
    promotion.set_caching_options(False)  # its answer depends on the champion, which no cache key knows


def check_external(folder: str) -> None:
    """Look over the galaxies that the models will be validated on."""
    check_sdss_folder.python_func(folder, ["GALAXY"])


DEFINITION = Definition(
    pipeline=galaxy_spectra,
    predictor=predict_galaxies,
    presets={
        "smoke": {
            "rows": 600,
            "bin_pixels": 16,
            "kinds": ["ridge", "network"],
            "features": ["pca"],
            "tuning_rows": 200,
            "folds": 2,
            "epochs": 1,
            "bootstrap": 100,
        },
        "demo": {},
        "full": {
            "source": "skyserver",
            "rows": 0,
            "bin_pixels": 2,
            "epochs": 20,
            "tuning_rows": 5_000,
            "further": ["velocity_dispersion", "stellar_mass"],
        },
    },
    headline="nmad_km_s",
    scores=("nmad_km_s", "magnitude_r_rms", "outlier_fraction", "coverage_68"),
    comparability=(
        "Nothing published is held against these scores: the template scan of the report is the method of the "
        "surveys, on the same spectra. Semi-empirical ones are easier than the sky's."
    ),
    checks={"external": check_external},
)
