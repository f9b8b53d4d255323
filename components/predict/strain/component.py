"""Face of the search for gravitational waves to Kubeflow."""

from kfp.dsl import Dataset, Input, Model, Output

from components.common.component import component


@component(image="cpu")
def predict_strain(
    model: Input[Model],
    predictions: Output[Dataset],
    files: list[str],
    csv: bool,
    plots: bool,
) -> None:
    """Search strain files, one a detector, with a trained model: a ranked, timed list with false-alarm rates."""
    from pathlib import Path

    from components.predict.strain.prediction import Settings, predict

    paths = [Path(file) for file in files]
    predict(paths, Path(model.path), Path(predictions.path), Settings(csv=csv, plots=plots))
