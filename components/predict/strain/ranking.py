"""A classifier as a ranking of windows of strain."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]


class Classifier(Protocol):
    """What the search needs of a model folder, such as `train.conv1d.inference.load_model` reads."""

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, noise first."""
        ...

    @property
    def preprocess_settings(self) -> Mapping[str, Any]:
        """How the windows that it was trained on were whitened."""
        ...

    @property
    def is_separable(self) -> bool:
        """Whether it has the two methods at the end."""
        ...

    def outputs(self, strain: npt.NDArray[np.float32], /) -> npt.NDArray[np.float32]:
        """Logarithms of the probabilities of the classes, but for a constant: shape (n, classes)."""
        ...

    def contribution(self, strain: npt.NDArray[np.float32], detector: int) -> npt.NDArray[np.float16]:
        """Return what windows of one detector, shape (n, samples), add to the answer."""
        ...

    def outputs_from(self, *parts: npt.NDArray[np.float16]) -> npt.NDArray[np.float32]:
        """Return outputs from the contributions of all detectors."""
        ...


@dataclass(frozen=True)
class LogOdds:
    """The logarithm of the odds for a wave, which no probability near 1 rounds off."""

    classifier: Classifier

    def predict(self, strain: npt.NDArray[np.float32]) -> FloatArray:
        """Rank windows, shape (n,)."""
        return _odds(self.classifier.outputs(strain))


@dataclass(frozen=True)
class SeparableLogOdds(LogOdds):
    """The same of a model that looks at each detector by itself before it joins them."""

    def contribution(self, strain: npt.NDArray[np.float32], detector: int) -> npt.NDArray[np.float16]:
        """Return what windows of one detector, shape (n, samples), add."""
        return self.classifier.contribution(strain, detector)

    def join(self, *parts: npt.NDArray[np.float16]) -> FloatArray:
        """Rank windows by the contributions of their detectors, shape (n,)."""
        return _odds(self.classifier.outputs_from(*parts))


def rank_by(classifier: Classifier) -> LogOdds:
    """Return the ranking that costs least."""
    return SeparableLogOdds(classifier) if classifier.is_separable else LogOdds(classifier)


def _odds(outputs: npt.NDArray[np.float32]) -> FloatArray:
    found = outputs.astype(np.float64)
    return np.asarray(np.logaddexp.reduce(found[:, 1:], axis=1) - found[:, 0])
