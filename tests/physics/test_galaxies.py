"""Simulated galaxies: colours and magnitudes of real ones, lines where their redshifts put them."""

import numpy as np
import numpy.typing as npt
import pytest

from components.ingest.sdss_spectra.kcorrect_files import real_galaxies
from components.physics.galaxies import GalaxyCatalogue, GalaxySpectra, simulate_galaxies
from components.physics.galaxy_templates import LINE_WAVELENGTHS_ANGSTROM, SMEARING_KM_S
from components.physics.photometry import band_weights, to_magnitude
from components.physics.template_fitting import band_fluxes
from components.physics.wavelength_grid import WavelengthGrid

GRID = WavelengthGrid(35500, 4700)


@pytest.fixture(scope="module")
def catalogue() -> GalaxyCatalogue:
    return real_galaxies()


def simulate(catalogue: GalaxyCatalogue, rows: int, seed: int = 1, **options: object) -> GalaxySpectra:
    return simulate_galaxies(rows, GRID, catalogue, np.random.default_rng(seed), **options)  # type: ignore[arg-type]


def test_equal_seeds_give_equal_spectra(catalogue: GalaxyCatalogue) -> None:
    one, two = simulate(catalogue, 8), simulate(catalogue, 8)
    np.testing.assert_array_equal(one.flux, two.flux)
    np.testing.assert_array_equal(one.ivar, two.ivar)


def test_population_is_that_of_the_catalogue(catalogue: GalaxyCatalogue) -> None:
    spectra = simulate(catalogue, 512)
    assert np.isin(spectra.redshift, catalogue.redshift).all()
    assert np.median(spectra.redshift) == pytest.approx(np.median(catalogue.redshift), abs=0.01)
    assert 8 < np.median(spectra.sn_median) < 12
    faintness = spectra.magnitude_r - spectra.magnitude_r_total
    assert 0.1 < faintness.min() < np.median(faintness) < 2
    assert np.corrcoef(spectra.magnitude_r, np.log(spectra.sn_median))[0, 1] < -0.8


def test_flux_has_the_magnitude_that_the_label_says(catalogue: GalaxyCatalogue) -> None:
    spectra = simulate(catalogue, 256, signal_to_noise=np.full(256, 50.0), sdss_share=0.0)
    weights = band_weights(catalogue.band, GRID.wavelength_angstrom)
    inside = weights > 0.05 * weights.max()
    share = (weights * (spectra.ivar > 0))[:, inside].sum(1) / weights[inside].sum()
    magnitude = to_magnitude((spectra.flux * weights)[:, inside].sum(1) / share)
    difference = (magnitude - spectra.magnitude_r)[share > 0.9]
    assert len(difference) > 200
    # The scatter of the flux calibration, and the tilt that the spectrograph adds: no telling it better than that.
    assert abs(np.median(difference)) < 0.02
    assert 0.03 < np.std(difference) < 0.09


def test_mixtures_have_the_colours_of_the_photometry(catalogue: GalaxyCatalogue) -> None:
    """The r flux of the mixture is the measured one, to the errors of photometry and templates."""
    templates = catalogue.templates
    design = band_fluxes(templates.wavelength_angstrom, templates.flux, (catalogue.band,), catalogue.redshift)
    dereddened = catalogue.magnitude_r - 2.751 * catalogue.reddening
    error = to_magnitude(np.einsum("gbt,gt->g", design, catalogue.coefficients)) - dereddened
    assert abs(np.median(error)) < 0.02
    assert np.percentile(np.abs(error), 90) < 0.06


