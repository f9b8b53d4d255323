"""What is measured scatters around what is there as the published errors and correlations say."""

import numpy as np
import pytest

from components.physics.gaia_survey import Observed, TrueStars, observe
from components.physics.spectral_types import FAINTEST_G

NUMBER = 40_000


def _stars(magnitude: np.ndarray, crowding: float = 1.0) -> TrueStars:
    rng = np.random.default_rng(6)
    one = np.ones(len(magnitude))
    ra, dec = rng.uniform(100, 101, len(magnitude)), rng.uniform(-30, -29, len(magnitude))
    return TrueStars(
        ra, dec, 2 * one, 3 * one, -4 * one, magnitude, one, 5500 * one, 4.4 * one, 0 * one, crowding * one
    )


def _observed(faintest: float = 18.0, crowding: float = 1.0) -> Observed:
    magnitude = np.random.default_rng(7).uniform(12, faintest, NUMBER)
    return observe(_stars(magnitude, crowding), 0, np.random.default_rng(8))


def test_good_stars_scatter_by_their_errors() -> None:
    seen = _observed()
    good = (seen["ruwe"] < 1.2) & np.isfinite(seen["parallax"])
    for name, true in (("pmra", 3.0), ("pmdec", -4.0)):
        pull = (seen[name] - true)[good] / seen[f"{name}_error"][good]
        assert np.median(pull) == pytest.approx(0, abs=0.03)
        # A quarter of the suspects have a RUWE like the good, and larger errors.
        assert np.subtract(*np.percentile(pull, [84.13, 15.87])) / 2 == pytest.approx(1, abs=0.03)


def test_colours_are_worse_in_the_blue() -> None:
    """Of a red star BP is fainter than RP; nobody but the simulator knows both magnitudes without noise."""
    seen = _observed()
    faint = (seen["phot_g_mean_mag"] > 17.5) & np.isfinite(seen["bp_rp"])
    blue, red = ((seen[f"phot_{b}_mean_mag"] - seen["phot_g_mean_mag"])[faint] for b in ("bp", "rp"))
    assert np.median(blue) == pytest.approx(0.4, abs=0.002)
    assert np.median(red) == pytest.approx(-0.6, abs=0.002)
    assert 0.01 < np.std(blue) < 0.016
    assert 0.007 < np.std(red) < np.std(blue)


def test_parallaxes_carry_the_zero_point() -> None:
    seen = _observed()
    offset = np.nanmedian(seen["parallax"]) - 0.5
    assert -0.06 < offset < -0.01


def test_crowding_makes_the_errors_too_small() -> None:
    seen = _observed(crowding=1.2)
    good = seen["ruwe"] < 1.2
    pull = (seen["pmra"] - 3.0)[good] / seen["pmra_error"][good]
    assert np.subtract(*np.percentile(pull, [84.13, 15.87])) / 2 == pytest.approx(1.2, abs=0.04)


def test_errors_are_correlated_as_said() -> None:
    seen = _observed()
    good = seen["ruwe"] < 1.2
    pulls = [((seen[n] - t) / seen[f"{n}_error"])[good] for n, t in (("pmra", 3.0), ("pmdec", -4.0))]
    for low, high in ((-0.5, -0.2), (-0.1, 0.1), (0.2, 0.5)):
        some = (seen["pmra_pmdec_corr"][good] > low) & (seen["pmra_pmdec_corr"][good] < high)
        core = some & (np.abs(pulls[0]) < 4) & (np.abs(pulls[1]) < 4)
        said = np.mean(seen["pmra_pmdec_corr"][good][core])
        assert np.corrcoef(pulls[0][core], pulls[1][core])[0, 1] == pytest.approx(said, abs=0.06)


def test_nulls_are_where_dr3_has_them() -> None:
    seen = _observed(21.0)
    magnitude = seen["phot_g_mean_mag"]
    two = seen["astrometric_params_solved"] == 3
    assert np.isnan(seen["parallax"][two]).all()
    assert np.isfinite(seen["parallax"][~two]).all()
    assert two[magnitude > 20.5].mean() > 10 * two[magnitude < 18].mean()
    five = seen["astrometric_params_solved"] == 31
    assert np.isfinite(seen["nu_eff_used_in_astrometry"][five]).all()
    assert np.isnan(seen["nu_eff_used_in_astrometry"][~five]).all()
    assert np.isfinite(seen["pseudocolour"][seen["astrometric_params_solved"] == 95]).all()
    assert 0 < np.isnan(seen["bp_rp"]).mean() < 0.03


def test_letters_end_where_those_of_gaia_do() -> None:
    seen = _observed(19.0)
    letters = seen["spectraltype_esphs"]
    faint = seen["phot_g_mean_mag"] >= FAINTEST_G
    assert (letters[faint] == "").all()
    assert np.mean(letters[~faint] == "G") > 0.8, "5500 K with errors of 3 %"
    assert np.isnan(seen["teff_gspphot"][seen["phot_g_mean_mag"] >= 19]).all()


def test_ruwe_has_a_tail_and_the_tail_is_bad() -> None:
    seen = _observed()
    bad = seen["ruwe"] > 1.4
    assert 0.03 < bad.mean() < 0.08
    pull = np.abs((seen["pmra"] - 3.0) / seen["pmra_error"])
    assert np.nanmedian(pull[bad]) > 1.5 * np.nanmedian(pull[~bad])


def test_identifiers_are_unique_and_hold_the_pixel() -> None:
    seen = _observed()
    assert len(np.unique(seen["source_id"])) == NUMBER
    assert len(np.unique(seen["source_id"] >> 59)) <= 2, "a square degree lies in one or two base pixels"
