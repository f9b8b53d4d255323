"""Everything that the report of a comparison tells."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from components.common.provenance import Provenance
from components.common.scores import Floats, Score
from components.evaluate.model_comparison.contest import Contest, Entry
from components.evaluate.model_comparison.exploration import Exploration
from components.evaluate.model_comparison.external import External
from components.evaluate.model_comparison.further import Further
from components.evaluate.model_comparison.pca import Components
from components.physics.wavelength_grid import WavelengthGrid


@dataclass(frozen=True)
class Findings:
    """Everything that the report tells; see `components.evaluate.model_comparison.evaluation`."""

    title: str
    slug: str
    provenance: Provenance
    grid: WavelengthGrid
    contest: Contest
    chosen: int
    scored: list[dict[str, Score]]
    constant: dict[str, Score]
    scan: dict[str, Score]
    roc: dict[str, dict[str, Any]]
    confusion_edges: Floats
    confusion: npt.NDArray[np.int64]
    exploration: Exploration
    components: Components | None
    by_feature: dict[str, list[dict[str, Any]]]
    external: External | None
    further: tuple[Further, ...] = ()

    @property
    def best(self) -> Entry:
        """The learned model that was best on validation rows."""
        return self.contest.entries[self.chosen]
