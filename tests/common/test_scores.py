import json

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra.numpy import arrays
from scipy.stats import norm
from sklearn.metrics import r2_score

from components.common import scores
from components.common.distributions import BinnedDistribution
from components.common.errors import InputError
from components.common.resampling import bootstrap_weights, weighted_mean, weighted_quantile

ONES = np.ones((1, 500))
_values = arrays(np.float64, 20, elements=st.floats(-100, 100))
_counts = arrays(np.int64, 20, elements=st.integers(0, 3)).filter(lambda c: c.sum() > 0)


def definitions(outlier_limit):
    def outliers(p, weights):
        return scores.outlier_fraction(p.value - p.truth, weights, outlier_limit)

    return (
        scores.Definition("rmse", "rmse", "mag", "lower", lambda p, w: scores.rmse(p.value - p.truth, w)),
        scores.Definition("outlier_fraction", "outliers", "", "lower", outliers, is_fraction=True),
        *scores.CALIBRATION,
    )


@settings(deadline=None)
@given(_values, _counts, st.floats(0.01, 0.99))
def test_weights_mean_repetition(values, counts, level):
    repeated = np.repeat(values, counts)
    weights = counts[None].astype(float)
    expected = np.quantile(repeated, level, method="inverted_cdf")
    assert weighted_quantile(values, weights, level)[0] == expected
    assert weighted_quantile(np.array([values]), weights, level)[0] == expected
    np.testing.assert_allclose(weighted_mean(values, weights)[0], repeated.mean(), atol=1e-12)


@settings(deadline=None)
@given(_values, _values)
def test_r2_is_that_of_scikit_learn(truth, value):
    if np.ptp(truth) > 1e-3:  # below, the difference of two large squares has no digits left
        ours = scores.r2(truth, value, np.ones((1, 20)))[0]
        np.testing.assert_allclose(ours, r2_score(truth, value), rtol=1e-6, atol=1e-6)


def test_r2_of_one_value_explains_nothing():
    assert scores.r2(np.ones(3), np.array([1.0, 2.0, 3.0]), np.ones((1, 3)))[0] == 0


def test_nmad_is_sigma_and_ignores_failures():
    residual = norm.ppf((np.arange(500) + 0.5) / 500, 7.0, 2.0)
    clean = scores.nmad(residual, ONES)[0]
    np.testing.assert_allclose(clean, 2.0, rtol=0.01)  # 500 quantiles for the integral
    residual[::50] += 1000
    # 2 % of the rows moved to one side move the quartiles by 1 % of the rows: 0.03 sigma.
    np.testing.assert_allclose(scores.nmad(residual, ONES)[0], clean, rtol=0.05)
    assert scores.rmse(residual, ONES)[0] > 100
    assert scores.outlier_fraction(residual, ONES, 100.0)[0] == 0.02
    assert scores.fraction_within(residual, ONES, 100.0)[0] == 0.98
    np.testing.assert_allclose(scores.bias(residual, ONES)[0], 7.0, atol=0.1)


def test_calibration_scores_tell_honest_from_overconfident():
    generator = np.random.default_rng(2)
    edges = np.linspace(-10, 10, 801)
    truth = generator.normal(0, 1, 3000)

    def calibration(sigma):
        row = np.diff(norm.cdf(edges, 0, sigma)).astype(np.float32)
        distribution = BinnedDistribution(edges, np.tile(row, (3000, 1)))
        predictions = scores.Predictions.of_distributions(truth, distribution.median(), distribution)
        return scores.score(scores.CALIBRATION, predictions, np.arange(3000), resamples=100)

    honest, narrow = calibration(1.0), calibration(0.3)
    assert honest["coverage_68"].low < 0.6827 < honest["coverage_68"].high
    assert narrow["coverage_68"].high < 0.3
    assert honest["pit_distance"].value < 1.63 / np.sqrt(3000) < narrow["pit_distance"].value  # critical at 1 %
    assert honest["crps"].value < narrow["crps"].value


def test_all_right_is_no_proof_of_being_always_right():
    truth = np.zeros(34)
    found = scores.score(definitions(0.1), scores.Predictions.of_points(truth, truth), np.arange(34))
    # Clopper & Pearson: were 10.3 % outliers, 34 objects would show none with a probability of 2.5 %.
    assert found["outlier_fraction"].low == 0.0
    assert (1 - found["outlier_fraction"].high) ** 34 == pytest.approx(0.025)


def test_the_interval_is_that_of_theory():
    generator = np.random.default_rng(0)
    residual = generator.normal(0, 3.0, 2000)
    found = scores.score(
        definitions(9.0),
        scores.Predictions.of_points(np.zeros(2000), residual),
        np.arange(2000),
    )
    # Standard error of an rms of normal numbers: sigma / sqrt(2 n); the ends themselves scatter by some 5 %.
    width = found["rmse"].high - found["rmse"].low
    np.testing.assert_allclose(width, 2 * 1.96 * 3.0 / np.sqrt(4000), rtol=0.15)
    assert found["rmse"].low < 3.0 < found["rmse"].high
    assert "coverage_68" not in found


def test_spectra_of_one_object_are_resampled_together():
    generator = np.random.default_rng(1)
    per_object = generator.normal(0, 1, 300)
    definitions = [
        scores.Definition("mean", "", "", "target", lambda p, w: weighted_mean(p.value - p.truth, w), 0.0)
    ]

    def width(groups):
        predictions = scores.Predictions.of_points(np.zeros(1200), np.repeat(per_object, 4))
        found = scores.score(definitions, predictions, groups, resamples=2000)["mean"]
        return found.high - found.low

    # Four copies of an object count as one: the honest interval is twice as wide.
    np.testing.assert_allclose(width(np.repeat(np.arange(300), 4)) / width(np.arange(1200)), 2.0, rtol=0.1)


def test_chunks_do_not_change_the_draws(monkeypatch):
    groups = np.repeat(np.arange(40), 2)
    whole = np.concatenate(list(bootstrap_weights(groups, 50, seed=3)))
    monkeypatch.setattr("components.common.resampling._ELEMENTS_AT_ONCE", 7 * 80)
    chunks = list(bootstrap_weights(groups, 50, seed=3))
    assert len(chunks) == 8
    np.testing.assert_array_equal(np.concatenate(chunks), whole)
    assert (whole.sum(axis=1) == 80).all()
    assert (whole[:, ::2] == whole[:, 1::2]).all()


def test_scores_go_to_json():
    found = scores.score(definitions(1.0), scores.Predictions.of_points(np.ones(1), np.ones(1)), np.zeros(1))
    entry = json.loads(json.dumps(scores.to_json(found), allow_nan=False))["rmse"]
    assert entry == {"value": 0.0, "low": 0.0, "high": 0.0, "baseline": None, "published": None}


def test_nothing_to_score_is_an_error():
    with pytest.raises(InputError, match="no object"):
        scores.score(scores.CALIBRATION, scores.Predictions.of_points(np.empty(0), np.empty(0)), np.empty(0))
