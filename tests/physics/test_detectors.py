"""Geometry against lal's own detectors."""

import numpy as np
import pytest

from components.physics.detectors import (
    DETECTORS,
    GEOMETRY,
    LIGHT_TRAVEL_TIMES,
    antenna_patterns,
    arrival_delays,
    draw_sky,
)

lal = pytest.importorskip("lal", reason="lalsuite is in the extra dev")
THEIRS = {detector.frDetector.prefix: detector for detector in lal.CachedDetectors}
TIME = lal.LIGOTimeGPS(1_126_259_462)


@pytest.mark.parametrize("name", DETECTORS)
def test_responses_and_positions_are_those_of_lal(name: str) -> None:
    np.testing.assert_allclose(GEOMETRY[name].response, THEIRS[name].response, atol=1e-7)  # lal's are float32
    np.testing.assert_allclose(GEOMETRY[name].position_m, THEIRS[name].location, atol=1e-3)


def test_antenna_patterns_are_those_of_lal() -> None:
    sky = draw_sky(300, np.random.default_rng(1))
    plus, cross = antenna_patterns(sky)
    for index, name in enumerate(DETECTORS):
        theirs = np.array(
            [
                lal.ComputeDetAMResponse(THEIRS[name].response, *angles, 0.0)
                for angles in zip(sky.longitude, sky.latitude, sky.polarisation, strict=True)
            ]
        )
        np.testing.assert_allclose(np.stack([plus, cross], -1)[:, index], theirs, atol=1e-7)


def test_delays_are_those_of_lal() -> None:
    sky = draw_sky(300, np.random.default_rng(2))
    delays = arrival_delays(sky)
    sidereal = lal.GreenwichMeanSiderealTime(TIME)
    for index, name in enumerate(DETECTORS):
        theirs = [
            lal.TimeDelayFromEarthCenter(THEIRS[name].location, longitude + sidereal, latitude, TIME)
            for longitude, latitude in zip(sky.longitude, sky.latitude, strict=True)
        ]
        np.testing.assert_allclose(delays[:, index], theirs, atol=1e-9)  # seconds


def test_no_delay_is_longer_than_light_takes() -> None:
    delays = arrival_delays(draw_sky(3000, np.random.default_rng(3)))
    for (first, second), longest in LIGHT_TRAVEL_TIMES.items():
        apart = np.abs(delays[:, DETECTORS.index(first)] - delays[:, DETECTORS.index(second)])
        assert 0.99 * longest < apart.max() <= longest
    assert [round(1e3 * seconds, 1) for seconds in LIGHT_TRAVEL_TIMES.values()] == [10.0, 27.3, 26.4]


def test_sky_is_drawn_evenly() -> None:
    sky = draw_sky(20_000, np.random.default_rng(4))
    assert abs(np.sin(sky.latitude).mean()) < 5 * np.sqrt(1 / 3 / 20_000)
    assert np.mean(np.abs(np.sin(sky.latitude)) < 0.5) == pytest.approx(0.5, abs=0.02)
    plus, cross = antenna_patterns(sky)
    # Averaged over sky and polarisation an interferometer with arms at right angles responds with 1/5 each.
    np.testing.assert_allclose((plus**2).mean(0), 0.2, atol=0.01)
    np.testing.assert_allclose((cross**2).mean(0), 0.2, atol=0.01)
