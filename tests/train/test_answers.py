"""From outputs to distributions whose widths are right."""

import json
import tracemalloc

import numpy as np
import pytest
import torch

from components.common.errors import InputError
from components.train.conv1d import answers
from components.train.conv1d.answers import Answer, PointAnswer, RedshiftAnswer, answer_from_json

REDSHIFT = RedshiftAnswer.covering(3.0, 4e-3, 2)
POINT = PointAnswer(1.0, 5.0, 0.2)


def _gaussian_logits(rows: int, width: float, overconfidence: float) -> tuple[np.ndarray, np.ndarray]:
    """Logits whose softmax is `overconfidence` times too sharp (in the logits), and true redshifts."""
    rng = np.random.default_rng(2)
    position = np.arange(REDSHIFT.bins.count) * REDSHIFT.bins.step
    truth = rng.uniform(0.15, 0.45, rows)
    seen = truth + width * rng.standard_normal(rows)
    logits = -0.5 * ((position - seen[:, None]) / width) ** 2 * overconfidence
    return logits.astype(np.float32), 10**truth - 1


@pytest.mark.parametrize("overconfidence", [0.5, 1.0, 2.0])
def test_the_temperature_finds_a_known_overconfidence(overconfidence: float) -> None:
    logits, truth = _gaussian_logits(3000, 0.02, overconfidence)
    answer = REDSHIFT.calibrated(logits, truth)
    # the likelihood of 3000 normal numbers knows their variance to sqrt(2 / 3000) = 2.6 %
    assert answer.temperature == pytest.approx(overconfidence, rel=0.1)
    assert REDSHIFT.temperature == 1.0
    distribution = answer.distribution(logits)
    low, high = distribution.interval(0.6827)
    inside = np.mean((low < truth) & (truth < high))
    assert inside == pytest.approx(0.6827, abs=0.03)  # 3.5 binomial standard errors


def test_calibration_in_parts_is_that_of_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    logits, truth = _gaussian_logits(200, 0.02, 2.0)
    monkeypatch.setattr(answers, "_ROWS_AT_ONCE", 200)
    whole = REDSHIFT.calibrated(logits, truth).temperature
    monkeypatch.setattr(answers, "_ROWS_AT_ONCE", 7)
    assert REDSHIFT.calibrated(logits, truth).temperature == pytest.approx(whole, rel=1e-9)


def test_calibration_takes_less_memory_than_the_outputs() -> None:
    logits, truth = _gaussian_logits(20_000, 0.02, 2.0)
    tracemalloc.start()
    try:
        REDSHIFT.calibrated(logits, truth)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < logits.nbytes / 2  # the cumulative distributions of all rows at once: twice the outputs


def test_a_sharp_output_becomes_a_sharp_peak_at_its_redshift() -> None:
    logits = np.full((3, REDSHIFT.bins.count), -30.0, np.float32)
    for row, index in enumerate((0, 40, 120)):
        logits[row, index] = 30.0
    distribution = REDSHIFT.distribution(logits)
    expected = 10 ** (REDSHIFT.bins.step * np.array([0, 40, 120])) - 1
    assert distribution.peak_value() == pytest.approx(expected, abs=1e-4)
    assert distribution.probability.sum(axis=1) == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize("sigma", [0.05, 0.2, 1.0])
def test_a_point_has_the_stated_width(sigma: float) -> None:
    distribution = PointAnswer(1.0, 5.0, sigma).distribution(np.array([[0.25], [0.5], [0.8]], np.float32))
    assert distribution.mean() == pytest.approx([2.0, 3.0, 4.2], abs=0.02)
    # bins of (4 + 10 sigma) / 400 are small beside sigma: a per cent of broadening at the narrowest
    assert distribution.sigma() == pytest.approx(sigma, rel=0.03)
    assert distribution.probability.sum(axis=1) == pytest.approx(1.0, abs=1e-4)


@pytest.mark.parametrize("output", [-50.0, -0.5, 0.0, 1.0, 1.5, 50.0])
def test_a_point_far_from_every_label_still_has_a_distribution(output: float) -> None:
    distribution = POINT.distribution(np.array([[output]], np.float32))
    assert np.isfinite(distribution.median()).all()
    assert 0.0 <= float(distribution.median()[0]) <= 6.0


def test_the_width_of_a_point_is_that_of_68_per_cent_of_the_errors() -> None:
    rng = np.random.default_rng(3)
    truth = rng.uniform(1, 5, 4000)
    outputs = ((truth + 0.3 * rng.standard_normal(4000) - 1) / 4).astype(np.float32)[:, None]
    calibrated = POINT.calibrated(outputs, truth)
    assert calibrated.sigma == pytest.approx(0.3, rel=0.06)  # the quantile of 4000 is known to 1.5 %
    assert (calibrated.lowest, calibrated.highest) == (1.0, 5.0)
    pit = calibrated.distribution(outputs).cdf(truth)
    assert np.histogram(pit, 5, (0, 1))[0] / 4000 == pytest.approx(0.2, abs=0.04)


def test_labels_that_are_met_exactly_still_have_a_width() -> None:
    truth = np.array([1.0, 2.0, 5.0])
    calibrated = POINT.calibrated(((truth - 1) / 4).astype(np.float32)[:, None], truth)
    assert calibrated.sigma > 0
    assert np.isfinite(calibrated.distribution(np.array([[0.5]], np.float32)).sigma()).all()


def test_a_points_loss_is_the_mean_squared_error_of_the_scaled_label() -> None:
    outputs = torch.tensor([[0.0], [0.5], [1.0]])
    assert float(POINT.loss(outputs, torch.tensor([1.0, 3.0, 5.0], dtype=torch.float64))) == 0.0
    assert float(POINT.loss(outputs, torch.tensor([3.0, 3.0, 5.0]))) == pytest.approx(0.25 / 3)


def test_the_scale_is_the_range_of_the_labels() -> None:
    assert PointAnswer.for_labels(np.array([2.0, 0.5, 4.0])) == PointAnswer(0.5, 4.0)
    with pytest.raises(InputError, match=r"All training rows have the label 2\.0"):
        PointAnswer.for_labels(np.array([2.0, 2.0]))


@pytest.mark.parametrize("answer", [POINT, REDSHIFT, RedshiftAnswer(REDSHIFT.bins, 1.7)])
def test_json_round_trips(answer: Answer) -> None:
    assert answer_from_json(json.loads(json.dumps(answer.to_json()))) == answer
