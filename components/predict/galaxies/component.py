"""Face of prediction for spectra of galaxies to Kubeflow."""

from kfp.dsl import Dataset, Input, Model, Output

from components.common.component import component


@component(image="cpu")
def predict_galaxies(
    model: Input[Model], predictions: Output[Dataset], files: list[str], csv: bool, plots: bool
) -> None:
    """Predict redshift and r magnitude of spectrum files, named one by one or by their folder."""
    from pathlib import Path

    from components.predict.galaxies.prediction import predict
    from components.predict.writing import Settings

    paths = [Path(file) for file in files]
    predict(paths, Path(model.path), Path(predictions.path), Settings(csv=csv, plots=plots))
