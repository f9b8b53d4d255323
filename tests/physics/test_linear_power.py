"""The linear power spectrum and growth, against an independent code (colossus)."""

import numpy as np
import pytest
from colossus.cosmology import cosmology as colossus
from colossus.cosmology import power_spectrum as peer

from components.common.errors import ParameterError
from components.physics.cosmology import Cosmology
from components.physics.linear_power import linear_power, transfer

# The corners of the latin hypercube of CAMELS.
UNIVERSES = [(0.3, 0.8), (0.1, 0.6), (0.1, 1.0), (0.5, 0.6), (0.5, 1.0)]
REDSHIFTS = np.array([127.0, 15.0, 3.0, 1.0, 0.5, 0.0])


@pytest.mark.parametrize(("omega_m", "sigma_8"), UNIVERSES)
def test_agrees_with_colossus(omega_m: float, sigma_8: float) -> None:
    ours = Cosmology(omega_m=omega_m, sigma_8=sigma_8)
    theirs = colossus.setCosmology(
        "armillary", flat=True, H0=67.11, Om0=omega_m, Ob0=0.049, sigma8=sigma_8, ns=0.9624, relspecies=False,
        persistence="",
    )  # fmt: skip
    k = np.geomspace(1e-3, 50, 300)
    np.testing.assert_allclose(transfer(k, ours), peer.modelEisenstein98(k, 0.6711, omega_m, 0.049, 2.7255), 1e-9)
    # It interpolates in a table, too coarse for the waves where baryons are half of the matter.
    np.testing.assert_allclose(
        linear_power(k, ours),
        theirs.matterPowerSpectrum(k, model="eisenstein98"),
        0.002 if omega_m > 0.1 else 0.02,
    )
    np.testing.assert_allclose(ours.growth(1 / (1 + REDSHIFTS)).first, theirs.growthFactor(REDSHIFTS), 1e-4)


def test_no_wave_has_no_power() -> None:
    assert linear_power(0.0, Cosmology()) == 0


def test_matter_alone_grows_as_known() -> None:
    a = np.array([0.01, 0.1, 0.5, 1.0])
    growth = Cosmology(omega_m=1.0).growth(a)
    np.testing.assert_allclose(growth.first, a, 1e-5)
    np.testing.assert_allclose(growth.rate, 1, 1e-5)
    np.testing.assert_allclose(growth.second, -3 / 7 * a**2, 1e-5)
    np.testing.assert_allclose(growth.second_slope, -6 / 7 * a, 1e-5)


def test_second_order_follows_the_known_fit() -> None:
    """Bouchet et al. 1995: -3/7 Omega_m(a)^(-1/143) D^2, to parts in a thousand."""
    growth = Cosmology(omega_m=0.3).growth(1.0)
    np.testing.assert_allclose(growth.second, -3 / 7 * 0.3 ** (-1 / 143), 2e-3)


@pytest.mark.parametrize(
    "wrong", [{"omega_m": 0.04}, {"omega_m": 1.2}, {"sigma_8": 0.0}, {"h": -1.0}, {"n_s": float("nan")}]
)
def test_refuses_impossible_universes(wrong: dict[str, float]) -> None:
    with pytest.raises(ParameterError):
        Cosmology(**wrong)


def test_refuses_the_future() -> None:
    with pytest.raises(ParameterError, match="Scale factors"):
        Cosmology().growth(1.5)
