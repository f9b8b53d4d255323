"""The field: its limit, its motions against astropy's, and its likeness to a real one."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from astropy import units
from astropy.coordinates import CartesianDifferential, Galactocentric, SkyCoord

from components.physics.galactic_field import (
    CIRCULAR_SPEED_KM_S,
    SUN_HEIGHT_KPC,
    SUN_PECULIAR_KM_S,
    SUN_TO_CENTRE_KPC,
    FieldStars,
    LineOfSight,
    extinction_v,
    galactic_places,
    relative_velocities,
)
from components.physics.star_populations import proper_motions


def _field(number: int, ra: float, dec: float, faintest: float) -> FieldStars:
    rng = np.random.default_rng(5)
    places = (ra + rng.uniform(-0.5, 0.5, number), dec + rng.uniform(-0.5, 0.5, number))
    return LineOfSight(ra, dec, faintest).draw(*places, 0.3, rng)


def test_proper_motions_are_those_of_astropy() -> None:
    """A star with known galactic velocities, by way of astropy's frames."""
    ra, dec, distance = 110.0, -25.0, 1.3
    velocity = relative_velocities(-20.0, 215.0, 5.0, galactic_places(ra, dec, distance))
    ours = proper_motions(velocity, *(np.array([v]) for v in (ra, dec, distance)))
    sun = SUN_PECULIAR_KM_S + np.array([0, CIRCULAR_SPEED_KM_S, 0])
    frame = Galactocentric(
        galcen_distance=np.hypot(SUN_TO_CENTRE_KPC, SUN_HEIGHT_KPC) * units.kpc,
        z_sun=SUN_HEIGHT_KPC * units.kpc,
        galcen_v_sun=CartesianDifferential(sun * units.km / units.s),
    )
    place = SkyCoord(ra * units.deg, dec * units.deg, distance=distance * units.kpc).transform_to(frame)
    x, y, z = (getattr(place, axis).to_value(units.kpc) for axis in "xyz")
    cosine, sine = x / np.hypot(x, y), y / np.hypot(x, y)
    star = SkyCoord(
        x=x * units.kpc, y=y * units.kpc, z=z * units.kpc,
        v_x=(-20 * cosine + 215 * sine) * units.km / units.s,
        v_y=(-20 * sine - 215 * cosine) * units.km / units.s,
        v_z=5 * units.km / units.s, frame=frame,
    ).icrs  # fmt: skip
    theirs = [star.pm_ra_cosdec.to_value(units.mas / units.yr), star.pm_dec.to_value(units.mas / units.yr)]
    # astropy's axes are tilted by the height of the Sun and point to Sagittarius A*, ours along l = 0.
    np.testing.assert_allclose(np.ravel(ours), theirs, atol=0.05)


def test_stars_are_brighter_than_the_limit() -> None:
    stars = _field(20_000, 110.0, -25.0, 17.0)
    assert stars.magnitude_g.max() <= 17.0
    assert np.quantile(stars.magnitude_g, 0.1) < 15.5
    assert np.isfinite(stars.pmra).all()
    assert stars.distance_kpc.min() > 0


def test_dust_piles_up_and_ends() -> None:
    depth = extinction_v([0.0, 0.5, 1.0, 100.0], 90.0)
    assert depth[0] == 0
    assert depth[-1] == pytest.approx(0.07)
    assert (np.diff(extinction_v([0.1, 0.5, 1.0, 3.0], 0.0)) > 0).all()
    assert extinction_v(5.0, 5.0) > extinction_v(5.0, -30.0) == extinction_v(5.0, 30.0)


def test_the_simulated_field_is_like_the_real_one(real_data: Path) -> None:
    """Not tuned: 2,000 real stars at high latitude and what the model draws there agree within a fifth or so."""
    columns = ["phot_g_mean_mag", "bp_rp", "pmra", "pmdec", "parallax"]
    table = pq.read_table(real_data / "gaia" / "dr3_cone_ra45_dec0_r0.5deg.parquet", columns=columns).to_pandas()
    real = table[table.phot_g_mean_mag < 19].dropna()
    stars = _field(20_000, 45.0, 0.0, 19.0)
    assert np.median(stars.colour) == pytest.approx(np.median(real.bp_rp), abs=0.2)
    assert np.median(1 / stars.distance_kpc) == pytest.approx(np.median(real.parallax), rel=0.25)
    for ours, theirs in ((stars.pmra, real.pmra), (stars.pmdec, real.pmdec)):
        low, high = np.percentile(theirs, [16, 84])
        assert np.median(ours) == pytest.approx(np.median(theirs), abs=0.2 * (high - low))
        assert np.subtract(*np.percentile(ours, [84, 16])) == pytest.approx(high - low, rel=0.3)
