"""All that an evaluation of posteriors finds, for the report and for `metrics.json`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from components.common.provenance import Provenance
from components.common.scores import Score
from components.evaluate.posterior.importance import Importance
from components.evaluate.posterior.scores import Chance, Posterior

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Sample:
    """Maps of one origin, and what is said of them.

    Attributes
    ----------
    ids, groups, names : ndarray of str, shape (n,)
        Of the maps; of the universes, which are resampled as wholes; suite and set.
    posterior : Posterior
        By the network.
    single : Posterior
        By the network that is shown the first field alone, beside that field's power spectrum.
    baselines : dict of str to ndarray, shape (n, 2)
        By method.
    """

    ids: npt.NDArray[Any]
    groups: npt.NDArray[Any]
    names: npt.NDArray[Any]
    posterior: Posterior
    single: Posterior
    baselines: Mapping[str, Floats]

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, rows: npt.NDArray[Any]) -> "Sample":
        return Sample(
            self.ids[rows],
            self.groups[rows],
            self.names[rows],
            self.posterior[rows],
            self.single[rows],
            {name: values[rows] for name, values in self.baselines.items()},
        )


@dataclass(frozen=True)
class Look:
    """Where the network looks.

    Attributes
    ----------
    density, saliency : ndarray, shape (grid, grid)
        One map of the first field, as prepared, and what omega_m there depends on.
    name : str
        Of the map.
    shares : dict of str to tuple of float
        By kind of place: share of the area, and of the saliency of omega_m and of sigma_8.
    """

    density: Floats
    saliency: Floats
    name: str
    shares: Mapping[str, tuple[float, float, float]]


@dataclass(frozen=True)
class External:
    """Maps of other files.

    Attributes
    ----------
    provenance : Provenance
        Of the maps.
    sample : Sample
        What is said of them.
    scores : dict of str to Score
        Of the network.
    by_suite : dict of str to dict of str to Score
        The same by suite and set.
    """

    provenance: Provenance
    sample: Sample
    scores: dict[str, Score]
    by_suite: dict[str, dict[str, Score]]


@dataclass(frozen=True)
class Outcome:
    """All that the report tells.

    Attributes
    ----------
    provenance : Provenance
        Of the data.
    fields : list of str
        Of the maps.
    sample : Sample
        Test maps of the suites and sets that were trained on.
    scores, single_scores : dict of str to Score
        Of the network, with all fields and with the first alone.
    baselines : dict of str to dict of str to Score
        By method.
    chance : Chance or None
        Largest correlation with feedback that chance gives.
    marginal : dict of str to Score
        Of the network that was trained without independence of feedback; empty without one.
    elsewhere : dict of str to dict of str to Score
        On suites and sets that were not trained on, by their names.
    importance : Importance
        Which fields matter.
    look : Look
        Where the network looks.
    invariance : str
        How independence was sought.
    external : External or None
        Of other files, where they were given.
    history, history_marginal : sequence of dict
        Of the trainings.
    """

    provenance: Provenance
    fields: list[str]
    sample: Sample
    scores: dict[str, Score]
    single_scores: dict[str, Score]
    baselines: dict[str, dict[str, Score]]
    chance: Chance | None
    marginal: dict[str, Score]
    elsewhere: dict[str, dict[str, Score]]
    importance: Importance
    look: Look
    invariance: str
    external: External | None = None
    history: Sequence[Mapping[str, Any]] = field(default_factory=list)
    history_marginal: Sequence[Mapping[str, Any]] = field(default_factory=list)

    @property
    def cost(self) -> dict[str, float]:
        """How many times larger the rms errors are for the independence; empty where nothing tells."""
        names = ("omega_m_rms", "sigma_8_rms")
        return {name: self.scores[name].value / self.marginal[name].value for name in names if self.marginal}
