"""Face of the train stage for features in a table to Kubeflow."""

from kfp.dsl import Dataset, Input, Metrics, Model, Output

from components.common.component import component


@component(image="gpu")
def train_boosted_trees(
    dataset: Input[Dataset],
    model: Output[Model],
    history: Output[Metrics],
    kinds: list[str],
    choice: str,
    class_weight: str,
    most_rows: int,
    tuning_rows: int,
    folds: int,
    iterations: int,
    epochs: int,
    seed: int,
) -> None:
    """Tune boosted trees, a forest, a logistic regression and a network, calibrate and compare them."""
    from pathlib import Path

    from components.common.dashboard import show_training
    from components.train.boosted_trees.training import Settings, train

    sizes = {"most_rows": most_rows, "tuning_rows": tuning_rows, "folds": folds, "iterations": iterations}
    train(
        Path(dataset.path),
        Path(model.path),
        Settings(kinds, choice, class_weight, epochs=epochs, seed=seed, **sizes),
    )
    show_training(history, Path(model.path))
