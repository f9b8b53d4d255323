"""What every evaluation is told, and what every one leaves for the Kubeflow UI."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.common.errors import InputError, ParameterError


@dataclass(frozen=True)
class Settings:
    """How to evaluate.

    Attributes
    ----------
    title : str
        Title of the report.
    slug : str
        Name of the exercise, as the command line spells it.
    seed : int
        Of the bootstrap and of the baselines.
    bootstrap : int
        Resamples for the intervals.
    external : str
        Folder of real objects to validate on besides; empty for none.
    data_version : str
        Opaque. Change it to have unchanged settings run anew, because the external files changed.
    """

    title: str = "Evaluation"
    slug: str = "evaluation"
    seed: int = 0
    bootstrap: int = 1000
    external: str = ""
    data_version: str = ""

    def __post_init__(self) -> None:
        if self.bootstrap < 1:
            raise ParameterError(
                f"bootstrap is {self.bootstrap}.", "Give a positive number of resamples, such as 1000."
            )
        if self.external and not Path(self.external).is_dir():
            raise InputError(
                f"There is no folder {self.external}.",
                "Set external to a folder of real objects, or leave it empty.",
            )


def headline_metrics(metrics: dict[str, Any]) -> dict[str, float]:
    """Return the scalar metrics that the Kubeflow UI lists: values only, those of real objects with a prefix."""
    found = {name: entry["value"] for name, entry in metrics["scores"].items()}
    return found | {f"external_{name}": entry["value"] for name, entry in metrics["external"].items()}
