"""Universes weighed by their maps: six parameters with their errors, and which maps matter most."""

from kfp import dsl

from components.evaluate.posterior.component import evaluate_posterior
from components.ingest.camels_folder.component import check_camels_folder
from components.ingest.camels_maps.component import ingest_camels_maps
from components.predict.maps.component import predict_maps
from components.preprocess.field_maps.component import preprocess_field_maps
from components.promote.champion.component import promote_champion
from components.train.moment_network.component import train_moment_network
from pipelines.definition import Definition
from pipelines.sharding import fan_out


@dsl.pipeline(name="cosmic-parameters", description="Parameters of universes and their errors from their maps.")
def cosmic_parameters(
    source: str = "simulated",
    fields: list[str] = ["Mtot", "Mgas", "T", "HI"],  # noqa: B006 (kfp copies defaults into the compiled pipeline)
    suites: list[str] = ["IllustrisTNG"],  # noqa: B006
    camels_set: str = "LH",
    simulations: str = "0-639",
    grid: int = 64,
    particles: int = 48,
    steps: int = 10,
    location: str = "",
    archive_url: str = "https://users.flatironinstitute.org/~fvillaescusa/priv/DEPnzxoWlaTQ6CjrXqsm0vYi8L7Jy/CMD",
    data_version: str = "",
    floor_quantile: float = 0.01,
    train_suites: list[str] = [],  # noqa: B006
    train_sets: list[str] = [],  # noqa: B006
    validation_fraction: float = 0.2,
    test_fraction: float = 0.4,
    channels: list[int] = [16, 32, 64],  # noqa: B006
    hidden: int = 128,
    dropout: float = 0.2,
    whole_maps: float = 0.5,
    invariance: str = "hsic",
    strength: float = 3.0,
    compare_marginal: bool = True,
    epochs: int = 6,
    batch_size: int = 64,
    learning_rate: float = 3e-3,
    patience: int = 6,
    precision: str = "auto",
    bootstrap: int = 1000,
    external: str = "",
    external_version: str = "",
    seed: int = 1,
) -> None:
    """Wire the five stages."""
    maps = fan_out(
        ingest_camels_maps,
        source=source,
        fields=fields,
        suites=suites,
        camels_set=camels_set,
        simulations=simulations,
        grid=grid,
        seed=seed,
        particles=particles,
        steps=steps,
        location=location,
        archive_url=archive_url,
        data_version=data_version,
    )
    dataset = preprocess_field_maps(
        maps=maps.outputs["dataset"],
        fields=fields,
        floor_quantile=floor_quantile,
        train_suites=train_suites,
        train_sets=train_sets,
        validation_fraction=validation_fraction,
        test_fraction=test_fraction,
        seed=seed,
    )
    trained = train_moment_network(
        dataset=dataset.outputs["dataset"],
        channels=channels,
        hidden=hidden,
        dropout=dropout,
        whole_maps=whole_maps,
        invariance=invariance,
        strength=strength,
        compare_marginal=compare_marginal,
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        patience=patience,
        precision=precision,
        seed=seed,
    )
    evaluated = evaluate_posterior(
        dataset=dataset.outputs["dataset"],
        model=trained.outputs["model"],
        title="Cosmic parameters",
        slug="cosmic-parameters",
        external=external,
        external_version=external_version,
        bootstrap=bootstrap,
        seed=seed,
    )
    promotion = promote_champion(
        source=maps.outputs["dataset"],
        model=trained.outputs["model"],
        results=evaluated.outputs["results"],
        slug="cosmic-parameters",
        bootstrap=bootstrap,
        seed=seed,
    )
    promotion.set_caching_options(False)  # its answer depends on the champion, which no cache key knows


DEFINITION = Definition(
    pipeline=cosmic_parameters,
    predictor=predict_maps,
    presets={
        "smoke": {
            "fields": ["Mtot", "Mgas", "T"],
            "simulations": "0-39",
            "grid": 16,
            "particles": 16,
            "steps": 4,
            "channels": [8, 16],
            "hidden": 32,
            "epochs": 4,
            "bootstrap": 100,
        },
        "demo": {},
        # The dataset's thirteen fields in IllustrisTNG: parts of its files, 50 GB in all.
        "full": {
            "source": "archive",
            "fields": [
                "Mtot", "Mgas", "Vgas", "T", "P", "Z", "HI", "ne", "B", "MgFe", "Mcdm", "Vcdm", "Mstar",
            ],
            "simulations": "0-999",
            "grid": 128,
            "validation_fraction": 0.05,
            "test_fraction": 0.1,
            "channels": [32, 64, 128, 256],
            "hidden": 256,
            "epochs": 60,
            "patience": 15,
            "batch_size": 128,
        },
    },
    headline="rms_over_power_spectrum",
    scores=("omega_m_rms", "sigma_8_rms", "rms_over_power_spectrum", "chi2", "feedback_correlation"),
    comparability=(
        "From maps of the CAMELS Multifield Dataset most fields give omega_m and sigma_8 to a few percent "
        "(Villaescusa-Navarro et al. 2022), with a thousand simulations of 256 pixels a side. Only scores of its "
        "maps may be held against that: in simulated data gravity is real, but feedback, and with it the ranking "
        "of the fields, is invented."
    ),
    checks={"external": check_camels_folder.python_func},
    shown=("id", "omega_m", "omega_m_sigma", "sigma_8", "sigma_8_sigma", "warnings"),
)  # fmt: skip
