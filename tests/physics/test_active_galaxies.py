"""Quasars and galaxies of one population: only the class tells the class, and mixtures are what they say."""

import numpy as np
import pytest

from components.ingest.sdss_spectra.kcorrect_files import real_galaxies
from components.physics.active_galaxies import GALAXY_REDSHIFTS, MixedSpectra, simulate_mixture
from components.physics.wavelength_grid import WavelengthGrid

GRID = WavelengthGrid()
ROWS = 1024


@pytest.fixture(scope="module")
def spectra() -> MixedSpectra:
    parts = [simulate_mixture(256, GRID, real_galaxies(), 0.0, 5.0, np.random.default_rng(n)) for n in range(4)]
    names = MixedSpectra.__dataclass_fields__
    return MixedSpectra(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in names})


def _distance(one: np.ndarray, other: np.ndarray) -> float:
    """Largest distance of two distribution functions."""
    at = np.concatenate([one, other])
    below = [np.searchsorted(np.sort(sample), at, "right") / sample.size for sample in (one, other)]
    return float(np.abs(below[0] - below[1]).max())


def test_brightness_and_noise_are_alike_in_both_classes(spectra: MixedSpectra) -> None:
    quasar = spectra.is_quasar
    assert 0.45 < quasar.mean() < 0.55
    limit = 1.63 * np.sqrt(1 / quasar.sum() + 1 / (~quasar).sum())  # Kolmogorov and Smirnov's, of one per cent
    for name in ("sn_median", "magnitude_r"):
        values = getattr(spectra, name)
        assert _distance(values[quasar], values[~quasar]) < limit, name
    observed = (spectra.ivar > 0).mean(axis=1)
    assert _distance(observed[quasar], observed[~quasar]) < limit, "the spectrograph"


def test_redshifts_overlap(spectra: MixedSpectra) -> None:
    quasar, near = spectra.is_quasar, spectra.redshift < GALAXY_REDSHIFTS[1]
    assert near[~quasar].all()
    assert 0.4 < near[quasar].mean() < 0.6
    both = near & quasar
    limit = 1.63 * np.sqrt(1 / both.sum() + 1 / (~quasar).sum())
    assert _distance(spectra.redshift[both], spectra.redshift[~quasar]) < limit


def test_the_class_is_what_gives_most_light(spectra: MixedSpectra) -> None:
    np.testing.assert_array_equal(spectra.is_quasar, spectra.log_ratio > 0)
    mixed = np.isfinite(spectra.log_ratio)
    weak = mixed & ~spectra.is_quasar
    assert 0.15 < weak.sum() / (~spectra.is_quasar).sum() < 0.25
    assert (np.abs(spectra.log_ratio[mixed]) > 0.1).all()
    np.testing.assert_array_equal(spectra.galaxy < 0, np.isposinf(spectra.log_ratio))


def test_a_strong_nucleus_is_blue_and_a_galaxy_is_not(spectra: MixedSpectra) -> None:
    rest = GRID.wavelength_angstrom / (1 + spectra.redshift[:, None])

    def light(low: float, high: float) -> np.ndarray:
        inside = (rest > low) & (rest < high) & (spectra.ivar > 0)
        return (spectra.flux * inside).sum(axis=1) / np.maximum(inside.sum(axis=1), 1)

    rows = (spectra.redshift > 0.25) & (spectra.redshift < 0.7) & (spectra.sn_median > 2)
    colour = light(3150, 3500) / light(4150, 4270)
    strong = rows & np.isfinite(spectra.log_ratio) & (spectra.log_ratio > 1)
    pure = rows & np.isneginf(spectra.log_ratio)
    assert np.median(colour[strong]) > 1.0
    assert np.median(colour[pure]) < 0.8


def test_equal_seeds_give_equal_spectra() -> None:
    one, two = (simulate_mixture(16, GRID, real_galaxies(), 0.0, 5.0, np.random.default_rng(7)) for _ in range(2))
    np.testing.assert_array_equal(one.flux, two.flux)
    assert np.isfinite(one.flux).all()
    assert np.isfinite(one.sn_median).all()
