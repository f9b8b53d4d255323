"""Face of the preprocess stage for maps of simulated universes to Kubeflow."""

from kfp.dsl import Dataset, Input, Output

from components.common.component import component


@component(image="cpu")
def preprocess_field_maps(
    maps: Input[Dataset],
    dataset: Output[Dataset],
    fields: list[str],
    floor_quantile: float,
    train_suites: list[str],
    train_sets: list[str],
    validation_fraction: float,
    test_fraction: float,
    seed: int,
) -> None:
    """Take logarithms of maps, scale them by the training maps, and split universes."""
    from pathlib import Path

    from components.preprocess.field_maps.preprocessing import Settings, preprocess

    preprocess(
        Path(maps.path),
        Path(dataset.path),
        Settings(
            fields=tuple(fields),
            floor_quantile=floor_quantile,
            train_suites=tuple(train_suites),
            train_sets=tuple(train_sets),
            validation_fraction=validation_fraction,
            test_fraction=test_fraction,
            seed=seed,
        ),
    )
