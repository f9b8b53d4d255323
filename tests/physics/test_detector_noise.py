"""Noise curves against lalsimulation's, and noise against its curve."""

import numpy as np
import numpy.typing as npt
import pytest
from scipy import signal, stats

from components.physics.detector_noise import design_psd, draw_noise, optimal_snr
from components.physics.detectors import DETECTORS

RATE = 2048.0


@pytest.mark.parametrize(
    ("detector", "curve"),
    [
        ("H1", "SimNoisePSDaLIGODesignSensitivityT1800044"),
        ("L1", "SimNoisePSDaLIGODesignSensitivityT1800044"),
        ("V1", "SimNoisePSDAdVDesignSensitivityP1200087"),
    ],
)
def test_design_curves_are_those_of_lalsimulation(detector: str, curve: str) -> None:
    lal = pytest.importorskip("lal", reason="lalsuite is in the extra dev")
    lalsimulation = pytest.importorskip("lalsimulation", reason="lalsuite is in the extra dev")
    series = lal.CreateREAL8FrequencySeries("", lal.LIGOTimeGPS(0), 0.0, 0.125, lal.SecondUnit, 8300)
    getattr(lalsimulation, curve)(series, 7.0)
    frequency = np.arange(8300) * 0.125
    inside = (frequency >= 9) & (frequency <= 1024)
    ours = design_psd(frequency[inside])[DETECTORS.index(detector)]
    np.testing.assert_allclose(ours, series.data.data[inside], rtol=0.01)  # 0.4 per cent of strain, sampled


@pytest.fixture(scope="module")
def noise() -> npt.NDArray[np.float64]:
    psd = design_psd(np.fft.rfftfreq(32_768, 1 / RATE))
    return draw_noise(40, 32_768, RATE, psd, np.random.default_rng(5))


def test_noise_has_the_density_it_was_drawn_with(noise) -> None:
    # A band of 10 Hz averages 160 frequencies of each of 40 segments: 1.3 per cent.
    power = np.abs(np.fft.rfft(noise)) ** 2 * 2 / RATE / noise.shape[-1]
    frequency = np.fft.rfftfreq(noise.shape[-1], 1 / RATE)
    ratio = (power / design_psd(frequency)).mean(0)[:, 320:16_320].reshape(3, -1, 160).mean(-1)
    np.testing.assert_allclose(ratio, 1, atol=0.06)
    # scipy's own estimate, from time series that were cut out, agrees where the curve is not steep.
    frequency, welch = signal.welch(noise, RATE, nperseg=2048)
    ratio = welch.mean(0) / design_psd(frequency)
    np.testing.assert_allclose(np.median(ratio[:, 60:480], axis=-1), 1, atol=0.03)


def test_noise_is_gaussian_and_independent_between_detectors(noise) -> None:
    whitened = np.fft.rfft(noise[:, :, :])[:, :, 400:8000] / np.sqrt(
        design_psd(np.fft.rfftfreq(32_768, 1 / RATE))[:, 400:8000] * RATE * 32_768 / 4
    )
    assert stats.kstest(whitened.real[:5].ravel(), "norm").pvalue > 1e-3
    coherence = (whitened[:, 0] * whitened[:, 1].conj()).mean() / 2
    assert abs(coherence) < 5 / np.sqrt(40 * 7600)


def test_noise_of_one_seed_is_the_same() -> None:
    psd = design_psd(np.fft.rfftfreq(4096, 1 / RATE))
    one, again, other = (draw_noise(2, 4096, RATE, psd, np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one, other)


def test_optimal_snr_is_the_spread_of_the_matched_filter() -> None:
    """A filter matched to a signal answers with the squared ratio, and scatters by the ratio in noise."""
    rng = np.random.default_rng(6)
    frequency = np.fft.rfftfreq(4096, 1 / RATE)
    psd = design_psd(frequency)
    wave = signal.gausspulse(np.arange(4096) / RATE - 1, fc=120, bw=0.5) * 1e-21
    spectrum = np.fft.rfft(wave) / RATE
    counted = np.where(frequency < 20, np.inf, psd[0])
    snr = optimal_snr(spectrum, counted, frequency[1])
    noise = np.fft.rfft(draw_noise(4000, 4096, RATE, psd[:1], rng)[:, 0]) / RATE
    answers = 4 * frequency[1] * (noise * spectrum.conj() / counted).sum(-1).real
    assert answers.std() == pytest.approx(snr, rel=0.05)  # 4000 draws know their spread to 1.1 per cent
    assert 4 * frequency[1] * (np.abs(spectrum) ** 2 / counted).sum() == pytest.approx(snr**2)
