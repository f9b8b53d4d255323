"""How SDSS sees: noise, seeing and colours, the last beside astropy's version of Lupton's mapping."""

import numpy as np
import pytest
from astropy.visualization import make_lupton_rgb

from components.physics.sdss_imaging import BANDS, RGB_BANDS, add_noise, draw_seeing, to_rgb


def test_colours_are_those_of_astropy() -> None:
    """astropy rounds down after another order of operations: one grey value is no difference."""
    rng = np.random.default_rng(0)
    images = (10 ** rng.uniform(-3, 2.5, (4, 3, 16, 16)) - 0.02).astype(np.float32)
    ours = to_rgb(images).astype(int)
    for picture, mapped in zip(images, ours, strict=True):
        i, r, g = picture
        theirs = make_lupton_rgb(i * (2 / 3), r, g * (5 / 3), Q=10, stretch=0.5).astype(int)
        assert np.abs(mapped.transpose(1, 2, 0) - theirs).max() <= 1
    assert RGB_BANDS == ("i", "r", "g")
    assert ours.max() > 240


def test_bright_cores_keep_their_colour() -> None:
    flux = np.array([300.0, 200.0, 50.0], dtype=np.float32).reshape(1, 3, 1, 1)
    red, green, blue = (int(v) for v in to_rgb(flux)[0, :, 0, 0])
    assert red == green == 255, "200 in r weighs as much as 300 in i, and the whole is scaled, not cut off"
    assert blue / red == pytest.approx(50 * (5 / 3) / 200, abs=0.01)
    assert to_rgb(-flux.reshape(1, 3, 1, 1)).max() == 0


def test_noise_is_that_of_sky_and_light() -> None:
    rng = np.random.default_rng(0)
    sky = np.zeros((4, 5, 64, 64), dtype=np.float32)
    add_noise(sky, BANDS, rng)
    np.testing.assert_allclose(sky.std(axis=(0, 2, 3)), [0.040, 0.017, 0.028, 0.042, 0.18], rtol=0.03)
    assert abs(sky.mean()) < 1e-3
    bright = np.full((4, 1, 64, 64), 10.0, dtype=np.float32)
    add_noise(bright, ("r",), rng)
    np.testing.assert_allclose(bright.std(), np.sqrt(0.028**2 + 10 / 920), rtol=0.03)


def test_sky_is_as_bright_as_published() -> None:
    """24.5 magnitudes per square arcsecond are one standard deviation in r."""
    sigma = 0.028 / 0.396127**2
    assert 24.2 < 22.5 - 2.5 * np.log10(sigma) < 25.0


def test_seeing_is_one_weather_for_all_bands() -> None:
    seeing = draw_seeing(4000, np.random.default_rng(0))
    assert seeing.shape == (4000, 5)
    assert abs(np.median(seeing[:, 2]) - 1.32) < 0.02
    assert np.corrcoef(seeing[:, 0], seeing[:, 4])[0, 1] > 0.999
