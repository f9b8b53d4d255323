"""What the Kubeflow UI shows of an evaluation."""

from pathlib import Path
from typing import Any

from components.common.dashboard import Artifact, CurveArtifact, ScalarsArtifact, show_confidence
from components.evaluate import dashboard


def show(
    found: dict[str, Any], page: Path, metrics: ScalarsArtifact, confidence: CurveArtifact, report: Artifact
) -> None:
    """Show the scores, how well sigma tells good redshifts from catastrophic ones, and the report.

    Parameters
    ----------
    found : dict
        What `evaluate` returns.
    page : Path
        Its report.
    metrics, confidence, report
        Outputs of the component.
    """
    dashboard.show(found, page, metrics, report)
    risk = found["curves"]["risk_coverage"]
    show_confidence(confidence, risk["kept"], risk["catastrophic_fraction"])
