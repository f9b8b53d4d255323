"""What an exercise consists of, beside its wiring."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Definition:
    """An exercise: its pipeline, the presets that size it, and the figure it is judged by.

    Attributes
    ----------
    pipeline : kfp pipeline
        A function decorated with `kfp.dsl.pipeline`; its signature types the parameters.
    predictor : kfp component
        Applies a trained model to files: takes `model` and `files`, writes `predictions`.
    presets : mapping of str to mapping
        Parameters by preset. `smoke` claims nothing, `demo` is honest about its size, `full` is the published
        scale.
    headline : str
        Name of the score that the exercise is judged by.
    scores : tuple of str
        Names of the scores that the terminal shows, best known first; the report has them all.
    comparability : str
        What is published, and which of a run's scores may be held against it.
    """

    pipeline: Any
    predictor: Any
    presets: Mapping[str, Mapping[str, Any]]
    headline: str
    scores: tuple[str, ...]
    comparability: str
