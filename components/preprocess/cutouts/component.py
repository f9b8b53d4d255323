"""Face of the preprocess stage for pictures to Kubeflow."""

from kfp.dsl import Dataset, Input, Output

from components.common.component import component


@component(image="cpu")
def preprocess_cutouts(
    pictures: Input[Dataset],
    dataset: Output[Dataset],
    size: int,
    maximum_offset: float,
    minimum_contrast: float,
    validation_fraction: float,
    test_fraction: float,
    seed: int,
) -> None:
    """Check, cut and store pictures, correct magnitudes for dust, and keep fields together in a split."""
    from pathlib import Path

    from components.preprocess.cutouts.preprocessing import Settings, preprocess

    preprocess(
        Path(pictures.path),
        Path(dataset.path),
        Settings(
            size=size,
            maximum_offset=maximum_offset,
            minimum_contrast=minimum_contrast,
            validation_fraction=validation_fraction,
            test_fraction=test_fraction,
            seed=seed,
        ),
    )
