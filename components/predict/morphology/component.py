"""Face of classification of new galaxies by their morphology to Kubeflow."""

from kfp.dsl import Dataset, Input, Model, Output

from components.common.component import component


@component(image="cpu")
def predict_morphology(
    model: Input[Model], predictions: Output[Dataset], files: list[str], csv: bool, plots: bool
) -> None:
    """Tell the classes of galaxies in tables, named one by one or by their folder, with a trained model."""
    from pathlib import Path

    from components.predict.morphology.prediction import predict
    from components.predict.writing import Settings

    paths = [Path(file) for file in files]
    predict(paths, Path(model.path), Path(predictions.path), Settings(csv=csv, plots=plots))
