"""Face of the train stage for regressors to Kubeflow."""

from kfp.dsl import Dataset, Input, Model, Output

from components.common.component import component


@component(image="gpu")
def train_regressors(
    dataset: Input[Dataset],
    models: Output[Model],
    model: Output[Model],
    kinds: list[str],
    features: list[str],
    further: list[str],
    most_rows: int,
    tuning_rows: int,
    folds: int,
    epochs: int,
    seed: int,
    only: str,
) -> None:
    """Tune and train regressors of redshift and magnitude side by side, and single out the best in validation.

    `only` names the one of the kinds to train, where each has a pod of its own; empty means all of them.
    """
    from pathlib import Path

    from components.train.regressors.several import train_several
    from components.train.regressors.training import Settings

    settings = Settings(most_rows=most_rows, tuning_rows=tuning_rows, folds=folds, epochs=epochs, seed=seed)
    train_several(
        Path(dataset.path), Path(models.path), Path(model.path), kinds, features, settings, further, only
    )
