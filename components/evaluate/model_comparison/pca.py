"""What principal components keep of the spectra, and how many of them each model wants."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from components.common.scores import Floats
from components.common.tables import read_batches
from components.train.regressors.estimators import COMPONENT_COUNTS
from components.train.regressors.features import COLUMNS, describe
from components.train.regressors.inference import RegressorModel
from components.train.regressors.principal_components import PrincipalComponents


@dataclass(frozen=True)
class Components:
    """Principal components, judged.

    Attributes
    ----------
    projection : PrincipalComponents
        Fitted to training rows.
    counts : list of int
        Numbers of components that were tried.
    explained : ndarray, shape (counts,)
        Share of the training variance.
    residual : ndarray, shape (counts,)
        Root mean square of what is left of test spectra.
    tried : dict of str to (list of int, list of float)
        By model: numbers of components, and the redshift error in cross-validation, km/s.
    chosen : dict of str to int
        By model.
    """

    projection: PrincipalComponents
    counts: list[int]
    explained: Floats
    residual: Floats
    tried: dict[str, tuple[list[int], list[float]]]
    chosen: dict[str, int]

    def to_json(self) -> dict[str, Any]:
        """Return the entry of `metrics.json`."""
        return {
            "components": self.counts,
            "explained_variance": self.explained.tolist(),
            "reconstruction_rms": self.residual.tolist(),
            "cross_validation": {
                name: {"components": counts, "nmad_km_s": values} for name, (counts, values) in self.tried.items()
            },
            "chosen": self.chosen,
        }


def judge_components(table: Path, models: Sequence[RegressorModel]) -> Components | None:
    """Judge the components of the models that see any; None where no model does."""
    of_components = [model for model in models if model.projection is not None]
    if not of_components:
        return None
    projection = of_components[0].projection
    assert projection is not None
    counts = [count for count in COMPONENT_COUNTS if count <= len(projection.axes)] or [len(projection.axes)]
    batch = next(read_batches(table, list(COLUMNS), "test"))
    residual = projection.reconstruction_error(describe(batch).pixels, batch["ivar"], counts)
    explained = np.cumsum(projection.variance)[np.array(counts) - 1] / projection.total_variance
    tried = {model.record["settings"]["model_kind"]: _curve(model.record["tuning"]) for model in of_components}
    chosen = {
        model.record["settings"]["model_kind"]: int(model.record["parameters"]["components"])
        for model in of_components
    }
    return Components(projection, counts, explained, residual, tried, chosen)


def _curve(tuning: list[dict[str, Any]]) -> tuple[list[int], list[float]]:
    """For each number of components, the error of the candidate that was best with it."""
    best: dict[int, dict[str, Any]] = {}
    for entry in tuning:  # best first
        best.setdefault(int(entry["components"]), entry)
    counts = sorted(best)
    return counts, [float(best[count]["nmad_km_s"]) for count in counts]
