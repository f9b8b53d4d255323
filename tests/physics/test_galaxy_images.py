"""Pictures of galaxies: sums of Gaussians beside the profiles they stand for, and beside GalSim."""

import galsim
import numpy as np
import pytest

from components.physics.galaxy_images import BULGE, DISC, MOFFAT_BETA, STAR, Light, render
from components.physics.galaxy_profiles import Mixture, de_vaucouleurs, exponential, moffat, sersic

SIZE, SEEING = 64, 3.3


def light(kind: int, radius: float, axis_ratio: float = 1.0, angle: float = 0.0, x: float = 31.5) -> Light:
    one = np.ones(1)
    return Light(
        np.array([0, 1]), np.array([kind]), x * one, 31.5 * one, radius * one, axis_ratio * one, angle * one,
        np.ones((1, 1)),
    )  # fmt: skip


def draw(pieces: Light, size: int = SIZE) -> np.ndarray:
    return render(pieces, np.full((1, 1), SEEING), size)[0, 0].astype(np.float64)


def test_mixtures_follow_the_profiles() -> None:
    """Where the light is. Ours end, and are stretched to have half their light within 1: hence the other scale."""
    radius = np.geomspace(0.05, 3.0, 60)
    for mixture, index in ((exponential(), 1.0), (de_vaucouleurs(), 4.0)):
        endless = np.geomspace(1e-4, 4.0 if index == 1 else 8.0, 4000)
        within = np.cumsum(sersic(index)(endless) * endless**2)
        stretch = endless[np.searchsorted(within, 0.5 * within[-1])]
        ratio = mixture.surface_brightness(radius) / sersic(index)(radius * stretch)
        ratio /= np.median(ratio)
        assert np.abs(ratio - 1).max() < 0.05
        assert np.abs(ratio - 1).mean() < 0.02
        assert mixture.share.sum() == pytest.approx(1.0)
        assert mixture.flux_within(np.ones(1))[0] == pytest.approx(0.5, abs=1e-9)
    blur = moffat(3.0)
    core = 0.5 / np.sqrt(2 ** (1 / 3) - 1)
    radius = np.linspace(0.0, 3.0, 50)
    np.testing.assert_allclose(
        blur.surface_brightness(radius) / blur.surface_brightness(np.zeros(1)),
        (1 + (radius / core) ** 2) ** -3.0,
        atol=6e-3,
    )


def test_star_is_the_blur() -> None:
    image = draw(light(STAR, 0.0))
    y, x = np.mgrid[:SIZE, :SIZE] - 31.5
    expected = moffat(MOFFAT_BETA).surface_brightness(np.hypot(x, y).ravel() / SEEING) / SEEING**2
    np.testing.assert_allclose(image.ravel(), expected, atol=expected.max() * 1e-6)
    assert image.sum() == pytest.approx(1.0, abs=0.01)


def test_recurrence_is_the_exponential_function() -> None:
    """An inclined Gaussian off the middle, against its formula evaluated at each pixel."""
    radius, ratio, angle, x0 = 6.0, 0.25, 0.7, 28.3
    image = draw(light(DISC, radius, ratio, angle, x0))
    y, x = np.mgrid[:SIZE, :SIZE].astype(np.float64)
    u = (x - x0) * np.cos(angle) + (y - 31.5) * np.sin(angle)
    v = -(x - x0) * np.sin(angle) + (y - 31.5) * np.cos(angle)
    expected = np.zeros((SIZE, SIZE))
    blur: Mixture = moffat(MOFFAT_BETA)
    for share, variance in zip(exponential().share, exponential().variance, strict=True):
        for b, wide in zip(blur.share, blur.variance * SEEING**2, strict=True):
            major, minor = variance * radius**2 + wide, variance * (radius * ratio) ** 2 + wide
            gauss = np.exp(-0.5 * (u**2 / major + v**2 / minor)) / (2 * np.pi * np.sqrt(major * minor))
            expected += share * b * gauss
    np.testing.assert_allclose(image, expected, atol=expected.max() * 1e-6)


@pytest.mark.parametrize("radius", [2.0, 5.0, 10.0])
@pytest.mark.parametrize("kind", [DISC, BULGE])
def test_galaxies_are_those_of_galsim(kind: int, radius: float) -> None:
    """Pixel by pixel within 2 % of the peak, and 3 % of the light lies elsewhere at most."""
    ratio, angle = 0.5, 0.4
    shape = (
        galsim.Exponential(half_light_radius=1.0)
        if kind == DISC
        else galsim.DeVaucouleurs(half_light_radius=1.0, trunc=8.0)
    )
    shape = shape.dilate(radius * np.sqrt(ratio)).shear(q=ratio, beta=angle * galsim.radians)
    blurred = galsim.Convolve(shape, galsim.Moffat(beta=MOFFAT_BETA, fwhm=SEEING))
    theirs = blurred.drawImage(nx=SIZE, ny=SIZE, scale=1.0, method="no_pixel").array
    ours = draw(light(kind, radius, ratio, angle))
    assert np.abs(ours - theirs).max() < 0.02 * theirs.max()
    assert np.abs(ours - theirs).sum() < 0.03 * theirs.sum()


def test_pieces_and_pictures_add_up() -> None:
    """Two pieces in one picture are the sum of two pictures; a picture without any is empty."""
    pieces = Light(
        first=np.array([0, 2, 2, 3, 4]),
        kind=np.array([DISC, BULGE, DISC, BULGE]),
        x=np.full(4, 31.5),
        y=np.full(4, 30.0),
        radius=np.array([4.0, 2.0, 4.0, 2.0]),
        axis_ratio=np.full(4, 0.6),
        angle=np.full(4, 1.0),
        flux=np.array([[1.0, 2.0], [3.0, 0.0], [1.0, 2.0], [3.0, 0.0]]),
    )
    images = render(pieces, np.full((4, 2), SEEING), SIZE)
    np.testing.assert_allclose(images[0], images[2] + images[3], rtol=1e-5, atol=1e-9)
    assert not images[1].any()
    np.testing.assert_allclose(images[2, 1], 2 * images[2, 0], rtol=1e-5)
    assert not images[3, 1].any()
