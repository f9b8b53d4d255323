"""Face of the train stage for one-dimensional networks to Kubeflow."""

from kfp.dsl import Dataset, Input, Metrics, Model, Output

from components.common.component import component


@component(image="gpu")
def train_conv1d(
    dataset: Input[Dataset],
    model: Output[Model],
    history: Output[Metrics],
    target: str,
    architecture: str,
    kernels: list[int],
    channels: list[int],
    templates: int,
    dropout: float,
    epochs: int,
    batch_size: int,
    learning_rate: float,
    patience: int,
    precision: str,
    seed: int,
) -> None:
    """Train the one-dimensional convolutional network on spectra or strain."""
    from pathlib import Path

    from components.common.dashboard import show_training
    from components.train.conv1d.training import Settings, train

    train(
        Path(dataset.path),
        Path(model.path),
        Settings(
            target=target,
            architecture=architecture,
            kernels=[int(kernel) for kernel in kernels],  # Kubeflow hands over floats
            channels=[int(channel) for channel in channels],
            templates=templates,
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
