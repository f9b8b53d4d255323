"""What the Kubeflow UI shows of an evaluation of classes."""

from pathlib import Path
from typing import Any

from components.common.dashboard import Artifact, ClassesArtifact, ScalarsArtifact, show_classes
from components.evaluate import dashboard


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
    dashboard.show(found, page, metrics, report)
    show_classes(classes, found["classes"], found["curves"]["confusion"], found["curves"]["roc"]["model"])
