"""Face of prediction on new maps to Kubeflow."""

from kfp.dsl import Dataset, Input, Model, Output

from components.common.component import component


@component(image="gpu")
def predict_maps(
    model: Input[Model], predictions: Output[Dataset], files: list[str], csv: bool, plots: bool
) -> None:
    """Predict the parameters of the universes in map files, named one by one or by folder."""
    from pathlib import Path

    from components.predict.maps.prediction import predict
    from components.predict.writing import Settings

    paths = [Path(file) for file in files]
    predict(paths, Path(model.path), Path(predictions.path), Settings(csv=csv, plots=plots))
