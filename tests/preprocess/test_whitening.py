"""Whitening and the noise density that it divides by, on noise whose density is known."""

import dataclasses
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from components.common.errors import InputError, ParameterError
from components.physics.detector_noise import design_psd, draw_noise
from components.preprocess.groups import join_groups
from components.preprocess.strain.psd import PsdEstimator
from components.preprocess.strain.whitening import Whitening, pass_band

RATE, SAMPLES = 2048.0, 4096
FREQUENCY = np.fft.rfftfreq(SAMPLES, 1 / RATE)
DESIGN = Whitening(design_psd(FREQUENCY), SAMPLES, RATE)
FLAT = slice(400, -400)
"""Off the flanks of the Tukey window, which are 307 samples long."""


@pytest.fixture(scope="module")
def noise() -> np.ndarray:
    """Coloured noise of 320 windows, cut from long segments, so that they do not close upon themselves."""
    psd = design_psd(np.fft.rfftfreq(8 * SAMPLES, 1 / RATE))
    long = draw_noise(40, 8 * SAMPLES, RATE, psd, np.random.default_rng(1))
    return np.ascontiguousarray(long.reshape(40, 3, 8, SAMPLES).swapaxes(1, 2)).reshape(320, 3, SAMPLES)


def test_white_noise_has_unit_variance(noise) -> None:
    white = DESIGN.apply(noise)
    assert white.dtype == np.float32
    np.testing.assert_allclose(white[..., FLAT].std((0, 2)), 1, atol=0.01)  # 320 windows: 0.1 per cent


@pytest.mark.parametrize("band", ["fourier", "butterworth"])
def test_the_band_is_flat_inside_and_empty_outside(noise, band: str) -> None:
    white = dataclasses.replace(DESIGN, band=band).apply(noise)
    power = (np.abs(np.fft.rfft(white * np.hanning(SAMPLES))) ** 2).mean((0, 1))
    inside = power[(FREQUENCY > 30) & (FREQUENCY < 440)]
    assert (
        inside.std() / inside.mean() < 0.06
    )  # 960 periodograms: 3.2 per cent each, neighbours tied by the window
    assert power[FREQUENCY < 10].max() < 1e-3 * inside.mean()
    assert power[FREQUENCY > 700].max() < 1e-3 * inside.mean()


def test_a_wave_keeps_its_time_and_sign(noise) -> None:
    """Whitening has no phase: a pulse stays where it was."""
    pulse = np.zeros((1, 3, SAMPLES))
    time = np.arange(SAMPLES) / RATE - 1.3
    pulse[0] = 1e-20 * np.cos(2 * np.pi * 150 * time) * np.exp(-((time / 0.01) ** 2))
    for band in ("fourier", "butterworth"):
        white = dataclasses.replace(DESIGN, band=band).apply(pulse)
        assert np.all(white.argmax(-1) == round(1.3 * RATE))


def test_missing_detectors_become_zero_and_touch_no_other(noise) -> None:
    holed = noise[:4].copy()
    holed[:, 2] = np.nan
    white, whole = DESIGN.apply(holed), DESIGN.apply(noise[:4])
    assert np.all(white[:, 2] == 0)
    np.testing.assert_array_equal(white[:, :2], whole[:, :2])
    unknown = DESIGN.psd.copy()
    unknown[2] = np.nan
    np.testing.assert_array_equal(dataclasses.replace(DESIGN, psd=unknown).apply(noise[:4]), white)


def test_settings_survive_json() -> None:
    psd = DESIGN.psd.copy()
    psd[1] = np.nan
    stored = json.loads(json.dumps(dataclasses.replace(DESIGN, psd=psd).to_settings(), allow_nan=False))
    again = Whitening.from_settings(stored)
    np.testing.assert_allclose(again.psd, psd, rtol=1e-5)
    assert (again.samples, again.band, again.low_hz, again.taper) == (SAMPLES, "fourier", 20.0, 0.15)


def test_single_precision_is_refused(noise) -> None:
    with pytest.raises(InputError, match="underflow in float32"):
        DESIGN.apply(noise.astype(np.float32))
    with pytest.raises(InputError, match="2048 samples"):
        DESIGN.apply(noise[..., :2048])


