"""Mixtures of templates: what an active-set method finds one by one, and redshifted band fluxes."""

import numpy as np
import pytest
from scipy.optimize import nnls

from components.physics.photometry import Band, band_weights
from components.physics.template_fitting import band_fluxes, fit_nonnegative


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(4)


def test_all_galaxies_at_once_as_one_by_one(rng: np.random.Generator) -> None:
    design = rng.lognormal(0, 1, (300, 5, 5))
    flux = rng.normal(1, 2, (300, 5))
    ivar = rng.uniform(0.1, 3, (300, 5))
    ivar[:20, 2] = 0
    found = fit_nonnegative(design, flux, ivar)
    root = np.sqrt(ivar)
    expected = [nnls(root[i][:, None] * design[i], root[i] * flux[i])[0] for i in range(300)]
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert 0.2 < (found == 0).mean() < 0.9, "the test has constraints that bind, and some that do not"


def test_no_light_needs_no_template() -> None:
    assert not fit_nonnegative(np.ones((1, 5, 2)), np.full((1, 5), -1.0), np.ones((1, 5))).any()


def test_templates_are_redshifted(rng: np.random.Generator) -> None:
    wave = np.exp(np.arange(np.log(1000), np.log(30000), 1e-4))
    templates = np.stack([1 + 0.3 * np.sin(wave / 400), wave / 5000])
    band = Band("r", np.array([5500.0, 5600.0, 6900.0, 7000.0]), np.array([0.0, 1.0, 1.0, 0.0]))
    redshift = rng.uniform(0.01, 0.4, 5)
    found = band_fluxes(wave, templates, (band,), redshift)
    for row, z in zip(found, redshift, strict=True):
        observed = templates / (1 + z)
        weights = band_weights(band, wave * (1 + z))
        assert row[0] == pytest.approx(observed @ weights, rel=2e-4)
