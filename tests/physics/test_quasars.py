"""Simulated quasars: the same for the same seed, whole, and with lines, forest and hosts in their places."""

import numba
import numpy as np
import pytest

from components.physics.quasars import QuasarSpectra, draw_redshifts, noiseless_quasars, simulate_quasars
from components.physics.wavelength_grid import WavelengthGrid

GRID = WavelengthGrid(35500, 4700)
WAVE = GRID.wavelength_angstrom


@pytest.fixture(scope="module")
def simulated() -> QuasarSpectra:
    return simulate_quasars(400, GRID, 0.05, 5.0, np.random.default_rng(42))


def _same(a: QuasarSpectra, b: QuasarSpectra) -> bool:
    return all(np.array_equal(value, vars(b)[name]) for name, value in vars(a).items())


def test_equal_seeds_give_equal_spectra_on_any_number_of_cores() -> None:
    runs = []
    before = numba.get_num_threads()
    try:
        for threads in (1, numba.config.NUMBA_NUM_THREADS):
            numba.set_num_threads(threads)
            runs.append(simulate_quasars(40, GRID, 0.05, 5.0, np.random.default_rng(8)))
    finally:
        numba.set_num_threads(before)
    other = simulate_quasars(40, GRID, 0.05, 5.0, np.random.default_rng(9))
    assert _same(*runs)
    assert not np.array_equal(runs[0].flux, other.flux)


def test_everything_is_finite_and_in_range(simulated: QuasarSpectra) -> None:
    assert np.isfinite(simulated.flux).all()
    assert np.isfinite(simulated.ivar).all()
    assert np.isfinite(simulated.sn_median).all()
    assert simulated.ivar.min() == 0
    assert (simulated.ivar > 0).any(axis=1).all()
    assert simulated.redshift.min() >= 0.05
    assert simulated.redshift.max() <= 5.0
    assert np.all(simulated.redshift[simulated.is_bal] > 1.3)


def test_extremes_of_redshift_are_as_whole() -> None:
    for low, high in ((0.05, 0.06), (4.95, 5.0), (6.0, 6.5)):
        spectra = simulate_quasars(30, GRID, low, high, np.random.default_rng(3))
        assert np.isfinite(spectra.flux).all()
        assert np.isfinite(spectra.ivar).all()
        assert (spectra.redshift >= low).all()
        assert (spectra.redshift <= high).all()


def test_redshifts_are_the_surveys_and_some_of_every_other() -> None:
    redshift = draw_redshifts(20_000, 0.05, 5.0, np.random.default_rng(4))
    # Lyke et al. 2020, figure 5: peaks near 1.6 and 2.35, a dip between them
    count, edges = np.histogram(redshift, np.arange(0.05, 5.01, 0.15))
    middle = (edges[1:] + edges[:-1]) / 2
    quasar_like = np.flatnonzero((count[1:-1] > count[:-2]) & (count[1:-1] > count[2:]) & (count[1:-1] > 1000)) + 1
    assert middle[quasar_like] == pytest.approx([1.6, 2.35], abs=0.2)
    assert count[np.abs(middle - 1.95).argmin()] < 0.8 * count[quasar_like].min()
    # a third is flat in ln(1 + z): no bin of 0.15 has fewer than that leaves it
    flat = 20_000 / 3 * np.diff(np.log1p(edges)) / (np.log(6.0) - np.log(1.05))
    assert np.all(count > flat - 5 * np.sqrt(flat))


def test_broad_absorption_is_as_frequent_as_observed(simulated: QuasarSpectra) -> None:
    share = simulated.is_bal[simulated.redshift > 1.6].mean()
    # Gibson et al. 2009: about 14 % of quasars; 5 binomial standard deviations of some 250
    assert abs(share - 0.14) < 5 * np.sqrt(0.14 * 0.86 / 250)


def _stacked(redshift: float) -> np.ndarray:
    rows = 120
    return noiseless_quasars(np.full(rows, redshift), np.zeros(rows, dtype=bool), GRID, np.random.default_rng(6))


@pytest.mark.parametrize(("redshift", "rest"), [(2.6, 1549.1), (1.0, 2799.1), (0.3, 6564.6)])
def test_the_strong_lines_stand_at_one_plus_z(redshift: float, rest: float) -> None:
    flux = np.median(_stacked(redshift), axis=0)
    x = WAVE / (rest * (1 + redshift))
    beside = np.interp(x, [0.97, 1.03], np.interp([0.97, 1.03], x, flux))
    near = np.abs(x - 1) < 0.012
    excess = (flux - beside)[near]
    assert excess.max() > 0.1 * flux[near].mean()
    # iron below Mg II and the blueshift of C IV: within 0.4 %, 1200 km/s; neighbouring lines are ten times farther
    assert abs((excess * x[near]).sum() / excess.sum() - 1) < 0.004


def test_light_is_gone_below_lyman_alpha_and_the_limit() -> None:
    flux = _stacked(4.0)
    rest = WAVE / 5.0
    forest = (rest > 1060) & (rest < 1160)
    continuum = (rest > 1280) & (rest < 1290)
    level = flux[:, continuum].mean(axis=1)
    # effective depth 0.0018 * (4.55)^3.92 = 0.69 there, half of the light; the continuum rises by 15 % from 1285
    assert 0.35 < np.mean(flux[:, forest].mean(axis=1) / level) < 0.85
    below_limit = flux[:, rest < 800].mean(axis=1) / level
    assert np.mean(below_limit) < 0.5
    assert np.quantile(below_limit, 0.15) < 0.05  # behind a system that is opaque at the limit


def test_a_low_redshift_quasar_shows_its_host() -> None:
    rng = np.random.default_rng(5)
    flux = noiseless_quasars(np.full(150, 0.15), np.zeros(150, dtype=bool), GRID, rng)
    rest = WAVE / 1.15

    def mean(low: float, high: float) -> np.ndarray:
        return np.asarray(flux[:, (low < rest) & (rest < high)].mean(axis=1))

    calcium = mean(3927, 3942) / (0.5 * (mean(3900, 3915) + mean(4000, 4015)))
    assert np.quantile(calcium, 0.1) < 0.95  # deep where the host is bright
    assert np.quantile(calcium, 0.9) > 0.95  # and hardly there where it is faint
