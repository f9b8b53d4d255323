"""Face of the preprocess stage for cubes of density to Kubeflow."""

from kfp.dsl import Dataset, Input, Output

from components.common.component import component


@component(image="cpu")
def preprocess_density_slices(
    snapshots: Input[Dataset],
    dataset: Output[Dataset],
    channels: int,
    axes: str,
    validation_fraction: float,
    test_fraction: float,
    seed: int,
) -> None:
    """Cut the density of simulated universes into slabs, along each axis, and split by simulation."""
    from pathlib import Path

    from components.preprocess.density_slices.preprocessing import Settings, preprocess

    preprocess(
        Path(snapshots.path),
        Path(dataset.path),
        Settings(
            channels=channels,
            axes=axes,
            validation_fraction=validation_fraction,
            test_fraction=test_fraction,
            seed=seed,
        ),
    )
