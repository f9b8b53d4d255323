"""The champion, tried on the objects that a challenger was tested on."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from components.common.errors import InputError
from components.common.files import read_json
from components.common.models import read_model_json
from components.common.splits import splits_of
from components.promote.champion.answers import Answers, Kind, OtherQuestionError
from components.promote.champion.comparison import LEAST_GROUPS, Comparison, compare
from components.promote.champion.kinds import KINDS, find_score, name_of

LEARNT_FROM = "the champion was trained or validated on them"
UNUSABLE = "the champion cannot use them"


@dataclass(frozen=True)
class Trial:
    """How it went.

    Attributes
    ----------
    comparison : Comparison or None
        None where the two could not be compared.
    why_not : str
        Then the reason.
    tested : int
        Objects that the challenger was tested on.
    left_out : dict of str to int
        How many of these were left out of both scores, by reason.
    """

    comparison: Comparison | None
    why_not: str = ""
    tested: int = 0
    left_out: Mapping[str, int] = field(default_factory=dict)


def hold_trial(
    champion: Path, challenger: Path, source: Path, results: Path, headline: str, resamples: int, seed: int
) -> Trial:
    """Apply the champion to the raw rows of the challenger's test objects, and compare.

    Objects that the champion learnt from would flatter it, so both are judged without them. Those that its
    preprocessing rejects are left out of both too: it says nothing about them, and its score is of what it says.

    Parameters
    ----------
    champion, challenger : Path
        Model folders.
    source, results : Path
        What ingest and evaluate wrote in the challenger's run.
    headline : str
        Name of the score that decides.
    resamples, seed : int
        Of the bootstrap.

    Raises
    ------
    InputError
        When the champion cannot be read, or the raw data lack the objects.
    """
    ours, its = read_model_json(challenger), read_model_json(champion)
    kind, other = KINDS.get(name_of(ours)), KINDS.get(name_of(its))
    if kind is None or other is None:
        unknown = name_of(ours if kind is None else its)
        return Trial(
            None, f"models of the kind {' of '.join(filter(None, unknown)) or 'unknown'} have no comparison"
        )
    definition = find_score(kind, headline)
    if definition is None or find_score(other, headline) != definition:
        return Trial(None, f"the two have no score {headline!r} in common")
    answers = kind.read(results)
    tested = len(answers)
    unseen = _unseen(other, its, answers.groups, read_json(results / "metrics.json"))
    if unseen is None:
        return Trial(None, "the champion does not say which objects it learnt from", tested)
    left_out = {LEARNT_FROM: int(tested - unseen.sum())}
    answers = answers[np.flatnonzero(unseen)]
    if len(answers):
        try:
            applied_rows, predictions, answers = _apply(other, champion, source, answers)
        except OtherQuestionError as error:
            return Trial(None, error.problem.removesuffix(".").replace("The", "the", 1), tested)
        left_out[UNUSABLE] = int(tested - left_out[LEARNT_FROM] - applied_rows)
    objects = np.unique(answers.groups).size
    if objects < LEAST_GROUPS:
        reason = f"{objects} objects that both can be tested on are too few, {LEAST_GROUPS} are needed"
        return Trial(None, reason, tested, left_out)
    found = compare(definition, predictions, answers.predictions, answers.groups, resamples, seed)
    return Trial(found, tested=tested, left_out=left_out)


def _apply(kind: Kind, champion: Path, source: Path, answers: Answers) -> tuple[int, Any, Answers]:
    applied = kind.apply(champion, source, answers)
    return len(applied.rows), applied.predictions, answers[applied.rows]


def _unseen(
    kind: Kind, champion: Mapping[str, Any], groups: npt.NDArray[Any], metrics: Mapping[str, Any]
) -> npt.NDArray[np.bool_] | None:
    """Which objects the champion has not learnt from; None where it does not say how its own were split."""
    learnt_from = champion.get("training", {}).get("data")
    other_data = learnt_from and _of_other_data(json.loads(learnt_from), metrics["provenance"])
    if other_data or not kind.learns_labels:
        return np.ones(len(groups), dtype=bool)
    split = champion.get("preprocess", {}).get("split")
    if split is None:
        return None
    try:
        return np.asarray(splits_of(groups, **split) == "test")
    except TypeError as error:
        raise InputError(
            f"The champion says that its objects were split by {split}, which means nothing here: {error}.",
            "Promote a model of this version of the software by hand: `armillary models promote`.",
        ) from error


def _of_other_data(champion: Mapping[str, Any], challenger: Mapping[str, Any]) -> bool:
    """Whether two data sets surely share no object: of another origin, or simulated with another seed.

    Names of objects alone do not tell, as anything may be named like anything. So otherwise all objects count as
    if they had been in the champion's data, and its split decides.
    """
    if champion["origin"] != challenger["origin"]:
        return "simulated" in (champion["origin"], challenger["origin"])
    return bool(champion["origin"] == "simulated" and champion["seed"] != challenger["seed"])
