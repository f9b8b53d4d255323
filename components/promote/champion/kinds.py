"""The kinds of models that can be compared, by `kind` and `target` of their `model.json`.

A kind that is missing here can be stored, promoted by hand and rolled back, and its first model becomes the
champion; later ones are not compared. To add one, write how its answers are read and how a model of it is applied
to raw data.
"""

from collections.abc import Mapping
from typing import Any

from components.common.scores import Definition
from components.common.scores_classification import SCORES as CLASS_SCORES
from components.evaluate.model_comparison import scores as model_comparison
from components.evaluate.posterior.scores import SCORES as POSTERIOR
from components.evaluate.reconstruction.scores import SCORES as RECONSTRUCTION
from components.evaluate.regression import photometric, redshift
from components.promote.champion.answers import Kind
from components.promote.champion.classes import apply_classes, read_classes
from components.promote.champion.galaxies import apply_regressor, read_galaxies
from components.promote.champion.memberships import MEMBERSHIPS, apply_memberships, read_memberships
from components.promote.champion.morphology import apply_morphology
from components.promote.champion.pictures import apply_image_cnn, read_pictures
from components.promote.champion.reconstructions import apply_reconstruction, read_reconstructions
from components.promote.champion.redshifts import apply_conv1d, read_redshifts
from components.promote.champion.strain import apply_strain, read_strain
from components.promote.champion.universes import apply_moments, read_posteriors

KINDS: Mapping[tuple[str, str], Kind] = {
    ("conv1d", "redshift"): Kind(redshift.SCORES, read_redshifts, apply_conv1d),
    ("image_cnn", "redshift"): Kind(photometric.SCORES, read_pictures, apply_image_cnn),
    ("regressor", "redshift"): Kind(model_comparison.REDSHIFT, read_galaxies, apply_regressor),
    ("conv1d", "label of spectra"): Kind(CLASS_SCORES, read_classes, apply_classes),
    ("conv1d", "label of strain"): Kind(CLASS_SCORES, read_strain, apply_strain),
    ("boosted_trees", "label of morphology"): Kind(CLASS_SCORES, read_classes, apply_morphology),
    ("variational_autoencoder", "initial"): Kind(RECONSTRUCTION, read_reconstructions, apply_reconstruction),
    ("clustering", "membership"): Kind(MEMBERSHIPS, read_memberships, apply_memberships, learns_labels=False),
    ("moment_network", "parameters"): Kind(POSTERIOR, read_posteriors, apply_moments),
}


def name_of(model: Mapping[str, Any]) -> tuple[str, str]:
    """Return kind and target that a `model.json` names; empty where it names none.

    Classes are labels of something, and how a model of them is applied depends on what.
    """
    target = str(model.get("target", ""))
    if target == "label":
        target = f"label of {model.get('data', '')}".strip()
    return str(model.get("kind", "")), target


def find_score(kind: Kind, headline: str) -> Definition | None:
    """Return the definition of the score that an exercise is judged by, or None where the kind has no such."""
    return next((definition for definition in kind.scores if definition.name == headline), None)
