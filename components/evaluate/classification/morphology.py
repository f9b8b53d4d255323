"""Features of galaxies as a kind of data whose classes are evaluated: which features, the table says."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from components.common.scores import Score
from components.common.tables import column, read_settings
from components.evaluate.classification.kinds import Kind
from components.evaluate.classification.metrics import Feature
from components.evaluate.classification.morphology_baselines import MorphologyBaselines
from components.evaluate.classification.morphology_ceiling import ceiling_scores
from components.evaluate.classification.morphology_external import validate
from components.evaluate.classification.morphology_findings import Findings, examine
from components.evaluate.classification.morphology_report import add_sections
from components.evaluate.classification.outcome import LABEL, Outcome
from components.train.boosted_trees.inference import DATA, load_model

GROUP = "object_id"
AGREEMENT = "agreement"

_TOLD_BY = (
    Feature(AGREEMENT, "agreement of the votes", (0.0, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, np.inf), "accuracy"),
    Feature("petro_mag_r", "Petrosian magnitude r", (0, 14, 15, 15.5, 16, 16.5, np.inf), "accuracy"),
    Feature("petro_r50_r", "half-light radius in arcsec", (0, 2, 3, 4, 5, 7, np.inf), "accuracy"),
    Feature("redshift", "redshift", (0.0, 0.03, 0.05, 0.07, 0.09, 0.12, 0.16, np.inf), "accuracy"),
)
_PREPARED = ("task", "level", "features", "classes")


def is_morphology(table: Path, columns: Sequence[str]) -> bool:
    """Tell whether a table with these columns is one of features and classes."""
    settings = read_settings(table)
    return bool(settings.get("features")) and {*settings["features"], GROUP, LABEL} <= set(columns)


def morphology(table: Path, columns: Sequence[str]) -> Kind:
    """Return the kind of data that a table with these columns holds."""
    settings = read_settings(table)
    features, classes = tuple(settings["features"]), tuple(settings["classes"])
    told = [feature.column for feature in _TOLD_BY if feature.column in columns]
    fields = (
        column("id", "string", "galaxy"),
        column(GROUP, "string", "object on the sky"),
        *(column(name, "float32", "as in the data set") for name in dict.fromkeys([*features, *told])),
    )
    return Kind(
        name=DATA,
        noun="galaxies",
        inputs=features,
        group=GROUP,
        fields=fields,
        positive=classes[0],
        features=tuple(feature for feature in _TOLD_BY if feature.column in columns),
        preparation=_preparation,
        load_model=load_model,
        baselines=MorphologyBaselines,
        extra_scores=_extra_scores,
        examine=partial(examine, table.parent),
        add_sections=add_sections,
        external=partial(validate, [field.name for field in fields], GROUP),
        extra_notes="Macro F1 below ceiling: by how much the mean F1 of the Bayes rule is above that of the "
        "model; the simulator knows the probabilities on which no method can improve. SHAP permutation rank "
        "correlation: of the importance of the groups of features, by two methods.",
        found_scores=_found_scores,
        method="A classifier",
    )


def _preparation(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {name: settings.get(name) for name in _PREPARED}


def _extra_scores(outcome: Outcome, resamples: int, seed: int) -> dict[str, Score]:
    return ceiling_scores(outcome, outcome.columns[GROUP], resamples, seed)


def _found_scores(findings: Findings) -> dict[str, Score]:
    agreement = findings.explanation.agreement
    return {"shap_permutation_rank_correlation": agreement} if agreement else {}
