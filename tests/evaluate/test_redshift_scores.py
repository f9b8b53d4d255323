import numpy as np
import pytest

from components.common.scores import Predictions, score
from components.evaluate.regression import redshift
from components.evaluate.regression.line_confusion import TOLERANCE, find_line_confusion
from components.physics.constants import SPEED_OF_LIGHT_KM_S
from components.physics.spectral_lines import EMISSION_LINES

RANGE = (3566.0, 10325.0)


def shifted(truth, velocity):
    return truth + velocity / SPEED_OF_LIGHT_KM_S * (1 + truth)


def test_each_score_has_the_value_that_its_name_says():
    truth = np.full(100, 1.5)
    velocity = np.concatenate([np.full(50, 500.0), np.full(25, -2000.0), np.full(20, 5000.0), np.full(5, 90000.0)])
    found = score(redshift.SCORES, Predictions.of_points(truth, shifted(truth, velocity)), np.arange(100), 50)
    values = {name: round(s.value, 6) for name, s in found.items()}
    assert values == {
        "accuracy_1000_km_s": 0.5,
        "accuracy_3000_km_s": 0.75,
        "accuracy_6000_km_s": 0.95,
        "accuracy_12000_km_s": 0.95,
        "accuracy_30000_km_s": 0.95,
        "median_dv_km_s": 500.0,
        "p90_dv_km_s": 5000.0,
        "nmad_km_s": 0.0,
        "bias_km_s": 500.0,
        "catastrophic_fraction": 0.05,
        "crps": round(np.abs(velocity).mean() / SPEED_OF_LIGHT_KM_S * 2.5, 6),
    }


def test_bins_hold_each_object_once_and_leave_out_the_empty():
    truth = np.array([0.2, 0.5, 0.7, 2.2, 9.0])
    predictions = Predictions.of_points(truth, truth)
    rows = redshift.score_by(truth, redshift.REDSHIFT_EDGES, predictions, np.arange(5), 20, 0)
    assert [(r["low"], r["high"], r["count"]) for r in rows] == [(0.0, 0.5, 1), (0.5, 1.0, 2), (2.0, 2.5, 1)]
    open_ended = redshift.score_by(np.full(5, 40.0), redshift.SN_EDGES, predictions, np.arange(5), 20, 0)
    assert [(r["low"], r["high"], r["count"]) for r in open_ended] == [(16.0, None, 5)]
    assert open_ended[0]["accuracy_6000_km_s"].value == 1


def test_sigma_that_knows_the_failures_lowers_the_risk():
    truth = np.full(200, 2.0)
    value = np.where(np.arange(200) < 20, 1.0, 2.0)
    informed = np.where(np.arange(200) < 20, 0.5, 0.01)
    curve = redshift.risk_coverage(informed, Predictions.of_points(truth, value))
    assert curve["kept"][-1] == 1
    assert curve["catastrophic_fraction"][-1] == pytest.approx(0.1)
    assert curve["catastrophic_fraction"][40] == 0


def test_a_line_taken_for_another_is_named():
    generator = np.random.default_rng(3)
    truth = generator.uniform(0.5, 3.5, 2000)
    value = truth.copy()
    wavelength = {line.name: line.wavelength_angstrom for line in EMISSION_LINES}
    # Mg II lies in the range between z 0.28 and 2.68.
    mistaken = np.flatnonzero(truth < 2.5)[:60]
    value[mistaken] = (1 + truth[mistaken]) * wavelength["Mg II"] / wavelength["C III]"] - 1
    found = find_line_confusion(value, truth, RANGE)
    assert found.failures == found.on_streak == 60
    assert found.share == 1
    assert (found.streaks[0].true_line, found.streaks[0].taken_for) == ("Mg II", "C III]")
    assert found.streaks[0].ratio == pytest.approx(2799.1 / 1908.7)
    assert found.expected_by_chance < 45


def test_random_failures_lie_on_streaks_as_often_as_chance_says():
    generator = np.random.default_rng(4)
    truth, value = generator.uniform(0.5, 3.5, (2, 3000))
    found = find_line_confusion(value, truth, RANGE)
    # Predictions that know nothing: the count is binomial around its expectation, here within four deviations.
    share = found.expected_by_chance / found.failures
    assert 0.1 < share < 0.9
    assert abs(found.share - share) < 4 * np.sqrt(share * (1 - share) / found.failures)


def test_a_line_outside_the_range_cannot_have_been_mistaken():
    mg_ii, c_iv = 2799.1, 1549.1
    truth = np.array([3.0])  # Mg II at 11196 angstrom
    value = (1 + truth) * mg_ii / c_iv - 1
    inside = find_line_confusion(value, truth, (3566.0, 12000.0), EMISSION_LINES[3:6:2])
    outside = find_line_confusion(value, truth, RANGE, EMISSION_LINES[3:6:2])
    assert (inside.on_streak, outside.on_streak, outside.failures) == (1, 0, 1)
    assert 0 < TOLERANCE < redshift.CATASTROPHIC


def test_no_failure_no_confusion():
    truth = np.linspace(1, 2, 10)
    found = find_line_confusion(truth, truth, RANGE)
    assert (found.failures, found.on_streak, found.share, found.streaks) == (0, 0, 0.0, ())
