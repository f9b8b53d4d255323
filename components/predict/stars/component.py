"""Face of prediction on new stars to Kubeflow."""

from kfp.dsl import Dataset, Input, Model, Output

from components.common.component import component


@component(image="cpu")
def predict_stars(
    model: Input[Model], predictions: Output[Dataset], files: list[str], csv: bool, plots: bool
) -> None:
    """Give the stars of files, named one by one or by folder, a probability of membership of found clusters."""
    from pathlib import Path

    from components.predict.stars.prediction import predict
    from components.predict.writing import Settings

    paths = [Path(file) for file in files]
    predict(paths, Path(model.path), Path(predictions.path), Settings(csv=csv, plots=plots))
