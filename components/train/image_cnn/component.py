"""Face of the train stage for networks of cutouts to Kubeflow."""

from kfp.dsl import Dataset, Input, Metrics, Model, Output

from components.common.component import component


@component(image="gpu")
def train_image_cnn(
    dataset: Input[Dataset],
    model: Output[Model],
    history: Output[Metrics],
    target: str,
    inputs: str,
    channels: list[int],
    blocks: list[int],
    hidden: int,
    dropout: float,
    epochs: int,
    batch_size: int,
    learning_rate: float,
    patience: int,
    precision: str,
    seed: int,
) -> None:
    """Train the convolutional network on cutouts of galaxies, with their magnitudes or without."""
    from pathlib import Path

    from components.common.dashboard import show_training
    from components.train.image_cnn.training import Settings, train

    train(
        Path(dataset.path),
        Path(model.path),
        Settings(
            target=target,
            inputs=inputs,
            channels=[int(count) for count in channels],  # Kubeflow hands over floats
            blocks=[int(count) for count in blocks],
            hidden=hidden,
            dropout=dropout,
            epochs=epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
            patience=patience,
            precision=precision,
            seed=seed,
        ),
    )
    show_training(history, Path(model.path))
