"""Face of the train stage for regressors to Kubeflow."""

from kfp.dsl import Dataset, Input, Model, Output

from components.common.component import component


@component(image="gpu")
def train_regressor(
    dataset: Input[Dataset],
    model: Output[Model],
    model_kind: str,
    features: str,
    most_rows: int,
    tuning_rows: int,
    folds: int,
    epochs: int,
    seed: int,
) -> None:
    """Tune and train one kind of regressor on pixels or principal components, for redshift and magnitude."""
    from pathlib import Path

    from components.train.regressors.training import Settings, train

    record = train(
        Path(dataset.path),
        Path(model.path),
        Settings(
            model_kind=model_kind,
            features=features,
            most_rows=most_rows,
            tuning_rows=tuning_rows,
            folds=folds,
            epochs=epochs,
            seed=seed,
        ),
    )
    model.metadata.update(model_kind=model_kind, features=features, **record["validation"])
