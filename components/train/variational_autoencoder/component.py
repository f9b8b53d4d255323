"""Face of the train stage for reconstructions of initial fields to Kubeflow."""

from kfp.dsl import Dataset, Input, Metrics, Model, Output

from components.common.component import component


@component(image="gpu")
def train_variational_autoencoder(
    dataset: Input[Dataset],
    model: Output[Model],
    history: Output[Metrics],
    cells: int,
    width: int,
    latents: int,
    free_nats: float,
    plain: bool,
    epochs: int,
    batch_size: int,
    learning_rate: float,
    patience: int,
    precision: str,
    seed: int,
) -> None:
    """Train the conditional variational autoencoder on slices of simulations, and a plain U-Net beside it."""
    from pathlib import Path

    from components.common.dashboard import show_training
    from components.train.variational_autoencoder.training import Settings, train

    settings = Settings(
        cells=cells,
        width=width,
        latents=latents,
        free_nats=free_nats,
        plain=plain,
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        patience=patience,
        precision=precision,
        seed=seed,
    )
    train(Path(dataset.path), Path(model.path), settings)
    show_training(history, Path(model.path))
