"""Face of the preprocess stage for galaxy morphology to Kubeflow."""

from kfp.dsl import Dataset, Input, Output

from components.common.component import component


@component(image="cpu")
def preprocess_morphology_table(
    galaxies: Input[Dataset],
    dataset: Output[Dataset],
    task: str,
    level: str,
    minimum_members: int,
    correlation: float,
    validation_fraction: float,
    test_fraction: float,
    seed: int,
) -> None:
    """Choose the columns that a model of morphology may see, make labels of class strings, and split by galaxy."""
    from pathlib import Path

    from components.preprocess.morphology_table.preprocessing import Settings, preprocess

    settings = Settings(
        task=task,
        level=level,
        minimum_members=minimum_members,
        correlation=correlation,
        validation_fraction=validation_fraction,
        test_fraction=test_fraction,
        seed=seed,
    )
    preprocess(Path(galaxies.path), Path(dataset.path), settings)
