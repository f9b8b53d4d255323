"""Where structure came from: the initial density of universes, from the density of today."""

from kfp import dsl

from components.evaluate.reconstruction.component import evaluate_reconstruction
from components.ingest.camels_snapshots.component import ingest_camels_snapshots
from components.ingest.snapshot_folder.component import check_snapshot_folder
from components.predict.snapshots.component import predict_snapshots
from components.preprocess.density_slices.component import preprocess_density_slices
from components.promote.champion.component import promote_champion
from components.train.variational_autoencoder.component import train_variational_autoencoder
from pipelines.definition import Definition
from pipelines.sharding import fan_out


@dsl.pipeline(name="initial-conditions", description="The initial density of universes, from that of today.")
def initial_conditions(
    source: str = "simulated",
    rows: int = 128,
    location: str = "",
    data_version: str = "",
    archive_url: str = "https://users.flatironinstitute.org/~camels",
    suite: str = "IllustrisTNG_DM",
    volume: str = "L25n256",
    simulation_set: str = "LH",
    simulations: str = "",
    parameters: str = "",
    target: str = "initial",
    matter: str = "all",
    grid: int = 64,
    box_size_mpc_h: float = 25.0,
    particles: int = 64,
    steps: int = 20,
    channels: int = 32,
    axes: str = "z",
    validation_fraction: float = 0.12,
    test_fraction: float = 0.25,
    cells: int = 16,
    width: int = 16,
    latents: int = 2,
    free_nats: float = 0.02,
    plain: bool = True,
    epochs: int = 14,
    batch_size: int = 4,
    learning_rate: float = 4e-3,
    patience: int = 5,
    precision: str = "float32",
    samples: int = 16,
    bootstrap: int = 1000,
    external: str = "",
    external_version: str = "",
    seed: int = 1,
) -> None:
    """Wire the five stages."""
    snapshots = fan_out(
        ingest_camels_snapshots,
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
    )
    dataset = preprocess_density_slices(
        snapshots=snapshots.outputs["dataset"],
        channels=channels,
        axes=axes,
        validation_fraction=validation_fraction,
        test_fraction=test_fraction,
        seed=seed,
    )
    trained = train_variational_autoencoder(
        dataset=dataset.outputs["dataset"],
        cells=cells,
        width=width,
        latents=latents,
        free_nats=free_nats,
        plain=plain,
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        patience=patience,
        precision=precision,
        seed=seed,
    )
    evaluated = evaluate_reconstruction(
        dataset=dataset.outputs["dataset"],
        model=trained.outputs["model"],
        title="Initial conditions",
        slug="initial-conditions",
        samples=samples,
        external=external,
        external_version=external_version,
        bootstrap=bootstrap,
        seed=seed,
    )
    promotion = promote_champion(
        source=snapshots.outputs["dataset"],
        model=trained.outputs["model"],
        results=evaluated.outputs["results"],
        slug="initial-conditions",
        bootstrap=bootstrap,
        seed=seed,
    )
    promotion.set_caching_options(False)  # its answer depends on the champion, which no cache key knows


DEFINITION = Definition(
    pipeline=initial_conditions,
    predictor=predict_snapshots,
    presets={
        "smoke": {
            "rows": 16,
            "grid": 32,
            "particles": 32,
            "steps": 10,
            "channels": 16,
            "axes": "xz",
            "cells": 8,
            "width": 8,
            "epochs": 1,
            "validation_fraction": 0.2,
            "samples": 4,
            "bootstrap": 100,
        },
        "demo": {},
        # CAMELS itself: 1000 N-body simulations of 256^3 particles, fetched and dropped one by one.
        "full": {
            "source": "archive",
            "rows": 0,
            "grid": 128,
            "axes": "xyz",
            "width": 32,
            "latents": 4,
            "epochs": 30,
            "batch_size": 16,
            "learning_rate": 3e-3,
            "precision": "auto",
        },
    },
    headline="cross_correlation_mid_k",
    scores=("cross_correlation_low_k", "cross_correlation_mid_k", "transfer_low_k", "sample_calibration"),
    comparability=(
        "Shallue & Eisenstein (2023) double the range of wavenumbers with a network behind standard "
        "reconstruction, in boxes of a Gpc/h; here a box is 25 Mpc/h wide, so that long waves that move matter "
        "far are missing, and gravity below 1 Mpc/h is softened by the mesh of the simulator. Compare with the "
        "baselines on the same boxes, and with CAMELS only after training on it."
    ),
    checks={"external": check_snapshot_folder.python_func},
    shown=("id", "redshift", "expected_r_low_k", "expected_r_mid_k", "expected_r_high_k", "warnings"),
)
