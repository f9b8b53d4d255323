"""Kinds of data whose redshifts can be evaluated: what is particular to each, plugged in here and nowhere else."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from components.common.distributions import BinnedDistribution
from components.common.errors import InputError
from components.common.provenance import Provenance
from components.common.scores import Definition, Floats, Score
from components.evaluate.regression.outcome import Baselines, Measure, Model, Outcome

if TYPE_CHECKING:
    from components.evaluate.regression.evaluation import Evaluation


class Curves(Protocol):
    """What is drawn besides the scores; `risk_coverage` is shown by the Kubeflow UI too."""

    def to_json(self) -> dict[str, Any]:
        """Return the entry of `metrics.json`."""
        ...


class External(Protocol):
    """Predictions for objects from outside."""

    @property
    def outcome(self) -> Outcome:
        """Of all that can be used."""
        ...

    @property
    def within(self) -> npt.NDArray[np.bool_]:
        """Those of them that are scored."""
        ...

    @property
    def provenance(self) -> Provenance:
        """Of these objects."""
        ...

    def misses(self) -> list[dict[str, Any]]:
        """Describe every miss, the worst first."""
        ...

    def write(self, folder: Path) -> None:
        """Write `external_predictions.parquet` and `external_rejected.parquet`."""
        ...


@dataclass(frozen=True)
class Kind:
    """What is particular to a kind of data.

    Attributes
    ----------
    name : str
        Of the kind.
    noun : str
        What the objects are, for a reader.
    inputs : tuple of str
        Columns that a model is given.
    group : str
        Column that is resampled, and was split, as a whole.
    fields : tuple of pyarrow.Field
        Columns that `predictions.parquet` carries over; `id` and `group` are among them.
    point, point_name : callable and str
        Takes a distribution, returns the value that stands for it; and what that is, for a reader.
    measure : Measure
        How the size of an error is told.
    scores : tuple of Definition
        By which model and baselines are judged.
    headline : str
        The one of them at the top of the report.
    published : dict of str to float
        What is published of a score.
    preparation : callable
        Takes the settings of a table, or those that a model stores: what has to be equal in both.
    load_model : callable
        Takes the folder of a model.
    fit_baselines : callable
        Takes table and seed: fits the simpler methods to the training rows.
    draw_curves : callable
        Takes outcome, the settings of the table, the number of resamples and seed.
    write_report : callable
        Takes path and evaluation.
    external : callable
        Takes the table that the model learnt from, a folder, model, baselines and the constant: predicts for the
        objects in the folder, which are from outside.
    extra_scores : callable or None
        Takes outcome, the number of resamples and seed: further scores by name.
    examine : callable or None
        Takes model, outcome and the settings of the table: what `write_report` needs besides.
    sample : int
        Objects whose data are kept for that, as `Outcome.sample`.
    """

    name: str
    noun: str
    inputs: tuple[str, ...]
    group: str
    fields: tuple[Any, ...]
    point: Callable[[BinnedDistribution], Floats]
    point_name: str
    measure: Measure
    scores: tuple[Definition, ...]
    headline: str
    published: Mapping[str, float]
    preparation: Callable[[Mapping[str, Any]], Any]
    load_model: Callable[[Path], Model]
    fit_baselines: Callable[[Path, int], Baselines]
    draw_curves: Callable[[Outcome, Mapping[str, Any], int, int], Any]
    write_report: Callable[[Path, "Evaluation"], None]
    external: Callable[[Path, Path, Model, Baselines, float], External]
    extra_scores: Callable[[Outcome, int, int], dict[str, Score]] | None = None
    examine: Callable[[Model, Outcome, Mapping[str, Any]], Any] | None = None
    sample: int = 0


def find_kind(columns: Sequence[str]) -> Kind:
    """Return the kind of data that a table with these columns holds.

    Raises
    ------
    InputError
        When it is of none.
    """
    from components.evaluate.regression.images import IMAGES
    from components.evaluate.regression.spectra import SPECTRA

    for kind in (SPECTRA, IMAGES):
        if {*kind.inputs, kind.group, "redshift"} <= set(columns):
            return kind
    raise InputError(
        f"The table has columns {', '.join(columns)}: no kind of data whose redshifts can be evaluated.",
        "Give the folder that a preprocess stage wrote.",
    )
