"""Bootstrapping the area under the ROC curve, beside a loop over resamples with scikit-learn."""

import numpy as np
from sklearn.metrics import roc_auc_score

from components.common.resampling import bootstrap_weights
from components.common.scores_classification import ClassPredictions, roc_auc

ROWS, RESAMPLES = 2500, 200


def test_bootstrap_of_roc_auc_beside_a_loop_of_scikit_learn(ratio) -> None:
    """The same resamples, the same areas."""
    generator = np.random.default_rng(1)
    truth = generator.integers(0, 2, ROWS)
    positive = 1 / (1 + np.exp(-generator.normal(2.0 * truth - 1.0, 1.0)))
    predictions = ClassPredictions(truth, np.column_stack([1 - positive, positive]))
    groups = np.arange(ROWS) // 2

    def ours() -> np.ndarray:
        return np.concatenate([roc_auc(predictions, w) for w in bootstrap_weights(groups, RESAMPLES, 2)])

    def peer() -> np.ndarray:
        weights = np.concatenate(list(bootstrap_weights(groups, RESAMPLES, 2)))
        return np.array([roc_auc_score(truth, positive, sample_weight=w) for w in weights])

    def agree(a: np.ndarray, b: np.ndarray) -> bool:
        return bool(np.allclose(a, b, rtol=1e-9))

    ratio("bootstrap of ROC AUC", ours=ours, peer=peer, peer_name="loop of scikit-learn", agree=agree)
