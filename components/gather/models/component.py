"""Face of the gather stage for models to Kubeflow."""

from kfp.dsl import Input, Model, Output

from components.common.component import component


@component(image="cpu")
def gather_models(parts: Input[list[Model]], models: Output[Model], model: Output[Model]) -> None:
    """Put models that were trained in pods of their own into one folder, and single out the best in validation."""
    from pathlib import Path

    from components.gather.models.gathering import gather

    gather([Path(part.path) for part in parts], Path(models.path), Path(model.path))
