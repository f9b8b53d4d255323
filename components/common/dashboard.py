"""What the Kubeflow UI shows of a stage: scalars, a curve, a page.

Each output of a component needs a file at its path, or Kubeflow shows an error and never serves the stage from its
cache. The artifacts are those of `kfp.dsl`, told apart by what they can do, so that nothing here imports it.
"""

import json
import math
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from components.common.files import read_json


class Artifact(Protocol):
    """An output of a component."""

    path: str


class ScalarsArtifact(Artifact, Protocol):
    """A `kfp.dsl.Metrics`."""

    def log_metric(self, metric: str, value: float) -> None:
        """Add a number."""


class CurveArtifact(Artifact, Protocol):
    """A `kfp.dsl.ClassificationMetrics`."""

    def log_roc_curve(self, fpr: list[float], tpr: list[float], threshold: list[float]) -> None:
        """Add a curve."""


class ClassesArtifact(CurveArtifact, Protocol):
    """A `kfp.dsl.ClassificationMetrics`, of which also the confusion matrix is used."""

    def log_confusion_matrix(self, categories: list[str], matrix: list[list[int]]) -> None:
        """Add a matrix: rows are true classes."""


def show_scalars(artifact: ScalarsArtifact, values: Mapping[str, float | None]) -> None:
    """List numbers; those that could not be computed are left out."""
    finite = {name: float(value) for name, value in values.items() if value is not None and math.isfinite(value)}
    for name, value in finite.items():
        artifact.log_metric(name, value)
    _write(artifact, finite)


def show_training(artifact: ScalarsArtifact, model: Path) -> None:
    """List the numbers of the epoch, or round of boosting, with the lowest validation loss in `history.json`."""
    steps = read_json(model / "history.json")
    best = min(steps, key=lambda step: step["validation_loss"]) if steps else {}
    show_scalars(artifact, {**best, "rounds_run" if "round" in best else "epochs_run": len(steps)})


def show_confidence(artifact: CurveArtifact, kept: Sequence[float], wrong: Sequence[float]) -> None:
    """Draw how well a model's uncertainty tells its right answers from the wrong ones, as a ROC curve.

    Parameters
    ----------
    artifact : CurveArtifact
        Where to draw.
    kept : sequence of float
        Fractions of the objects that are kept, in order of rising uncertainty; the last is 1.
    wrong : sequence of float
        Fraction of wrong answers among the kept ones.

    Notes
    -----
    The threshold of a point is the fraction that is left out. Without a wrong answer, or a right one, there is no
    such curve, and none is drawn.
    """
    curve: dict[str, list[float]] = {"fpr": [], "tpr": [], "threshold": []}
    if kept and 0 < wrong[-1] < 1:
        curve["fpr"] = [0.0, *(k * w / wrong[-1] for k, w in zip(kept, wrong, strict=True))]
        curve["tpr"] = [0.0, *(k * (1 - w) / (1 - wrong[-1]) for k, w in zip(kept, wrong, strict=True))]
        curve["threshold"] = [1.0, *(1 - k for k in kept)]
        artifact.log_roc_curve(**curve)
    _write(artifact, curve)


def show_classes(
    artifact: ClassesArtifact,
    classes: Sequence[str],
    confusion: Sequence[Sequence[int]],
    roc: Mapping[str, Sequence[float]],
) -> None:
    """Draw a confusion matrix and a ROC curve.

    Parameters
    ----------
    artifact : ClassesArtifact
        Where to draw.
    classes : sequence of str
        Names.
    confusion : sequence of sequence of int
        Objects by true class (row) and predicted one.
    roc : mapping of str to sequence of float
        `fpr`, `tpr` and `threshold`.
    """
    matrix = [[int(count) for count in row] for row in confusion]
    curve = {name: [float(value) for value in roc[name]] for name in ("fpr", "tpr", "threshold")}
    artifact.log_confusion_matrix(list(classes), matrix)
    artifact.log_roc_curve(**curve)
    _write(artifact, {"classes": list(classes), "confusion": matrix, "roc": curve})


def show_page(artifact: Artifact, page: Path) -> None:
    """Show a self-contained HTML file."""
    Path(artifact.path).parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(page, artifact.path)


def _write(artifact: Artifact, content: Any) -> None:
    path = Path(artifact.path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")
