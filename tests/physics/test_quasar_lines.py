"""Lines of simulated quasars: strengths, places, and how they vary together."""

from collections.abc import Callable

import numpy as np
import pytest

from components.physics.constants import SPEED_OF_LIGHT_KM_S
from components.physics.line_profiles import apply_components
from components.physics.quasar_lines import Components, draw_emission
from components.physics.wavelength_grid import WavelengthGrid

ROWS = 600
GRID = WavelengthGrid(30_000, 10_000)  # 1000 to 10000 angstrom
BROAD = {"C IV": (8, 1549.1), "Mg II": (17, 2799.1), "H beta": (22, 4862.7)}
N_BROAD = 27
O_III = 2 * N_BROAD + 9  # among the narrow lines, [O III] 5008 is the tenth


@pytest.fixture(scope="module")
def drawn() -> Components:
    rng = np.random.default_rng(11)
    return draw_emission(rng.standard_normal(ROWS), 0.14 * rng.standard_normal(ROWS), rng)


def _emission(lines: Components, redshift: np.ndarray) -> np.ndarray:
    flux = np.zeros((len(redshift), GRID.pixels))
    ln_wave = np.log(GRID.wavelength_angstrom)
    apply_components(flux, ln_wave, np.log1p(redshift), lines.centre, lines.sigma, lines.amplitude, False)
    return flux


def _velocity(lines: Components, index: int, rest: float) -> np.ndarray:
    """Flux-weighted velocity of core and wing of a broad line, km/s, positive receding."""
    parts = [index, index + N_BROAD]
    weight = lines.amplitude[:, parts] * lines.sigma[:, parts]
    shift = (lines.centre[:, parts] - np.log(rest)) * SPEED_OF_LIGHT_KM_S
    return np.asarray((weight * shift).sum(axis=1) / weight.sum(axis=1))


@pytest.mark.parametrize(
    ("low", "high", "table"),
    [
        # equivalent widths of the tables that lie in the window, with those of the blends beside
        pytest.param(1490, 1600, 30.0, id="C IV"),
        pytest.param(2700, 2900, 33.0, id="Mg II"),
        pytest.param(4750, 4950, 46.0 + 2.5, id="H beta"),
        pytest.param(6250, 6850, 195.0 + 9 + 2 + 6 + 2, id="H alpha"),
    ],
)
def test_measured_equivalent_widths_are_the_tables(
    drawn: Components, low: float, high: float, table: float
) -> None:
    """On the mean of noiseless spectra, above a straight line through both sides, as one measures them."""
    flux = _emission(drawn, np.zeros(ROWS)).mean(axis=0)
    wave = GRID.wavelength_angstrom
    inside = (low < wave) & (wave < high)
    line = np.interp(wave[inside], [low, high], np.interp([low, high], wave, flux))
    # The ends of the line stand on iron and on wings, blends add, and widths scatter by 0.2 dex: 20 %.
    assert np.trapezoid(flux[inside] - line, wave[inside]) == pytest.approx(table, rel=0.2)


@pytest.mark.parametrize("redshift", [0.0, 0.7, 2.0])
def test_lines_lie_at_their_rest_wavelength_times_one_plus_z(drawn: Components, redshift: float) -> None:
    mean = _emission(drawn, np.full(ROWS, redshift)).mean(axis=0)
    for name, (_, rest) in BROAD.items():
        expected = np.log(rest * (1 + redshift))
        ln_wave = np.log(GRID.wavelength_angstrom)
        near = np.abs(ln_wave - expected) < 0.012
        if near.sum() < 200:
            continue  # outside the grid at this redshift
        peak = ln_wave[near][mean[near].argmax()]
        # 500 km/s: the blueshift of C IV's core, and the slope of the iron below Mg II
        assert abs(peak - expected) * SPEED_OF_LIGHT_KM_S < 500, name


def test_the_sum_of_gaussians_is_what_numpy_makes_of_it(drawn: Components) -> None:
    some = Components(drawn.centre[:3], drawn.sigma[:3], drawn.amplitude[:3])
    redshift = np.array([0.1, 1.0, 4.0])
    x = np.log(GRID.wavelength_angstrom) - np.log1p(redshift)[:, None]
    expected = np.stack(
        [
            (a * np.exp(-0.5 * ((x_row[:, None] - c) / s) ** 2)).sum(axis=1)
            for x_row, c, s, a in zip(x, some.centre, some.sigma, some.amplitude, strict=True)
        ]
    )
    # left out beyond five standard deviations: 4e-6 of the amplitude of each line, of which dozens overlap
    assert np.abs(_emission(some, redshift) - expected).max() < 1e-4


def test_carbon_is_blueshifted_and_magnesium_is_not(drawn: Components) -> None:
    carbon = _velocity(drawn, *BROAD["C IV"])
    magnesium = _velocity(drawn, *BROAD["Mg II"])
    # Richards et al. 2011: C IV about -800 km/s with a scatter of as much; Mg II is where the quasar is
    assert -1000 < carbon.mean() < -300
    assert abs(magnesium.mean()) < 5 * 120 / np.sqrt(ROWS)
    assert 250 < carbon.std() < 900


@pytest.mark.parametrize(
    ("measure", "grows"),
    [
        pytest.param(lambda lines: -_velocity(lines, *BROAD["C IV"]), True, id="blueshift of C IV"),
        pytest.param(lambda lines: lines.amplitude[:, 2 * N_BROAD + 19 :].sum(axis=1), True, id="iron"),
        pytest.param(lambda lines: (lines.amplitude * lines.sigma)[:, O_III], False, id="[O III]"),
        pytest.param(lambda lines: (lines.amplitude * lines.sigma)[:, 8], False, id="C IV"),
    ],
)
def test_windy_quasars_differ_as_observed(measure: Callable[[Components], np.ndarray], grows: bool) -> None:
    rng = np.random.default_rng(12)
    windiness = np.sort(rng.standard_normal(ROWS))
    value = measure(draw_emission(windiness, np.zeros(ROWS), rng))
    calm, windy = np.median(value[: ROWS // 3]), np.median(value[-ROWS // 3 :])
    assert (windy > 1.1 * calm) if grows else (windy < 0.9 * calm)


def test_luminous_quasars_have_weak_lines_of_high_ionisation() -> None:
    rng = np.random.default_rng(13)
    faint, bright = (draw_emission(np.zeros(ROWS), np.full(ROWS, b), rng) for b in (0.2, -0.2))
    ratio = {
        name: np.median(bright.amplitude[:, index]) / np.median(faint.amplitude[:, index])
        for name, (index, _) in BROAD.items()
    }
    assert ratio["C IV"] < ratio["Mg II"] < 1