@pytest.mark.parametrize(
    "wrong", [{"band": "wide"}, {"taper": 1.5}, {"low_hz": 0.0}, {"low_hz": 600.0}, {"high_hz": 1500.0}]
)
def test_impossible_settings_are_refused(wrong) -> None:
    with pytest.raises(ParameterError):
        dataclasses.replace(DESIGN, **wrong)


def test_butterworth_band_is_down_by_half_at_its_edges() -> None:
    passed = pass_band(np.array([5.0, 20.0, 100.0, 500.0, 800.0]), "butterworth", 20, 500, RATE)
    np.testing.assert_allclose(passed, [0, 2**-0.5, 1, 2**-0.5, 0], atol=2e-3)


@pytest.mark.parametrize("average", ["median", "mean"])
def test_density_is_that_of_the_noise(noise, average: str) -> None:
    estimator = PsdEstimator(3, SAMPLES, RATE, average)
    for start in range(0, 320, 50):
        estimator.add(noise[start : start + 50])
    ratio = (estimator.estimate() / DESIGN.psd)[:, 100:900]  # 50 to 450 Hz
    # 320 windows: 5.6 per cent a frequency for the mean, 1.25 times that for the median; 800 of them average out.
    np.testing.assert_allclose(np.median(ratio, axis=-1), 1, atol=0.015)
    # Virgo's curve has a line that a window of two seconds smears.
    assert np.all(ratio[:2].std(-1) < (0.09 if average == "median" else 0.07))


@pytest.mark.parametrize("windows", [1, 2, 9, 31, 40, 100])
def test_median_of_means_is_not_biased(windows: int) -> None:
    """White noise, many frequencies: the mean over them shows a bias of a per cent."""
    rng = np.random.default_rng(windows)
    estimator = PsdEstimator(4, SAMPLES, RATE)
    estimator.add(rng.normal(size=(windows, 4, SAMPLES)))
    level = estimator.estimate()[:, 2:-2].mean() * RATE / 2
    assert level == pytest.approx(1, abs=0.035)


def test_glitches_spoil_the_mean_and_not_the_median(noise) -> None:
    loud = noise.copy()
    loud[::80] *= 100
    estimates = {}
    for average in ("median", "mean"):
        estimator = PsdEstimator(3, SAMPLES, RATE, average)
        estimator.add(loud)
        estimates[average] = np.median(estimator.estimate() / DESIGN.psd, axis=-1)
    assert np.all(estimates["mean"] > 20)
    np.testing.assert_allclose(
        estimates["median"], 1, atol=0.15
    )  # 4 of 31 blocks are above: their median moves up


def test_a_detector_that_is_never_there_has_no_density(noise) -> None:
    holed = noise[:40].copy()
    holed[:, 2] = np.nan
    holed[:10, 1] = np.nan
    estimator = PsdEstimator(3, SAMPLES, RATE)
    estimator.add(holed)
    psd = estimator.estimate()
    assert estimator.counts.tolist() == [40, 30, 0]
    assert np.isnan(psd[2]).all()
    assert np.isfinite(psd[:2]).all()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 6), st.integers(-3, 6)), min_size=1, max_size=30))
def test_groups_are_the_connected_components(pairs) -> None:
    segments = np.array([f"s{a}" for a, _ in pairs], dtype=object)
    waves = np.array([f"w{b}" if b >= 0 else "" for _, b in pairs], dtype=object)
    groups = join_groups(segments, waves)
    expected = list(range(len(pairs)))
    for _ in pairs:  # spread the smallest row number until nothing changes
        for i in range(len(pairs)):
            for j in range(len(pairs)):
                if segments[i] == segments[j] or (waves[i] == waves[j] != ""):
                    expected[i] = expected[j] = min(expected[i], expected[j])
    for i in range(len(pairs)):
        for j in range(len(pairs)):
            assert (groups[i] == groups[j]) == (expected[i] == expected[j])
    shuffled = np.random.default_rng(0).permutation(len(pairs))
    np.testing.assert_array_equal(join_groups(segments[shuffled], waves[shuffled]), groups[shuffled])
