"""Geometry of the sky against astropy and against Gaia's own identifiers and coordinates."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from astropy import units
from astropy.coordinates import SkyCoord

from components.physics.celestial import (
    directions,
    ecliptic_latitude,
    from_tangent_plane,
    healpix_pixels,
    icrs_to_galactic,
    mean_direction,
    separation,
    to_tangent_plane,
)


def _everywhere(number: int = 3000) -> tuple[np.ndarray, np.ndarray]:
    ra, dec = directions(np.random.default_rng(1).normal(size=(number, 3)))
    return np.append(ra, [0, 359.999999, 12, 200]), np.append(dec, [0, 0, 90, -90])


def test_galactic_coordinates_are_those_of_astropy() -> None:
    ra, dec = _everywhere()
    longitude, latitude = icrs_to_galactic(ra, dec)
    theirs = SkyCoord(ra, dec, unit="deg").galactic
    ours = SkyCoord(longitude, latitude, unit="deg", frame="galactic")
    # astropy takes the frame from FK5, Gaia and we from the Hipparcos catalogue: 0.025 arcsec apart.
    assert ours.separation(theirs).arcsec.max() < 0.04


def test_places_of_real_stars(real_data: Path) -> None:
    columns = ["source_id", "ra", "dec", "l", "b", "ecl_lat"]
    table = pq.read_table(real_data / "gaia" / "dr3_cone_ra45_dec0_r0.5deg.parquet", columns=columns)
    star = {name: table[name].to_numpy() for name in columns}
    longitude, latitude = icrs_to_galactic(star["ra"], star["dec"])
    np.testing.assert_allclose(longitude, star["l"], atol=1e-10)
    np.testing.assert_allclose(latitude, star["b"], atol=1e-10)
    np.testing.assert_allclose(ecliptic_latitude(star["ra"], star["dec"]), star["ecl_lat"], atol=1e-5)
    # Identifiers hold the pixel of an earlier position: a star on a border may have crossed it.
    same = healpix_pixels(star["ra"], star["dec"]) == star["source_id"] >> 35
    assert same.mean() > 0.98


@pytest.mark.parametrize("level", [0, 1, 3, 5])
def test_healpix_pixels_have_equal_areas_and_are_compact(level: int) -> None:
    ra, dec = directions(np.random.default_rng(2).normal(size=(200_000, 3)))
    pixels = healpix_pixels(ra, dec, level)
    number = 12 * 4**level
    counts = np.bincount(pixels, minlength=number)
    assert len(counts) == number
    expected = len(pixels) / number
    assert abs(counts - expected).max() < 5.5 * np.sqrt(expected)
    # The farthest corners of a pixel are less than two of its sides apart, so no pixel may be in two places.
    side = np.degrees(np.sqrt(4 * np.pi / number))
    for pixel in (0, number // 3, number // 2, number - 1):
        inside = pixels == pixel
        assert separation(ra[inside], dec[inside], *mean_direction(ra[inside], dec[inside])).max() < 1.2 * side


def test_healpix_levels_are_nested() -> None:
    ra, dec = _everywhere()
    np.testing.assert_array_equal(healpix_pixels(ra, dec, 12) >> 14, healpix_pixels(ra, dec, 5))
    assert healpix_pixels(ra, dec, 12).min() >= 0
    assert healpix_pixels(ra, dec, 12).max() < 12 << 24


@pytest.mark.parametrize(("ra0", "dec0"), [(0.0, 0.0), (359.9, -40.0), (123.0, 90.0), (10.0, -89.9)])
def test_the_tangent_plane_and_back(ra0: float, dec0: float) -> None:
    rng = np.random.default_rng(3)
    x, y = rng.uniform(-5, 5, (2, 500))
    ra, dec = from_tangent_plane(x, y, ra0, dec0)
    assert ((ra >= 0) & (ra < 360)).all()
    back = to_tangent_plane(ra, dec, ra0, dec0)
    np.testing.assert_allclose(back, (x, y), atol=1e-9)
    far = np.degrees(np.tan(np.radians(separation(ra, dec, ra0, dec0))))
    np.testing.assert_allclose(np.hypot(*back), far, atol=1e-9)


def test_the_other_side_of_the_sky_is_on_no_plane() -> None:
    assert np.isnan(to_tangent_plane([180.0], [0.0], 0.0, 0.0)).all()


def test_small_angles_keep_their_digits() -> None:
    step = 1e-7 / 3600
    assert separation(45.0, step, 45.0, 0.0) == pytest.approx(step, rel=1e-4)
    theirs = SkyCoord(10, 80, unit="deg").separation(SkyCoord(30, 85, unit="deg")).to_value(units.deg)
    assert separation(10.0, 80.0, 30.0, 85.0) == pytest.approx(theirs)


def test_the_middle_across_ra_0_and_of_a_pole() -> None:
    assert mean_direction([359.0, 1.0], [0.0, 0.0])[0] % 360 == pytest.approx(0, abs=1e-9)
    assert mean_direction([0, 90, 180, 270], [89.0] * 4)[1] == pytest.approx(90)
