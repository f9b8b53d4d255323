"""What an exercise consists of, beside its wiring."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

SHOWN = ("id", "label", "probability", "redshift", "sigma", "low68", "high68", "warning", "warnings")
"""What is shown of objects that are predicted one by one."""


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
    checks : mapping of str to callable
        By parameter that names files: what looks them over before the run, called with the parameter's value and
        with those others that it has arguments for, so that a mistake there is not told after hours of training.
    shown : tuple of str
        Columns of the predictions that the terminal shows, where a prediction has them; the files have all.
    """

    pipeline: Any
    predictor: Any
    presets: Mapping[str, Mapping[str, Any]]
    headline: str
    scores: tuple[str, ...]
    comparability: str
    checks: Mapping[str, Callable[..., None]] = field(default_factory=dict)
    shown: tuple[str, ...] = SHOWN
