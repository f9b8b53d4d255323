"""Scores of clusterings: known tables, and intervals that cover."""

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from components.common.clustering_scores import adjusted_rand, contingency, match, reliability, resampled, score

TRUTH = np.repeat([-1, 0, 1], [60, 30, 10])


def test_worst_cluster_decides() -> None:
    found = TRUTH.copy()
    found[60:63] = -1  # three members of the first are lost
    found[:5] = 1  # five field stars are taken into the second
    scores = score(TRUTH, found, 200, 0)
    assert scores["purity"].value == pytest.approx(10 / 15)
    assert scores["completeness"].value == pytest.approx(27 / 30)
    assert scores["f1"].value == pytest.approx(2 * 10 / 25)
    assert scores["purity"].low <= scores["purity"].value <= scores["purity"].high
    assert scores["completeness"].baseline == 1.0
    assert scores["ari"].baseline == 0.0


def test_a_cluster_that_was_not_found_is_the_worst() -> None:
    found = np.where(TRUTH == 1, -1, TRUTH)
    scores = score(TRUTH, found, 10, 0)
    assert scores["purity"].value == scores["completeness"].value == scores["f1"].value == 0


def test_names_of_clusters_do_not_matter() -> None:
    swapped = np.where(TRUTH < 0, -1, 1 - TRUTH)
    assert match(contingency(TRUTH, swapped)) == ((1, 2), (2, 1))
    assert score(TRUTH, swapped, 10, 0)["f1"].value == 1.0


def test_without_a_true_cluster_there_is_nothing_to_score() -> None:
    assert score(np.full(10, -1), np.zeros(10, dtype=np.int64), 10, 0) == {}


def test_adjusted_rand_is_that_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    for _ in range(10):
        truth, found = rng.integers(-1, 3, 200), rng.integers(-1, 4, 200)
        ours = adjusted_rand(contingency(truth, found)[None])[0]
        assert ours == pytest.approx(adjusted_rand_score(truth, found), abs=1e-12)


def test_resampled_tables_keep_the_number_of_objects() -> None:
    table = contingency(TRUTH, TRUTH)
    drawn = resampled(table, 2000, 1)
    assert (drawn.sum(axis=(1, 2)) == 100).all()
    np.testing.assert_allclose(drawn.mean(axis=0), table, atol=0.5)  # five standard errors of the mean


def test_reliability_of_honest_and_of_sure_probabilities() -> None:
    rng = np.random.default_rng(3)
    probability = rng.uniform(0, 1, 20_000)
    member = rng.uniform(0, 1, probability.size) < probability
    assert reliability(member, probability).error < 0.02
    assert reliability(member, np.where(probability > 0.5, 0.99, 0.05)).error > 0.15
    assert reliability(member[:0], probability[:0]).error == 0
