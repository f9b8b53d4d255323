"""Signals in the detectors: when they come, how loud they are, and that nothing wraps around into the window."""

import dataclasses

import numpy as np
import numpy.typing as npt
import pytest

from components.physics import compact_binaries
from components.physics.compact_binaries import (
    Population,
    Signals,
    chirp_mass,
    draw_population,
    frequency_before_merger,
    signal_frequencies,
    simulate_signals,
)
from components.physics.detector_noise import design_psd
from components.physics.detectors import Sky, arrival_delays

RATE, SAMPLES = 2048.0, 4096
PSD = design_psd(signal_frequencies(SAMPLES, RATE))


def _simulate(population: Population, merger_time: npt.NDArray[np.float64], snr: float = 8.0) -> Signals:
    return simulate_signals(population, merger_time, np.full(len(merger_time), snr), PSD, SAMPLES, RATE)


@pytest.fixture(scope="module")
def signals() -> tuple[Population, npt.NDArray[np.float64], Signals]:
    rng = np.random.default_rng(11)
    population = draw_population(150, 10, 80, 0.9, rng)
    merger_time = rng.uniform(1.0, 1.8, 150)
    return population, merger_time, _simulate(population, merger_time)


def test_peaks_arrive_when_they_should(signals) -> None:
    population, merger_time, made = signals
    expected = merger_time[:, None] + arrival_delays(population.sky)
    loud = made.snr > 2
    peak = np.abs(made.strain).argmax(-1) / RATE
    # The peak of the strain is up to a quarter cycle, and the model time 0 some M, from that of the envelope;
    # the lightest binaries are still chirping quickly there, the heaviest have cycles of 15 ms.
    assert np.abs(peak - expected)[loud].max() < 0.06
    assert np.abs(np.median((peak - expected)[loud])) < 0.012


def test_network_snr_is_what_was_asked_for(signals) -> None:
    *_, made = signals
    np.testing.assert_allclose(np.sqrt((made.snr**2).sum(1)), 8.0)
    assert np.all(made.distance_mpc > 0)


def test_snr_is_that_of_the_strain_in_the_window(signals) -> None:
    """The window itself has the ratio that was promised, less what lies before it."""
    population, _, made = signals
    frequency = np.fft.rfftfreq(SAMPLES, 1 / RATE)
    psd = np.where(frequency < 20, np.inf, design_psd(frequency))
    window = np.fft.rfft(made.strain) / RATE
    seen = np.sqrt(4 * frequency[1] * (np.abs(window) ** 2 / psd).sum(-1))
    heavy = population.chirp_mass > 15  # lighter ones have been above 20 Hz for longer than the window
    np.testing.assert_allclose(seen[heavy], made.snr[heavy], rtol=0.02)


def test_nothing_wraps_around(signals, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twice the length leaves the window as it was."""
    population, merger_time, made = signals
    frequency = np.arange(2 * SAMPLES + 1) * RATE / (4 * SAMPLES)
    wave, factor = compact_binaries.project(population, merger_time, frequency)
    start = 3.0
    delays = arrival_delays(population.sky) + merger_time[:, None] + start
    shifted = wave[:, None] * np.exp(-2j * np.pi * delays[..., None] * frequency) * factor[..., None]
    long = np.fft.irfft(shifted / made.distance_mpc[:, None, None]) * RATE
    window = long[..., round(start * RATE) :][..., :SAMPLES]
    largest = np.abs(made.strain).max(-1, keepdims=True)
    assert (np.abs(window - made.strain) / largest).max() < 0.01


def test_window_before_a_late_merger_is_empty_of_ringing(signals) -> None:
    _, merger_time, made = signals
    late = np.flatnonzero(merger_time < 1.5)
    tail = np.abs(made.strain[late, :, -400:]).max(-1)
    assert np.all(tail < 0.02 * np.abs(made.strain[late]).max(-1))


def test_doubling_the_snr_doubles_the_strain_and_halves_the_distance(signals) -> None:
    population, merger_time, made = signals
    louder = _simulate(population, merger_time, 16.0)
    np.testing.assert_allclose(louder.strain, 2 * made.strain, rtol=1e-9, atol=1e-30)
    np.testing.assert_allclose(louder.distance_mpc, made.distance_mpc / 2)


def test_phase_of_half_a_turn_is_the_same_wave(signals) -> None:
    population, merger_time, made = signals
    turned = _simulate(dataclasses.replace(population, phase=population.phase + np.pi), merger_time)
    np.testing.assert_allclose(turned.strain, made.strain, atol=1e-9 * np.abs(made.strain).max())


def test_edge_on_binary_above_a_detector_shows_the_plus_polarisation_alone() -> None:
    zero = np.zeros(1)
    face, edge = (Sky(zero, zero + 0.5, zero, np.array([cosine])) for cosine in (1.0, 0.0))
    frequency = signal_frequencies(SAMPLES, RATE)
    binary = Population(zero + 40, zero + 30, zero, zero, zero, face)
    _, seen = compact_binaries.project(binary, zero + 1, frequency)
    _, edgewise = compact_binaries.project(dataclasses.replace(binary, sky=edge), zero + 1, frequency)
    np.testing.assert_allclose(edgewise.imag, 0, atol=1e-12)
    np.testing.assert_allclose(edgewise.real, seen.real / 2)


def test_chirp_frequency_and_mass() -> None:
    # A binary neutron star of chirp mass 1.188 passes 24 Hz about 100 s before it merges (GW170817's paper).
    assert frequency_before_merger(np.array([100.0]), np.array([1.188]))[0] == pytest.approx(24.0, abs=0.5)
    assert chirp_mass(np.array([1.4]), np.array([1.4]))[0] == pytest.approx(1.4 * 2**-0.2)


def test_population_is_within_its_limits_and_repeats() -> None:
    drawn, again = (draw_population(500, 10, 80, 0.5, np.random.default_rng(3)) for _ in range(2))
    assert np.all((drawn.mass_1 >= drawn.mass_2) & (drawn.mass_2 >= 10) & (drawn.mass_1 <= 80))
    assert np.abs(np.stack([drawn.spin_1, drawn.spin_2])).max() <= 0.5
    np.testing.assert_array_equal(drawn.mass_1, again.mass_1)
