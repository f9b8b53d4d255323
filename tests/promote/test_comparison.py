"""The statistics of the decision: how often chance promotes, and that a real improvement is seen."""

import numpy as np
import pytest

from components.common.scores import Predictions, score
from components.evaluate.regression import redshift
from components.promote.champion.comparison import LEAST_RESAMPLES, Comparison, compare

BY_NAME = {definition.name: definition for definition in redshift.SCORES}
SPEED = 299792.458


def draw(
    generator: np.random.Generator, noise_km_s: float, hardness: np.ndarray, truth: np.ndarray
) -> Predictions:
    error = noise_km_s * hardness * generator.standard_normal(truth.size)
    return Predictions.of_points(truth, truth + (1 + truth) * error / SPEED)


def hold(name: str, seed: int, noises: tuple[float, float], objects: int = 300, spectra: int = 1) -> Comparison:
    """Compare two models on objects of differing hardness, some with several spectra."""
    generator = np.random.default_rng(seed)
    groups = np.repeat(np.arange(objects), spectra)
    truth, hardness = generator.uniform(0.5, 3, groups.size), generator.lognormal(0, 0.7, objects)[groups]
    champion, challenger = (draw(generator, noise, hardness, truth) for noise in noises)
    return compare(BY_NAME[name], champion, challenger, groups, 100, seed)


@pytest.mark.parametrize("name", ["accuracy_6000_km_s", "median_dv_km_s", "bias_km_s"])
def test_of_two_equal_models_the_second_is_rarely_promoted(name: str) -> None:
    """By chance in one of 40 comparisons, as the interval has 2.5 % on that side.

    Of 200 comparisons that is 5 +- 2.2, and more than 14 have a probability below 3e-4 (binomial). A rule that
    promotes one in ten would stay below it once in a thousand, in all three scores.
    """
    promoted = sum(hold(name, seed, (6000, 6000), 100).is_better for seed in range(200))
    assert promoted <= 14


@pytest.mark.parametrize(("name", "objects"), [("accuracy_6000_km_s", 300), ("median_dv_km_s", 300)])
def test_a_model_with_two_thirds_of_the_noise_is_nearly_always_promoted(name: str, objects: int) -> None:
    found = [hold(name, seed, (6000, 4000), objects) for seed in range(20)]
    assert sum(comparison.is_better for comparison in found) >= 18
    assert not any(hold(name, seed, (4000, 6000), objects).is_better for seed in range(20))


def test_pairs_see_what_two_intervals_beside_each_other_do_not() -> None:
    """Where both fail on the same hard objects, the difference is known far better than either score."""
    generator = np.random.default_rng(6)
    truth = np.full(400, 2.0)
    error = np.where(generator.random(400) < 0.5, 50_000.0, 100.0)
    better = np.where((error > 6000) & (np.arange(400) % 10 == 0), 100.0, error)
    one, other = (Predictions.of_points(truth, truth + 3 * e / SPEED) for e in (error, better))
    found = compare(BY_NAME["accuracy_6000_km_s"], one, other, np.arange(400), 1000, 1)
    assert found.is_better
    assert found.challenger.low < found.champion.high  # the intervals overlap


def test_spectra_of_one_object_count_as_one() -> None:
    """Ten copies of each spectrum are no more evidence than one."""
    generator = np.random.default_rng(3)
    truth = generator.uniform(1, 2, 60)
    one, other = (draw(generator, noise, np.ones(60), truth) for noise in (6000.0, 4000.0))
    copies = np.repeat(np.arange(60), 10)
    wide = compare(BY_NAME["median_dv_km_s"], one, other, np.arange(60), 1000, 2)
    copied = compare(BY_NAME["median_dv_km_s"], one[copies], other[copies], copies, 1000, 2)
    assert (copied.low, copied.high) == pytest.approx((wide.low, wide.high))
    assert (copied.objects, copied.groups) == (600, 60)


def test_scores_are_those_of_an_evaluation_and_few_resamples_are_not_enough() -> None:
    found = hold("accuracy_6000_km_s", 1, (6000, 5000))
    generator = np.random.default_rng(1)
    truth, hardness = generator.uniform(0.5, 3, 300), generator.lognormal(0, 0.7, 300)
    champion = draw(generator, 6000, hardness, truth)
    name = "accuracy_6000_km_s"
    assert found.champion == score([BY_NAME[name]], champion, np.arange(300), LEAST_RESAMPLES, 1)[name]
    assert found.improvement == pytest.approx(found.challenger.value - found.champion.value)


def test_a_score_that_should_be_near_a_value_improves_from_both_sides() -> None:
    truth = np.full(200, 2.0)
    far, near = (Predictions.of_points(truth, truth + shift) for shift in (-0.1, 0.01))
    assert compare(BY_NAME["bias_km_s"], far, near, np.arange(200), 1000, 1).is_better
    assert not compare(BY_NAME["bias_km_s"], near, far, np.arange(200), 1000, 1).is_better
