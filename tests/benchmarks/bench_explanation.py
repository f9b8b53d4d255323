"""SHAP values of boosted trees, by the trees' own algorithm beside the one that knows nothing of the model."""

from pathlib import Path
from typing import Any

import numpy as np
import shap

from components.evaluate.classification.explanation import shap_values
from components.ingest.galaxy_zoo.ingestion import Settings as Ingestion
from components.ingest.galaxy_zoo.ingestion import ingest
from components.preprocess.morphology_table.preprocessing import Settings as Preprocessing
from components.preprocess.morphology_table.preprocessing import preprocess
from components.train.boosted_trees.calibration import Calibration
from components.train.boosted_trees.estimators import make_estimator
from components.train.boosted_trees.inference import Contender
from components.train.boosted_trees.rows import read_plan, read_rows

ROWS, BACKGROUND = 20, 30


def test_shap_of_trees_beside_the_model_agnostic_one(ratio: Any, tmp_path: Path) -> None:
    ingest(tmp_path / "raw", Ingestion(rows=3000, seed=1))
    preprocess(tmp_path / "raw", tmp_path / "data", Preprocessing(seed=1))
    table = tmp_path / "data" / "dataset.parquet"
    plan = read_plan(table)
    training, test = (read_rows(table, plan, split, 10_000, 1) for split in ("train", "test"))
    parameters = {"learning_rate": 0.1, "max_leaf_nodes": 6, "min_samples_leaf": 20}
    estimator = make_estimator("boosting", parameters, "balanced", 80, 1, 1).fit(training, 3)
    contender = Contender("boosting", estimator, Calibration(1.0, np.zeros(3)))
    rows = test.features[:ROWS]
    masker = shap.maskers.Independent(training.features[:BACKGROUND], BACKGROUND)

    def agnostic() -> np.ndarray:
        explainer = shap.explainers.Permutation(estimator.scores, masker, seed=1)
        return np.asarray(explainer(rows, silent=True).values)

    def agree(ours: np.ndarray, theirs: np.ndarray) -> bool:
        """Both follow from other expectations of what is not known, so that they are alike and not equal."""
        likeness = np.corrcoef(ours.ravel(), theirs.ravel())[0, 1]
        return bool(ours.shape == theirs.shape and likeness > 0.9)

    ratio(
        f"SHAP values of {ROWS} galaxies",
        ours=lambda: shap_values(contender, rows),
        peer=agnostic,
        peer_name="shap's permutation explainer",
        goal=5.0,
        agree=agree,
    )
