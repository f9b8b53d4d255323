"""Face of the train stage for moments of parameters from maps to Kubeflow."""

from kfp.dsl import Dataset, Input, Metrics, Model, Output

from components.common.component import component


@component(image="gpu")
def train_moment_network(
    dataset: Input[Dataset],
    model: Output[Model],
    history: Output[Metrics],
    channels: list[int],
    hidden: int,
    dropout: float,
    whole_maps: float,
    invariance: str,
    strength: float,
    compare_marginal: bool,
    epochs: int,
    batch_size: int,
    learning_rate: float,
    patience: int,
    precision: str,
    seed: int,
) -> None:
    """Train the network that says mean and standard deviation of the parameters of universes from their maps."""
    from pathlib import Path

    from components.common.dashboard import show_training
    from components.train.moment_network.training import Settings, train

    train(
        Path(dataset.path),
        Path(model.path),
        Settings(
            channels=[int(count) for count in channels],  # Kubeflow hands over floats
            hidden=hidden,
            dropout=dropout,
            whole_maps=whole_maps,
            invariance=invariance,
            strength=strength,
            compare_marginal=compare_marginal,
            epochs=epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
            patience=patience,
            precision=precision,
            seed=seed,
        ),
    )
    show_training(history, Path(model.path))
