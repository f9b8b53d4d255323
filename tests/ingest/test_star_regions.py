"""Regions of the sky: across RA 0, around poles, by name, and what is none."""

import numpy as np
import pytest

from components.common.errors import ParameterError
from components.ingest.gaia_stars.regions import Region, region_around, region_of
from components.physics.celestial import separation


def test_by_name_with_its_radius_or_another() -> None:
    region = region_of("M 4", 0.0, 0.0, 0.0, "")
    assert region is not None
    assert (region.name, region.ra_deg, region.radius_deg) == ("M 4", 245.8967, 0.5)
    wider = region_of("m4", 0.0, 0.0, 1.5, "")
    assert wider is not None
    assert wider.radius_deg == 1.5


def test_nothing_described_is_no_region() -> None:
    assert region_of("", 0.0, 0.0, 0.0, "") is None


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("M 4", 0.0, 0.0, 0.0, "1 1, 2 1, 2 2"), "as a polygon"),
        (("", 361.0, 0.0, 1.0, ""), "no region at RA 361"),
        (("", 0.0, 91.0, 1.0, ""), "no region"),
        (("", 0.0, 0.0, 31.0, ""), "no region"),
        (("", 0.0, 0.0, 0.0, "1 1, 2 1"), "too few corners"),
        (("", 0.0, 0.0, 0.0, "1 1, two 1, 2 2"), "cannot be read"),
        (("", 0.0, 0.0, 0.0, "0 0, 130 0, 0 10"), "reaches"),
        (("Nowhere 1", 0.0, 0.0, 0.0, ""), "no cluster"),
    ],
)
def test_impossible_regions_are_refused(arguments: tuple, problem: str) -> None:
    with pytest.raises(ParameterError, match=problem):
        region_of(*arguments)


@pytest.mark.parametrize(("ra", "dec"), [(0.0, 0.0), (359.8, 30.0), (77.0, 90.0), (200.0, -89.7)])
def test_places_drawn_are_inside_and_even(ra: float, dec: float) -> None:
    region = Region("", ra, dec, 1.0)
    places = region.draw(4000, np.random.default_rng(0))
    assert len(places[0]) == 4000
    away = separation(*places, ra, dec)
    assert away.max() <= 1.0
    assert np.mean(away < np.sqrt(0.5)) == pytest.approx(0.5, abs=0.03)
    assert region.contains(*places).all()
    around = region_around(*places)
    assert float(separation(around.ra_deg, around.dec_deg, ra, dec)) < 0.05
    assert around.radius_deg == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize(
    ("polygon", "inside", "outside"),
    [
        ("359 -1, 1 -1, 1 1, 359 1", [(0.0, 0.0), (359.5, 0.5)], [(2.0, 0.0), (180.0, 0.0)]),
        ("0 88, 90 88, 180 88, 270 88", [(0.0, 90.0), (45.0, 89.5)], [(45.0, 87.0), (0.0, -90.0)]),
        ("10 10, 14 10, 14 14, 12 11, 10 14", [(10.5, 11.0), (13.5, 11.5)], [(12.0, 13.0)]),
    ],
)
def test_polygons(polygon: str, inside: list, outside: list) -> None:
    region = region_of("", 0.0, 0.0, 0.0, polygon)
    assert region is not None
    assert region.contains(*np.array(inside).T).all()
    assert not region.contains(*np.array(outside).T).any()
    drawn = region.draw(500, np.random.default_rng(1))
    assert region.contains(*drawn).all()
