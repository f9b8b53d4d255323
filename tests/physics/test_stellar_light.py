"""Breaks and lines of the two populations of a host galaxy."""

import numpy as np

from components.physics.spectral_lines import ABSORPTION_LINES
from components.physics.stellar_light import population_spectra

WAVE = np.arange(2500.0, 11000.0, 1.0)
OLD, YOUNG = population_spectra(WAVE)


def _mean(flux: np.ndarray, low: float, high: float) -> float:
    return float(flux[(low < WAVE) & (high > WAVE)].mean())


def _break(flux: np.ndarray) -> float:
    """Narrow 4000 angstrom break of Balogh et al. 1999, per unit frequency."""
    per_frequency = flux * WAVE**2
    return _mean(per_frequency, 4000, 4100) / _mean(per_frequency, 3850, 3950)


def test_old_stars_have_the_break_of_ellipticals_and_young_ones_have_not() -> None:
    # Kauffmann et al. 2003, MNRAS 341, 33: about 1.7-2 in old galaxies, below 1.5 in star-forming ones
    assert 1.6 < _break(OLD) < 2.2
    assert 0.9 < _break(YOUNG) < 1.5


def test_both_are_unity_at_5100_angstrom_but_for_lines_and_nowhere_negative() -> None:
    for flux in (OLD, YOUNG):
        assert abs(_mean(flux, 5080, 5120) - 1) < 0.05
        assert flux.min() > 0
    assert _mean(YOUNG, 3000, 3500) > 3 * _mean(OLD, 3000, 3500)


def test_the_absorption_lines_that_are_marked_are_there() -> None:
    for name, centre in ABSORPTION_LINES:
        beside = (_mean(OLD, centre - 70, centre - 40) + _mean(OLD, centre + 40, centre + 70)) / 2
        assert _mean(OLD, centre - 3, centre + 3) < 0.93 * beside, name
