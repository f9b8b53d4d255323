"""Kinds of data whose classes can be evaluated: what is particular to each, plugged in here and nowhere else."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.common.errors import InputError
from components.common.provenance import Provenance
from components.common.rejections import Rejections
from components.common.report import Report
from components.common.scores import Score
from components.common.tables import open_table
from components.evaluate.classification.metrics import Feature
from components.evaluate.classification.outcome import Baselines, Model, Outcome

if TYPE_CHECKING:
    from components.evaluate.classification.report import Evaluation


def no_scores(_: Any) -> dict[str, Score]:
    """Score nothing."""
    return {}


@dataclass(frozen=True)
class External:
    """Predictions for objects from outside.

    Attributes
    ----------
    outcome : Outcome
        Of all that can be used.
    rejections : Rejections
        The rest.
    provenance : Provenance
        Of these objects.
    notes : tuple of str, one for each object
        Warnings about it, as the predict command gives them.
    """

    outcome: Outcome
    rejections: Rejections
    provenance: Provenance
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Kind:
    """What is particular to a kind of data.

    Attributes
    ----------
    name : str
        As models store it under `data`.
    noun : str
        What the objects are, for a reader.
    inputs : tuple of str
        Columns that a model is given.
    group : str
        Column that is resampled, and was split, as a whole.
    fields : tuple of pyarrow.Field
        Columns that `predictions.parquet` carries over; `id` and `group` are among them.
    positive : str
        Class that is looked for.
    features : tuple of Feature
        By which scores are told.
    preparation : callable
        Takes the settings of a table, or those that a model stores: what has to be equal in both.
    load_model : callable
        Takes the folder of a model.
    baselines : callable
        Takes table, model and seed: fits the simpler methods, the majority first.
    extra_scores : callable
        Takes outcome, the number of resamples and seed: further scores by name.
    examine : callable
        Takes model, outcome and the settings of the table: what `add_sections` needs besides.
    add_sections : callable
        Takes report and evaluation: adds the sections that only this kind of data has.
    external : callable or None
        Takes the table that the model learnt from, a folder, model and baselines: predicts for the objects of the
        folder, which come from outside.
    extra_notes : str
        What the further scores are, for a reader; without words there is no table of them.
    found_scores : callable
        Takes what `examine` found: scores of that.
    method : str
        What gives the probabilities, as the report begins with it.
    """

    name: str
    noun: str
    inputs: tuple[str, ...]
    group: str
    fields: tuple[Any, ...]
    positive: str
    features: tuple[Feature, ...]
    preparation: Callable[[Mapping[str, Any]], Any]
    load_model: Callable[[Path], Model]
    baselines: Callable[[Path, Model, int], Baselines]
    extra_scores: Callable[[Outcome, int, int], dict[str, Score]]
    examine: Callable[[Model, Outcome, Mapping[str, Any]], Any]
    add_sections: Callable[[Report, "Evaluation"], None]
    external: Callable[[Path, Path, Model, Baselines], External] | None = None
    extra_notes: str = ""
    found_scores: Callable[[Any], dict[str, Score]] = no_scores
    method: str = "A network"


def find_kind(table: Path) -> Kind:
    """Return the kind of data that a table holds.

    Raises
    ------
    InputError
        When it is of none.
    """
    from components.evaluate.classification.morphology import is_morphology, morphology

    with open_table(table) as file:
        columns = file.schema_arrow.names
    if is_morphology(table, columns):
        return morphology(table, columns)

    from components.evaluate.classification.spectra import SPECTRA
    from components.evaluate.classification.strain import STRAIN

    for kind in (SPECTRA, STRAIN):
        if {*kind.inputs, kind.group, "label"} <= set(columns):
            return kind
    raise InputError(
        f"The table has columns {', '.join(columns)}: no kind of labelled data that can be evaluated.",
        "Give the folder that a preprocess stage wrote, with the classes to be told apart.",
    )
