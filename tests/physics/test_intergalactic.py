"""Absorption by hydrogen, outflows and metals, against what it is said to follow."""

import numpy as np
import pytest

from components.physics.constants import SPEED_OF_LIGHT_KM_S
from components.physics.intergalactic import (
    apply_forest,
    draw_metal_absorbers,
    draw_outflows,
    effective_optical_depth,
    forest_scale,
)
from components.physics.spectral_lines import LYMAN_ALPHA_ANGSTROM, LYMAN_BETA_ANGSTROM, LYMAN_LIMIT_ANGSTROM
from components.physics.wavelength_grid import WavelengthGrid

WAVE = WavelengthGrid(35500, 4700).wavelength_angstrom
NONE = -1.0


def transmission(
    redshift: float,
    rows: int = 200,
    limit: tuple[float, float] = (NONE, 0),
    damped: tuple[float, float] = (NONE, 0),
) -> np.ndarray:
    """Fraction of light that passes, shape (rows, pixels)."""
    flux = np.ones((rows, len(WAVE)))
    apply_forest(
        flux,
        np.log(WAVE),
        np.full(rows, redshift),
        np.random.default_rng(3).standard_normal(flux.shape, dtype=np.float32),
        forest_scale(np.clip(WAVE / LYMAN_ALPHA_ANGSTROM - 1, 0, None)),
        *(np.full(rows, value) for value in (*limit, *damped)),
    )
    return flux


@pytest.mark.parametrize("redshift", [2.4, 3.2, 4.6])
def test_the_forest_lets_through_what_was_measured(redshift: float) -> None:
    """Faucher-Giguere et al. 2008: the mean transmission is exp(-0.0018 (1 + z)^3.92)."""
    rest = WAVE / (1 + redshift)
    # neither the quasar's own edge nor, three pixels wide, the ends of the grid
    forest = (rest > LYMAN_BETA_ANGSTROM * 1.002) & (rest < LYMAN_ALPHA_ANGSTROM) & (np.arange(len(WAVE)) > 3)
    passed = transmission(redshift)[:, forest]
    expected = np.exp(-0.0018 * (WAVE[forest] / LYMAN_ALPHA_ANGSTROM) ** 3.92)
    # In bins of 50 pixels; neighbours are correlated over about 4, so that a bin of 200 rows has some 2500 free
    # numbers. 5 standard errors of them, and one per mille for the interpolation of the scale.
    bins = [slice(start, start + 50) for start in range(0, forest.sum() - 50, 50)]
    assert len(bins) > 3
    for part in bins:
        error = passed[:, part].std() / np.sqrt(200 * 50 / 4)
        assert passed[:, part].mean() == pytest.approx(expected[part].mean(), abs=5 * error + 1e-3)


def test_the_scale_gives_the_mean_that_was_asked() -> None:
    """A quadrature of its own: mean over the lognormal density of exp(-optical depth)."""
    redshift = np.array([2.0, 3.0, 4.0, 5.0])
    g = np.linspace(-8, 8, 20_001)
    weight = np.exp(-0.5 * g**2) / np.exp(-0.5 * g**2).sum()
    mean = np.exp(-forest_scale(redshift)[:, None] * np.exp(1.7 * g)) @ weight
    assert -np.log(mean) == pytest.approx(effective_optical_depth(redshift), rel=2e-3)


def test_nothing_is_absorbed_redward_of_lyman_alpha() -> None:
    passed = transmission(3.0, limit=(2.9, 50.0))
    redward = LYMAN_ALPHA_ANGSTROM * 4.0 <= WAVE
    assert np.all(passed[:, redward] == 1.0)
    assert np.all(passed[:, ~redward] < 1.0)


def test_the_forest_has_more_lines_below_lyman_beta() -> None:
    mean = transmission(4.0).mean(axis=0)
    rest = WAVE / 5.0
    above = mean[(rest > LYMAN_BETA_ANGSTROM) & (rest < 1.01 * LYMAN_BETA_ANGSTROM)].mean()
    below = mean[(rest < LYMAN_BETA_ANGSTROM) & (rest > 0.99 * LYMAN_BETA_ANGSTROM)].mean()
    assert below < 0.9 * above


def test_a_lyman_limit_system_cuts_the_light_off_and_recovers_with_the_cube() -> None:
    redshift, depth = 3.6, 3.0
    system = transmission(4.0, rows=2, limit=(redshift, depth)) / transmission(4.0, rows=2)
    edge = LYMAN_LIMIT_ANGSTROM * (1 + redshift)
    assert np.all(system[:, edge < WAVE] == 1.0)
    below = edge > WAVE
    expected = np.exp(-depth * (WAVE[below] / edge) ** 3)
    assert system[:, below] == pytest.approx(np.broadcast_to(expected, (2, below.sum())), rel=1e-9)
    assert np.all(transmission(4.0, rows=2, limit=(redshift, 30.0))[:, edge > WAVE][:, -200:] < 1e-6)


@pytest.mark.parametrize("column", [2.0, 10.0])
def test_a_damped_system_has_the_equivalent_width_of_its_column(column: float) -> None:
    """Rest equivalent width of a damped line: 7.3 angstrom * sqrt(N / 1e20 cm^-2)."""
    redshift = 2.6
    line = transmission(3.0, rows=1, damped=(redshift, column)) / transmission(3.0, rows=1)
    rest = WAVE / (1 + redshift)
    # the wings fall with the square of the distance and are cut off at 30 widths: 4 % of the absorption
    assert np.trapezoid(1 - line[0], rest) == pytest.approx(7.3 * np.sqrt(column), rel=0.06)
    assert rest[line[0].argmin()] == pytest.approx(LYMAN_ALPHA_ANGSTROM, abs=0.3)


def test_outflows_move_towards_us_and_only_where_there_are_some() -> None:
    has = np.arange(400) % 2 == 0
    trough = draw_outflows(has, np.random.default_rng(1))
    assert np.all(trough.amplitude[~has] == 0)
    assert np.all(trough.amplitude[has].max(axis=1) > 0.1)
    assert trough.amplitude.min() >= 0
    assert trough.amplitude.max() <= 0.98
    blueward = 1 - np.exp(trough.centre[:, 12:15]) / 1549.1  # the fifth line is C IV
    speed = blueward * SPEED_OF_LIGHT_KM_S
    assert speed.min() > 1000
    assert speed.max() < 31_000
    low_ionisation = trough.amplitude[has][:, 18:].max(axis=1) > 0
    # a tenth of 200: within 4 binomial standard deviations
    assert abs(low_ionisation.sum() - 20) < 17


def test_metal_lines_are_doublets_redward_of_lyman_alpha() -> None:
    lines = draw_metal_absorbers(np.full(300, 2.0), np.random.default_rng(2))
    first, second = np.split(lines.centre, 2, axis=1)
    separation = np.round((second - first) * SPEED_OF_LIGHT_KM_S)
    assert set(separation.ravel()) == {500.0, 770.0}
    assert np.exp(first).min() > LYMAN_ALPHA_ANGSTROM
    strong, weak = np.split(lines.amplitude, 2, axis=1)
    assert np.all(weak <= strong)
    # four candidates, each there with probability 0.35: 1.4 a spectrum, to 5 standard errors of 300
    assert (strong > 0).sum(axis=1).mean() == pytest.approx(1.4, abs=5 * np.sqrt(4 * 0.35 * 0.65 / 300))
