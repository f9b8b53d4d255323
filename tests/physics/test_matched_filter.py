"""The bound: a matched filter that finds what it should, and noise that scatters as theory says."""

import numpy as np
import pytest
from scipy.ndimage import maximum_filter1d

from components.physics.compact_binaries import draw_population, signal_frequencies, simulate_signals
from components.physics.detector_noise import design_psd, draw_noise
from components.physics.matched_filter import _loudest_within, build_bank, excess_power, network_snr
from components.preprocess.strain.whitening import Whitening

RATE, SAMPLES, WINDOWS = 2048.0, 4096, 96
WHITENING = Whitening(design_psd(np.fft.rfftfreq(SAMPLES, 1 / RATE)), SAMPLES, RATE)


def _bank(templates: int, seed: int = 0):
    return build_bank(templates, WHITENING.response, WHITENING.kept, SAMPLES, RATE, np.random.default_rng(seed))


@pytest.fixture(scope="module")
def noise() -> np.ndarray:
    psd = design_psd(np.fft.rfftfreq(2 * SAMPLES, 1 / RATE))
    return draw_noise(WINDOWS, 2 * SAMPLES, RATE, psd, np.random.default_rng(1))[..., :SAMPLES]


@pytest.fixture(scope="module")
def signals():
    """Waves of a network ratio of 12."""
    rng = np.random.default_rng(2)
    population = draw_population(WINDOWS, 10, 80, 0.9, rng)
    psd = design_psd(signal_frequencies(SAMPLES, RATE))
    merger = rng.uniform(1.0, 1.8, WINDOWS)
    return population, simulate_signals(population, merger, np.full(WINDOWS, 12.0), psd, SAMPLES, RATE)


def test_single_template_scatters_in_noise_as_a_chi_squared(noise) -> None:
    """Twice the mean of an exponential: at one time, before any maximum is taken."""
    bank = _bank(8)
    white = WHITENING.apply(np.ascontiguousarray(noise))
    spectra = np.fft.rfft(white)[..., : bank.spectra.shape[-1]]
    series = np.fft.ifft(spectra[:, None] * bank.spectra) * bank.spectra.shape[-1]
    middle = series[..., 300:-300]  # the flanks of the Tukey window are quieter
    np.testing.assert_allclose((np.abs(middle) ** 2).mean((0, 1, 3)), 2, rtol=0.08)


def test_finds_the_injected_loudness(noise, signals) -> None:
    """An exact template recovers the ratio; a random bank of 300 all but some per cent of it."""
    _, made = signals
    found, _ = network_snr(WHITENING.apply(noise + made.strain), _bank(300))
    # Maxima over noise add a little, mismatched templates and the tapered, finite window take a little.
    assert np.median(found) == pytest.approx(12.0, rel=0.08)
    quiet, _ = network_snr(WHITENING.apply(np.ascontiguousarray(noise)), _bank(300))
    assert np.median(quiet) < 7.5
    assert np.mean(found.reshape(-1, 1) > quiet) > 0.98


def test_loudest_template_resembles_the_wave(noise, signals) -> None:
    population, made = signals
    bank = _bank(300)
    _, which = network_snr(WHITENING.apply(10 * made.strain + 0.1 * noise), bank)
    ratio = bank.chirp_mass[which] / population.chirp_mass
    assert np.median(np.abs(ratio - 1)) < 0.15


def test_coincidence_matters(noise, signals) -> None:
    """Shifting a detector by 100 ms breaks what makes a wave louder than its loudest detector."""
    _, made = signals
    strain = WHITENING.apply(noise + made.strain)
    shifted = strain.copy()
    shifted[:, 1:] = np.roll(shifted[:, 1:], 205, -1)
    bank = _bank(60)
    assert np.median(network_snr(strain, bank)[0]) > 1.1 * np.median(network_snr(shifted, bank)[0])


def test_a_missing_detector_adds_nothing(noise) -> None:
    strain = WHITENING.apply(np.ascontiguousarray(noise[:20]))
    bank = _bank(10)
    two = strain.copy()
    two[:, 2] = 0
    assert np.all(network_snr(two, bank)[0] < network_snr(strain, bank)[0])


def test_excess_power_finds_what_is_loud_and_short_alone(noise, signals) -> None:
    _, made = signals
    quiet = excess_power(WHITENING.apply(np.ascontiguousarray(noise)), RATE)
    loud = excess_power(WHITENING.apply(noise + 3 * made.strain), RATE)
    assert np.mean(loud[:, None] > quiet) > 0.97
    assert np.median(quiet) < 8


@pytest.mark.parametrize("steps", [1, 4, 5, 14])
def test_running_maximum_is_that_of_scipy(steps: int) -> None:
    values = np.random.default_rng(0).normal(size=(6, 100)).astype(np.float32)
    np.testing.assert_array_equal(
        _loudest_within(values, steps), maximum_filter1d(values, 2 * steps + 1, mode="wrap")
    )