def stack(spectra: GalaxySpectra, rest: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    rows = [
        np.interp(rest * (1 + z), GRID.wavelength_angstrom[good], flux[good] / np.median(flux[good]))
        for z, flux, good in zip(spectra.redshift, spectra.flux, spectra.ivar > 0, strict=True)
    ]
    return np.asarray(np.mean(rows, axis=0))


@pytest.mark.parametrize("line", [3728.8, 5008.2, 6564.6])
def test_emission_stands_where_the_redshift_puts_it(catalogue: GalaxyCatalogue, line: float) -> None:
    spectra = simulate(catalogue, 128, signal_to_noise=np.full(128, 30.0), redshift=np.linspace(0.05, 0.35, 128))
    rest = np.arange(line - 8, line + 8, 0.1)
    emission = stack(spectra, rest)
    emission -= np.percentile(emission, 10)
    emission[emission < 0.3 * emission.max()] = 0
    assert np.average(rest, weights=emission) == pytest.approx(line, abs=0.4)


def test_break_at_4000_angstrom_spans_young_to_old(catalogue: GalaxyCatalogue) -> None:
    """Dn4000 (Balogh et al. 1999, ApJ 527, 54) of SDSS galaxies has peaks near 1.3 and 1.8."""
    spectra = simulate(catalogue, 400, signal_to_noise=np.full(400, 60.0), redshift=np.full(400, 0.1))
    rest = GRID.wavelength_angstrom / 1.1
    whole = (spectra.ivar > 0)[:, (rest > 3850) & (rest < 4100)].any(axis=1)  # an arm of the spectrograph may fail
    f_nu = np.where(spectra.ivar > 0, spectra.flux * rest**2, np.nan)[whole]
    blue, red = (rest > 3850) & (rest < 3950), (rest > 4000) & (rest < 4100)
    break_4000 = np.nanmean(f_nu[:, red], axis=1) / np.nanmean(f_nu[:, blue], axis=1)
    low, high = np.nanpercentile(break_4000, [5, 90])
    assert 1.15 < low < 1.35
    assert 1.75 < high < 2.05


def test_caller_decides_redshift_magnitude_and_noise(catalogue: GalaxyCatalogue) -> None:
    rng = np.random.default_rng(3)
    redshift, magnitude, ratio = rng.uniform(0.2, 0.9, 200), rng.normal(20, 0.5, 200), rng.uniform(2, 5, 200)
    spectra = simulate(catalogue, 200, redshift=redshift, magnitude_r=magnitude, signal_to_noise=ratio)
    np.testing.assert_array_equal(spectra.redshift, redshift)
    np.testing.assert_array_equal(spectra.magnitude_r, magnitude)
    assert np.median(spectra.sn_median / ratio) == pytest.approx(1.0, abs=0.1)
    assert np.isnan(spectra.magnitude_r_total).all()
    assert np.isfinite(spectra.flux).all()


def test_galaxies_of_ones_own_choice(catalogue: GalaxyCatalogue) -> None:
    spectra = simulate(catalogue, 3, galaxies=np.array([5, 5, 9]))
    np.testing.assert_array_equal(spectra.galaxy, catalogue.row[[5, 5, 9]])
    np.testing.assert_array_equal(spectra.magnitude_r_total, catalogue.magnitude_r[[5, 5, 9]])


def test_templates_lose_their_lines_and_nothing_else(catalogue: GalaxyCatalogue) -> None:
    templates = catalogue.templates
    rest = np.exp(templates.ln_first + np.arange(templates.starlight.shape[2]) * 1e-4 * np.log(10))
    own = np.stack([np.interp(rest, templates.wavelength_angstrom, flux) for flux in templates.flux])
    optical = (rest > 3500) & (rest < 9800)
    lines = templates.line_flux.sum(axis=1)
    lost = np.trapezoid((own - templates.starlight[0])[:, optical], rest[optical], axis=1)
    np.testing.assert_allclose(lost, lines, rtol=0.02, atol=0.5)
    oxygen = LINE_WAVELENGTHS_ANGSTROM.searchsorted(5008.2)
    peak = np.abs(rest - 5008.2) < 5
    assert templates.line_flux[1, oxygen] > 50
    assert templates.starlight[0][1, peak].max() < 1.1 * np.median(
        templates.starlight[0][1, np.abs(rest - 5008) < 80]
    )
    assert templates.line_flux[3].sum() == 0, "the old population has none"


def test_stars_in_motion_blur_lines_but_keep_light(catalogue: GalaxyCatalogue) -> None:
    starlight = catalogue.templates.starlight
    assert len(starlight) == len(SMEARING_KM_S)
    np.testing.assert_allclose(starlight[-1].sum(1), starlight[0].sum(1), rtol=2e-3)
    roughness = np.abs(np.diff(starlight[:, 3], n=2, axis=-1)).sum(-1)
    assert (np.diff(roughness) < 0).all()
