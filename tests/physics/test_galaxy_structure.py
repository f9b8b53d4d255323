"""Sizes and shapes of galaxies, against published relations and astropy's cosmology."""

import numpy as np
from astropy.cosmology import FlatLambdaCDM

from components.physics.galaxy_profiles import de_vaucouleurs, exponential
from components.physics.galaxy_structure import (
    apparent_axis_ratio,
    arcsec_per_kpc,
    disc_axis_ratio,
    distance_modulus,
    draw_structure,
    half_light_radius,
    stellar_mass,
    typical_radius_kpc,
)


def test_distances_are_astropys() -> None:
    redshift = np.array([0.01, 0.1, 0.4])
    theirs = FlatLambdaCDM(H0=70, Om0=0.3)
    np.testing.assert_allclose(distance_modulus(redshift), theirs.distmod(redshift).value, atol=1e-4)
    np.testing.assert_allclose(arcsec_per_kpc(redshift), theirs.arcsec_per_kpc_proper(redshift).value, rtol=1e-4)


def test_milky_way_like_galaxy() -> None:
    """An M* galaxy has some 5e10 solar masses, and a few kpc; an elliptical of its mass is smaller."""
    mass = stellar_mass(np.array([-21.2]), np.array([0.7]))
    assert 2e10 < mass[0] < 1e11
    both = np.repeat(mass, 2)
    late, early = typical_radius_kpc(both, np.array([False, True]))
    assert 2.5 < early < 3.5 < late < 5


def test_half_of_the_light_is_within_the_half_light_radius() -> None:
    fraction, ratio = np.array([0.0, 0.3, 0.7, 1.0]), np.array([0.3, 0.3, 1.5, 0.5])
    radius = half_light_radius(fraction, ratio)
    np.testing.assert_allclose(radius[[0, 3]], [1.0, 0.5], rtol=1e-6)
    within = fraction * de_vaucouleurs().flux_within(radius / ratio)
    within += (1 - fraction) * exponential().flux_within(radius)
    np.testing.assert_allclose(within, 0.5, atol=1e-9)


def test_red_galaxies_are_early_and_scatter_as_shen_says() -> None:
    rng = np.random.default_rng(1)
    count = 40_000
    u_r = np.repeat([1.5, 2.8], count // 2)
    structure = draw_structure(np.full(count, -21.0), np.full(count, 0.7), u_r, rng)
    blue, red = structure.is_early[: count // 2], structure.is_early[count // 2 :]
    assert blue.mean() < 0.02
    assert red.mean() > 0.95
    scatter = np.log(structure.radius_kpc / typical_radius_kpc(structure.stellar_mass, structure.is_early))
    mass = structure.stellar_mass[0]
    assert abs(scatter.std() - (0.34 + 0.13 / (1 + (mass / 3.98e10) ** 2))) < 0.01
    assert abs(scatter.mean()) < 0.01
    fraction = structure.bulge_fraction
    assert fraction[structure.is_early].mean() > 2 * fraction[~structure.is_early].mean()
    whole = structure.bulge_fraction * de_vaucouleurs().flux_within(1 / structure.bulge_radius)
    whole += (1 - structure.bulge_fraction) * exponential().flux_within(1 / structure.disc_radius)
    np.testing.assert_allclose(whole, 0.5, atol=1e-6)


def test_axis_ratios() -> None:
    np.testing.assert_allclose(apparent_axis_ratio(0.6, np.array([0.0, 1.0])), [0.6, 1.0])
    assert disc_axis_ratio(np.array([0.0]))[0] == 0.2
