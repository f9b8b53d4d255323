"""Errors and zero-point of Gaia DR3 against the published numbers, the authors' package and real stars."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from zero_point import zpt

from components.physics.gaia_astrometry import (
    effective_wavenumber,
    parallax_error,
    parallax_zero_point,
    photometric_error,
    proper_motion_errors,
)


def test_errors_are_the_published_ones() -> None:
    micro = 1000 * parallax_error([15, 17, 18, 20])
    np.testing.assert_allclose(micro, [29, 79, 142, 616], rtol=0.02)
    assert parallax_error(5) == parallax_error(13)  # the floor of bright stars
    pmra, pmdec = proper_motion_errors(17)
    assert (pmra / parallax_error(17), pmdec / parallax_error(17)) == pytest.approx((1.03, 0.89))


def test_errors_are_near_those_of_real_stars(real_data: Path) -> None:
    columns = ["phot_g_mean_mag", "parallax_error", "pmra_error", "pmdec_error"]
    table = pq.read_table(real_data / "gaia" / "dr3_cone_ra45_dec0_r0.5deg.parquet", columns=columns)
    magnitude, parallax, pmra, pmdec = (table[name].to_numpy() for name in columns)
    for low in range(13, 20):
        some = (magnitude > low) & (magnitude < low + 1) & np.isfinite(parallax)
        # A patch of 0.8 square degrees has its own coverage; 20 % is what the scanning law does.
        assert np.median(parallax[some] / parallax_error(magnitude[some])) == pytest.approx(1, abs=0.2)
    some = np.isfinite(parallax)
    assert np.median(pmdec[some] / pmra[some]) == pytest.approx(0.89 / 1.03, abs=0.1)


def test_photometric_errors_are_near_those_of_real_stars(real_data: Path) -> None:
    path = real_data / "gaia" / "dr3_cone_ra45_dec0_r0.5deg.parquet"
    for band in ("g", "bp", "rp"):
        columns = [f"phot_{band}_mean_mag", f"phot_{band}_mean_flux_over_error"]
        magnitude, signal = (pq.read_table(path, columns=columns)[name].to_numpy() for name in columns)
        for low in range(13, 20):
            some = (magnitude > low) & (magnitude < low + 1) & (signal > 0)
            error = 2.5 / np.log(10) / signal[some]
            ratio = np.median(error / photometric_error(band, magnitude[some]))
            # One patch, far from the plane: among its faint there are galaxies, blurred and variable.
            assert 0.9 < ratio < (1.25 if low < 18 else 1.6), (band, low)


def test_wavenumbers_of_real_stars_follow_from_their_colours(real_data: Path) -> None:
    columns = ["bp_rp", "nu_eff_used_in_astrometry"]
    table = pq.read_table(real_data / "gaia" / "dr3_cone_ra45_dec0_r0.5deg.parquet", columns=columns)
    colour, wavenumber = (table[name].to_numpy() for name in columns)
    difference = effective_wavenumber(colour) - wavenumber
    assert np.nanmedian(np.abs(difference)) < 0.01


def test_the_zero_point_is_that_of_the_package() -> None:
    zpt.load_tables()
    rng = np.random.default_rng(0)
    magnitude, latitude = rng.uniform(7, 20.5, 500), rng.uniform(-90, 90, 500)
    wavenumber, pseudocolour = rng.uniform(1.15, 1.85, 500), rng.uniform(1.3, 1.7, 500)
    solved = rng.choice([31, 95], 500)
    ours = parallax_zero_point(magnitude, wavenumber, pseudocolour, latitude, solved)
    np.testing.assert_array_equal(ours, zpt.get_zpt(magnitude, wavenumber, pseudocolour, latitude, solved))
    assert -0.15 < ours.min() < ours.max() < 0.05


def test_what_has_no_zero_point_gets_none_and_spoils_no_other() -> None:
    nan = np.nan
    values = parallax_zero_point(
        np.array([15.0, 15.0, 15.0, nan, 22.0, 15.0]),
        np.array([1.5, nan, nan, 1.5, 1.5, 2.5]),
        np.array([nan, 1.5, nan, nan, nan, nan]),
        np.zeros(6),
        np.array([31, 95, 31, 31, 31, 31]),
    )
    assert np.isfinite(values).tolist() == [True, True, False, False, False, False]
    missing = parallax_zero_point(*(np.array([1.5]) for _ in range(4)), np.array([3]))
    assert np.isnan(missing).all()
