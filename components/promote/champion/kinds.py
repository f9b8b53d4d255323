"""The kinds of models that can be compared, by `kind` and `target` of their `model.json`.

A kind that is missing here can be stored, promoted by hand and rolled back, and its first model becomes the
champion; later ones are not compared. To add one, write how its answers are read and how a model of it is applied
to raw data.
"""

from collections.abc import Mapping
from typing import Any

from components.common.scores import Definition
from components.evaluate.regression import redshift
from components.promote.champion.answers import Kind
from components.promote.champion.redshifts import apply_conv1d, read_redshifts

KINDS: Mapping[tuple[str, str], Kind] = {
    ("conv1d", "redshift"): Kind(redshift.SCORES, read_redshifts, apply_conv1d),
}


def name_of(model: Mapping[str, Any]) -> tuple[str, str]:
    """Return kind and target that a `model.json` names; empty where it names none."""
    return str(model.get("kind", "")), str(model.get("target", ""))


def find_score(kind: Kind, headline: str) -> Definition | None:
    """Return the definition of the score that an exercise is judged by, or None where the kind has no such."""
    return next((definition for definition in kind.scores if definition.name == headline), None)
