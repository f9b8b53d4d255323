"""What the Kubeflow UI shows of every evaluation."""

from pathlib import Path
from typing import Any

from components.common.dashboard import Artifact, ScalarsArtifact, show_page, show_scalars
from components.evaluate.settings import headline_metrics


def show(found: dict[str, Any], page: Path, metrics: ScalarsArtifact, report: Artifact) -> None:
    """Show the scores and the report.

    Parameters
    ----------
    found : dict
        What `evaluate` returns.
    page : Path
        Its report.
    metrics, report
        Outputs of the component.
    """
    show_scalars(metrics, headline_metrics(found))
    show_page(report, page)
