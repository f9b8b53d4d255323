"""What the Kubeflow UI shows of an evaluation of classes."""

from pathlib import Path
from typing import Any

from components.common.dashboard import (
    Artifact,
    ClassesArtifact,
    ScalarsArtifact,
    show_classes,
    show_page,
    show_scalars,
)
from components.evaluate.settings import headline_metrics


def show(
    found: dict[str, Any], page: Path, metrics: ScalarsArtifact, classes: ClassesArtifact, report: Artifact
) -> None:
    """Show the scores, the confusion matrix and the ROC curve, and the report.

    Parameters
    ----------
    found : dict
        What `evaluate` returns.
    page : Path
        Its report.
    metrics, classes, report
        Outputs of the component.
    """
    show_scalars(metrics, headline_metrics(found))
    show_classes(classes, found["classes"], found["curves"]["confusion"], found["curves"]["roc"]["model"])
    show_page(report, page)
