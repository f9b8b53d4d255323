import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra.numpy import arrays
from scipy.stats import norm

from components.common.distributions import ONE_SIGMA, BinnedDistribution
from components.common.errors import ParameterError

BINS = 12

# A share of exact zeros: bins without probability make the distribution function flat, where inverses go wrong.
_weight = st.one_of(st.just(0.0), st.floats(2**-20, 1.0, width=32))


@st.composite
def distributions(draw):
    weights = draw(arrays(np.float32, (3, BINS), elements=_weight))
    weights[:, draw(st.integers(0, BINS - 1))] += 0.1
    widths = draw(arrays(np.float64, BINS, elements=st.floats(0.01, 2.0)))
    edges = draw(st.floats(-3, 3)) + np.concatenate([[0.0], np.cumsum(widths)])
    return BinnedDistribution(edges, weights / weights.sum(axis=1, keepdims=True))


def normal(mean, sigma, bins=2000, half_range=8.0):
    """The normal distributions of given means and one sigma, on fine bins."""
    edges = np.linspace(np.min(mean) - half_range * sigma, np.max(mean) + half_range * sigma, bins + 1)
    cumulative = norm.cdf(edges[None, :], np.asarray(mean)[:, None], sigma)
    return BinnedDistribution(edges, np.diff(cumulative, axis=1).astype(np.float32))


@settings(deadline=None)
@given(distributions(), st.floats(0, 1), st.floats(0, 1))
def test_quantiles_increase_with_their_level(distribution, one, other):
    low, high = sorted((one, other))
    assert (distribution.quantile(low) <= distribution.quantile(high)).all()


@settings(deadline=None)
@given(distributions(), st.floats(0.001, 0.999))
def test_the_distribution_function_inverts_the_quantile(distribution, level):
    # The rounding of x, relative 1e-16 of at most 27, times the steepest density, 1 / 0.01.
    np.testing.assert_allclose(distribution.cdf(distribution.quantile(level)), level, atol=1e-11)


@settings(deadline=None)
@given(distributions(), st.floats(0.05, 0.95))
def test_an_interval_holds_the_probability_it_claims(distribution, level):
    low, high = distribution.interval(level)
    np.testing.assert_allclose(distribution.mass_within(low, high), level, atol=1e-11)


@settings(max_examples=40, deadline=None)
@given(distributions(), st.floats(-5, 25))
def test_crps_is_that_of_samples(distribution, truth):
    # E|X - y| - E|X - X'| / 2 over the quantiles at evenly spaced levels: a sample without sampling noise.
    levels = (np.arange(400) + 0.5) / 400
    sample = np.stack([distribution.quantile(level) for level in levels])
    spread = np.abs(sample[:, None] - sample[None, :]).mean(axis=(0, 1))
    expected = np.abs(sample - truth).mean(axis=0) - spread / 2
    span = distribution.edges[-1] - distribution.edges[0]
    np.testing.assert_allclose(distribution.crps(truth), expected, atol=span / 400)


def test_crps_of_a_normal_has_its_closed_form():
    mean, sigma, truth = np.array([0.0, 0.3, -1.0]), 0.5, np.array([0.0, 1.0, 0.2])
    t = (truth - mean) / sigma
    expected = sigma * (t * (2 * norm.cdf(t) - 1) + 2 * norm.pdf(t) - 1 / np.sqrt(np.pi))
    np.testing.assert_allclose(normal(mean, sigma).crps(truth), expected, rtol=1e-4)


def test_crps_outside_the_bins_grows_with_the_distance():
    distribution = BinnedDistribution(np.array([0.0, 1.0]), np.ones((1, 1)))
    np.testing.assert_allclose(distribution.crps(3.0) - distribution.crps(1.0), 2.0)


def test_moments_and_quantiles_of_a_normal():
    mean, sigma = np.array([0.2, 1.7]), 0.1
    distribution = normal(mean, sigma)
    for estimate in (distribution.mean(), distribution.median(), distribution.peak_value()):
        np.testing.assert_allclose(estimate, mean, atol=2e-3)
    np.testing.assert_allclose(distribution.sigma(), sigma, rtol=1e-3)
    low, high = distribution.interval(0.95)
    np.testing.assert_allclose((high - low) / 2, 1.959964 * sigma, rtol=1e-3)


