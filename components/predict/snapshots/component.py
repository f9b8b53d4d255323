"""Face of prediction on new snapshots to Kubeflow."""

from kfp.dsl import Dataset, Input, Model, Output

from components.common.component import component


@component(image="gpu")
def predict_snapshots(
    model: Input[Model], predictions: Output[Dataset], files: list[str], csv: bool, plots: bool
) -> None:
    """Reconstruct the initial density of snapshots that are named one by one or by folder."""
    from pathlib import Path

    from components.predict.snapshots.prediction import predict
    from components.predict.writing import Settings

    paths = [Path(file) for file in files]
    predict(paths, Path(model.path), Path(predictions.path), Settings(csv=csv, plots=plots))
