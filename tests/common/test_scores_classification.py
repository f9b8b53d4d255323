"""Scores of classifications: scikit-learn agrees, also under weights, and edges are defined."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from components.common.errors import InputError
from components.common.scores import score
from components.common.scores_classification import (
    CALIBRATION_BINS,
    SCORES,
    ClassPredictions,
    majority,
    purity_at_completeness,
    recalls,
    require_two_classes,
    small_sample_interval,
    tpr_at_fpr,
)

COMPUTE = {definition.name: definition.compute for definition in SCORES}


def draw(rows: int, classes: int, seed: int, decimals: int = 2) -> tuple[ClassPredictions, np.ndarray]:
    """Predictions with ties, and whole weights as of a bootstrap."""
    rng = np.random.default_rng(seed)
    truth = np.concatenate([np.arange(classes), rng.integers(0, classes, rows - classes)])
    logits = rng.standard_normal((rows, classes)) + 1.2 * np.eye(classes)[truth]
    probability = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    # Steps of a power of two: the two probabilities of a row add up to exactly one.
    probability[:, 0] = np.round(probability[:, 0] * 2**5) / 2**5
    probability[:, 1:] *= ((1 - probability[:, 0]) / probability[:, 1:].sum(axis=1))[:, None]
    weights = np.stack([np.ones(rows), rng.integers(1, 4, rows)]).astype(np.float64)
    return ClassPredictions(truth, probability, positive=1), weights


@pytest.mark.parametrize("seed", range(5))
def test_two_classes_are_scored_as_scikit_learn_does(seed: int) -> None:
    p, weights = draw(300, 2, seed)
    positive, truth, predicted = p.probability[:, 1], p.truth, p.predicted
    for row, w in enumerate(weights):
        expected = {
            "balanced_accuracy": metrics.balanced_accuracy_score(truth, predicted, sample_weight=w),
            "accuracy": metrics.accuracy_score(truth, predicted, sample_weight=w),
            "macro_f1": metrics.f1_score(truth, predicted, average="macro", sample_weight=w),
            "roc_auc": metrics.roc_auc_score(truth, positive, sample_weight=w),
            "average_precision": metrics.average_precision_score(truth, positive, sample_weight=w),
            "brier": metrics.brier_score_loss(truth, positive, sample_weight=w),
        }
        fpr, tpr, _ = metrics.roc_curve(truth, positive, sample_weight=w, drop_intermediate=False)
        for name, rate in (("1e-1", 0.1), ("1e-2", 0.01), ("1e-3", 0.001)):
            expected[f"tpr_at_fpr_{name}"] = tpr[fpr <= rate].max()
        precision, recall, _ = metrics.precision_recall_curve(truth, positive, sample_weight=w)
        expected["purity_at_99_completeness"] = precision[recall >= 0.99 * (1 - 1e-12)][-1]
        for name, value in expected.items():
            assert COMPUTE[name](p, weights)[row] == pytest.approx(value, rel=1e-9), name


@pytest.mark.parametrize("seed", range(3))
def test_three_classes_are_scored_as_scikit_learn_does(seed: int) -> None:
    p, weights = draw(300, 3, seed)
    truth = np.eye(3)[p.truth]
    for row, w in enumerate(weights):
        each = {"average": "macro", "sample_weight": w}
        expected = {
            "balanced_accuracy": metrics.balanced_accuracy_score(p.truth, p.predicted, sample_weight=w),
            "macro_f1": metrics.f1_score(p.truth, p.predicted, **each),
            "roc_auc": metrics.roc_auc_score(p.truth, p.probability, multi_class="ovr", **each),
            "average_precision": metrics.average_precision_score(truth, p.probability, **each),
            "log_loss": metrics.log_loss(p.truth, np.clip(p.probability, 1e-15, 1), sample_weight=w),
            "brier": np.average(((p.probability - truth) ** 2).sum(axis=1), weights=w),
        }
        for name, value in expected.items():
            assert COMPUTE[name](p, weights)[row] == pytest.approx(value, rel=1e-6), name


@given(st.integers(0, 10_000))
def test_a_weight_is_a_repetition(seed: int) -> None:
    p, weights = draw(40, 2, seed)
    repeated = np.repeat(np.arange(40), weights[1].astype(int))
    ones = np.ones((1, repeated.size))
    for definition in SCORES:
        one, other = definition.compute(p, weights[1:]), definition.compute(p[repeated], ones)
        np.testing.assert_allclose(one, other, rtol=1e-9, err_msg=definition.name)


def test_the_calibration_error_is_the_distance_of_confidence_from_accuracy() -> None:
    confidence = np.repeat([0.62, 0.95], 100)
    right = np.concatenate([np.arange(100) < 70, np.arange(100) < 90])
    probability = np.column_stack([1 - confidence, confidence])
    p = ClassPredictions(right.astype(np.int64), probability)
    assert int(0.62 * CALIBRATION_BINS) != int(0.95 * CALIBRATION_BINS)
    expected = 0.5 * abs(0.62 - 0.70) + 0.5 * abs(0.95 - 0.90)
    assert COMPUTE["ece"](p, np.ones((1, 200)))[0] == pytest.approx(expected)


def test_the_purity_counts_what_pollutes_a_complete_sample() -> None:
    truth = np.array([1] * 100 + [0] * 10)
    score_of = np.concatenate([np.linspace(0.9, 0.5, 99), [0.1], np.linspace(0.45, 0.4, 5), [0.05] * 5])
    p = ClassPredictions(truth, np.column_stack([1 - score_of, score_of]))
    ones = np.ones((1, 110))
    assert purity_at_completeness(p, ones)[0] == 1.0
    assert purity_at_completeness(p, ones, 1.0)[0] == pytest.approx(100 / 105)


def test_points_on_the_curves_of_three_classes_are_means_over_them() -> None:
    rng = np.random.default_rng(3)
    p = ClassPredictions(rng.integers(0, 3, 300), rng.dirichlet(np.ones(3), 300))
    ones = np.ones((1, 300))
    for function in (purity_at_completeness, partial(tpr_at_fpr, rate=0.1)):
        each = []
        for k in range(3):
            own = np.stack([1 - p.probability[:, k], p.probability[:, k]], axis=1)
            each.append(function(ClassPredictions((p.truth == k).astype(np.int64), own), ones)[0])
        assert function(p, ones)[0] == pytest.approx(np.mean(each))


def test_a_constant_scores_as_chance_does() -> None:
    truth = np.repeat([0, 1], [300, 100])
    p = ClassPredictions(truth, majority(truth, 2, 400))
    ones = np.ones((1, 400))
    chance = {"balanced_accuracy": 0.5, "roc_auc": 0.5, "average_precision": 0.25, "accuracy": 0.75, "ece": 0.0}
    for name, value in chance.items():
        assert COMPUTE[name](p, ones)[0] == pytest.approx(value), name
    assert tpr_at_fpr(p, ones, 0.01)[0] == 0.0


def test_a_resample_without_a_class_is_left_out_of_the_interval() -> None:
    truth = np.array([0] * 30 + [1])
    p = ClassPredictions(truth, np.column_stack([1.0 - truth, truth * 1.0]))
    weights = np.ones((1, 31))
    weights[0, -1] = 0
    assert np.isnan(COMPUTE["balanced_accuracy"](p, weights)[0])
    assert np.isnan(recalls(p, weights)[0, 1])
    found = score(SCORES, p, np.arange(31), 200, 1)
    assert (found["balanced_accuracy"].low, found["balanced_accuracy"].high) == (1.0, 1.0)


def test_few_objects_that_are_all_right_leave_room_for_doubt() -> None:
    truth = np.array([0] * 7 + [1] * 35)
    low, high = small_sample_interval(ClassPredictions(truth, np.eye(2)[truth]))
    # Of seven right ones alone Jeffreys' lower end is 0.71, of 35 it is 0.93; their mean lies between.
    assert 0.8 < low < 0.93
    assert high > 0.99
    wider, _ = small_sample_interval(ClassPredictions(truth[4:], np.eye(2)[truth[4:]]))
    assert wider < low


def test_an_unknown_class_and_one_class_alone_are_told() -> None:
    with pytest.raises(InputError, match="none of the 2"):
        ClassPredictions(np.array([0, 2]), np.full((2, 2), 0.5))
    with pytest.raises(InputError, match="one class only: GALAXY"):
        require_two_classes(np.array([1, 1]), ("QSO", "GALAXY"), "The test split")