def test_calibrated_forecasts_cover_as_often_as_they_say():
    generator = np.random.default_rng(5)
    mean = generator.uniform(0, 3, 4000)
    truth = generator.normal(mean, 0.1)
    distribution = normal(mean, 0.1, bins=500)
    low, high = distribution.interval(ONE_SIGMA)
    inside = ((truth >= low) & (truth <= high)).mean()
    assert abs(inside - ONE_SIGMA) < 4 * np.sqrt(ONE_SIGMA * (1 - ONE_SIGMA) / 4000)
    pit = np.sort(distribution.cdf(truth))
    # Kolmogorov-Smirnov distance, critical at probability 1e-4.
    assert np.abs(pit - (np.arange(4000) + 0.5) / 4000).max() < 2.23 / np.sqrt(4000)


def test_the_point_estimate_ignores_the_weaker_of_two_peaks():
    edges = np.linspace(0, 4, 201)
    centres = (edges[1:] + edges[:-1]) / 2
    two = 0.6 * norm.pdf(centres, 1.013, 0.04) + 0.4 * norm.pdf(centres, 3.0, 0.04)
    distribution = BinnedDistribution(edges, (two / two.sum())[None].astype(np.float32))
    # The window ends at a tenth of the smoothed peak, symmetric up to one bin of 0.02 with little weight.
    np.testing.assert_allclose(distribution.peak_value(), 1.013, atol=0.004)
    assert 1.5 < distribution.mean()[0] < 2.1
    np.testing.assert_allclose(distribution.mode(), 1.01, atol=1e-9)


def test_a_peak_is_averaged_where_the_bins_are_uniform():
    edges = np.expm1(np.linspace(0, 2, 401))
    probability = np.diff(norm.cdf(np.log1p(edges), 1.0, 0.2))[None].astype(np.float32)
    # Bins of 0.005 in ln(1 + z); the mean in z would be higher by 0.2^2 / 2 of (1 + z) = 0.05.
    np.testing.assert_allclose(BinnedDistribution(edges, probability).peak_value(), np.e - 1, atol=0.005)


def test_a_peak_at_the_border_is_found():
    probability = np.zeros((2, 50), np.float32)
    probability[0, 0] = probability[1, -1] = 1
    np.testing.assert_allclose(BinnedDistribution(np.arange(51.0), probability).peak_value(), [0.5, 49.5])


def test_the_strongest_of_fine_bins_is_a_peak_and_not_a_spike():
    probability = norm.pdf(np.arange(5000), 3000, 100) + 0.0
    probability[1000] = 2 * probability.max()
    distribution = BinnedDistribution(np.arange(5001.0), probability[None].astype(np.float32))
    assert distribution.mode() == 1000.5
    # The window ends at a tenth of the peak on both sides alike, within a bin.
    np.testing.assert_allclose(distribution.peak_value(), 3000.5, atol=1.0)


@given(distributions(), st.integers(1, BINS))
@settings(deadline=None)
def test_merged_bins_hold_the_same_probability(distribution, bins):
    merged = distribution.merged(bins)
    assert merged.edges.size - 1 <= bins
    np.testing.assert_allclose(distribution.cdf(merged.edges[1]), merged.cumulative[:, 1], atol=1e-6)  # float32
    np.testing.assert_array_equal(merged.edges[[0, -1]], distribution.edges[[0, -1]])


def test_batches_join_and_split():
    whole = normal(np.array([0.0, 1.0, 2.0]), 0.2)
    joined = BinnedDistribution.concatenate([whole[:1], whole[np.array([1, 2])]])
    np.testing.assert_array_equal(joined.probability, whole.probability)
    with pytest.raises(ParameterError, match="different bins"):
        BinnedDistribution.concatenate([whole, BinnedDistribution(np.arange(3.0), np.ones((1, 2)))])


@pytest.mark.parametrize(
    ("edges", "probability", "problem"),
    [
        ([0.0, 0.0, 1.0], [[0.5, 0.5]], "increase"),
        ([0.0, 1.0, 2.0], [[1.0]], "do not fit 2 bins"),
        ([0.0, 1.0, 2.0], [[0.5, 0.5], [0.0, 0.0]], "row 1"),
        ([0.0, 1.0, 2.0], [[0.5, 0.5], [1.5, -0.5]], "row 1"),
        ([0.0, 1.0, 2.0], [[np.nan, 0.5], [0.5, 0.5]], "row 0"),
    ],
)
def test_what_is_no_distribution_is_refused(edges, probability, problem):
    with pytest.raises(ParameterError, match=problem):
        BinnedDistribution(np.array(edges), np.array(probability))
