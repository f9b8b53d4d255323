"""Spectrograms: energy where it is, in the units of noise."""

import numpy as np
import pytest

from components.physics.spectrogram import constant_q

RATE = 2048.0
FREQUENCY = np.geomspace(30, 400, 40)


def test_a_tone_burst_lies_at_its_time_and_frequency() -> None:
    time = np.arange(4096) / RATE
    burst = 8 * np.sin(2 * np.pi * 150 * time) * np.exp(-0.5 * ((time - 1.2) / 0.02) ** 2)
    energy = constant_q(burst + np.random.default_rng(0).normal(size=4096), RATE, FREQUENCY)
    row, column = np.unravel_index(energy.argmax(), energy.shape)
    assert abs(column / RATE - 1.2) < 0.01
    assert FREQUENCY[row] == pytest.approx(150, rel=0.08)
    assert energy.max() > 100


def test_noise_has_exponential_energy_of_mean_one() -> None:
    noise = np.random.default_rng(1).normal(size=(20, 3, 4096))
    energy = constant_q(noise, RATE, FREQUENCY)
    assert energy.shape == (20, 3, 40, 4096)
    assert energy.mean() == pytest.approx(1, abs=0.05)
    assert np.mean(energy > 3) == pytest.approx(np.exp(-3), rel=0.15)


def test_a_piece_cut_from_a_band_of_noise_is_no_louder_than_white_noise() -> None:
    """The ends of a cut leak beyond the band, where strain is far quieter: that is not the level of the noise."""
    spectrum = np.fft.rfft(np.random.default_rng(2).normal(size=32 * 2048))
    hertz = np.fft.rfftfreq(32 * 2048, 1 / RATE)
    spectrum[(hertz < 20) | (hertz > 500)] = 0
    banded = np.fft.irfft(spectrum)
    energy = constant_q(banded[5000:9096], RATE, FREQUENCY)
    assert energy.mean() == pytest.approx(1, abs=0.15)
    with_silence = np.stack([banded[5000:9096], np.zeros(4096)])
    assert np.allclose(constant_q(with_silence, RATE, FREQUENCY)[0], energy)


def test_silence_has_no_energy() -> None:
    assert np.all(constant_q(np.zeros(1024), RATE, FREQUENCY) == 0)
