"""Face of prediction for pictures of galaxies to Kubeflow."""

from kfp.dsl import Dataset, Input, Model, Output

from components.common.component import component


@component(image="cpu")
def predict_cutouts(
    model: Input[Model], predictions: Output[Dataset], files: list[str], csv: bool, plots: bool
) -> None:
    """Predict the redshifts of pictures, or of positions in a table, whose pictures are fetched from SkyServer."""
    from pathlib import Path

    from components.predict.cutouts.prediction import predict
    from components.predict.writing import Settings

    paths = [Path(file) for file in files]
    predict(paths, Path(model.path), Path(predictions.path), Settings(csv=csv, plots=plots))
