"""Constants and factors of conversion, wherever they are written down, against astropy's and LAL's."""

import pytest
from astropy import constants, units
from astropy.cosmology import FlatLambdaCDM

from components.physics import (
    feedback_gas,
    galaxy_distances,
    map_painting,
    phenom_d,
    photometry,
    star_populations,
)
from components.physics.constants import SPEED_OF_LIGHT_KM_S
from components.train.clustering import candidates

ANGLES = units.dimensionless_angles()


def test_speeds_of_light_are_that_of_light() -> None:
    assert constants.c.to_value("km/s") == SPEED_OF_LIGHT_KM_S
    assert pytest.approx(constants.c.to_value("angstrom/s")) == photometry._SPEED_OF_LIGHT_ANGSTROM_S


def test_magnitude_zero_is_3631_jansky() -> None:
    assert (3631 * units.Jy).to_value("erg / (s cm2 Hz)") == pytest.approx(photometry._AB_ERG_S_CM2_HZ, rel=1e-12)


def test_the_suns_mass_and_a_megaparsec_in_seconds_are_lals() -> None:
    lal = pytest.importorskip("lal")
    assert phenom_d.SOLAR_MASS_SECONDS == lal.MTSUN_SI
    assert pytest.approx(lal.PC_SI * 1e6 / lal.C_SI, rel=1e-8) == phenom_d.MEGAPARSEC_SECONDS


def test_proper_motions_become_velocities() -> None:
    speed = (units.mas / units.yr * units.kpc).to(units.km / units.s, equivalencies=ANGLES)
    assert pytest.approx(speed, rel=1e-12) == star_populations.KM_S_PER_MAS_YR_KPC
    assert pytest.approx(speed, rel=1e-6) == candidates._KM_S_PER_MAS_YR_KPC


def test_the_critical_density_is_that_of_a_hubble_constant_of_100() -> None:
    density = FlatLambdaCDM(100, 0.3).critical_density0.to_value("Msun / Mpc3")
    assert pytest.approx(density, rel=1e-8) == feedback_gas.CRITICAL_DENSITY


def test_what_maps_of_gas_are_multiplied_by() -> None:
    protons = (units.Msun / units.Mpc**3 / constants.m_p).to_value("cm-3")
    assert pytest.approx(protons, rel=1e-3) == map_painting._PROTONS  # the Sun's mass was rounded to 1.989e30 kg
    heat = (constants.k_B * units.K / constants.m_p).to_value("km2 / s2") / 0.59
    assert pytest.approx(heat * 1e-9, rel=1e-4) == map_painting._PRESSURE


def test_distances_are_astropys() -> None:
    cosmology = FlatLambdaCDM(galaxy_distances.HUBBLE_KM_S_MPC, galaxy_distances.MATTER)
    for redshift in (0.02, 0.1, 0.5, 1.5):
        expected = cosmology.comoving_distance(redshift).to_value("Mpc")
        assert float(galaxy_distances.comoving_mpc(redshift)) == pytest.approx(expected, rel=1e-6)
