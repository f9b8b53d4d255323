"""Face of the train stage for clusters of stars to Kubeflow."""

from kfp.dsl import Dataset, Input, Model, Output

from components.common.component import component


@component(image="cpu")
def train_clustering(
    dataset: Input[Dataset],
    model: Output[Model],
    method: str,
    compare: list[str],
    library: str,
    selection: str,
    min_cluster_size: int,
    min_samples: int,
    significance: float,
    cmd_score: float,
    epochs: int,
    seed: int,
) -> None:
    """Find the clusters of a region, fit each in its field, and give every star a probability of membership."""
    from pathlib import Path

    from components.train.clustering.settings import Settings
    from components.train.clustering.training import train

    record = train(
        Path(dataset.path),
        Path(model.path),
        Settings(
            method=method,
            compare=tuple(compare),
            library=library,
            selection=selection,
            min_cluster_size=min_cluster_size,
            min_samples=min_samples,
            significance=significance,
            cmd_score=cmd_score,
            epochs=epochs,
            seed=seed,
        ),
    )
    model.metadata.update(method=method, clusters=record["methods"][method]["clusters"])
