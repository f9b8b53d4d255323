import numpy as np
import pytest

from components.evaluate.regression.rest_templates import Templates, fit_templates, polynomials, shift_of, weigh
from components.evaluate.regression.template_scan import chi2_reductions, scan
from components.physics.constants import SPEED_OF_LIGHT_KM_S

STEP = 1e-3
PIXELS = 300
SHIFTS = 250
TERMS = 2


def rest_spectrum(position):
    """A quasar in four lines: sums of Gaussians at irregular places, on rest pixels."""
    lines = ((60, 4.0, 2.0), (130, 6.0, 1.0), (171, 3.0, 1.5), (300, 8.0, 2.5), (420, 5.0, 1.2))
    return sum(height * np.exp(-0.5 * ((position - at) / width) ** 2) for at, width, height in lines)


@pytest.fixture(scope="module")
def templates():
    position = np.arange(PIXELS + SHIFTS - 1.0)
    second = np.gradient(rest_spectrum(position))
    return Templates(np.stack([rest_spectrum(position), second]), first_shift=40, shifts=SHIFTS, step=STEP)


def observe(templates, shift, generator, noise=0.0):
    """Spectra at given shifts, with any offset and slope, noise, and a fifth of the pixels missing."""
    n = len(shift)
    start = SHIFTS - 1 - shift
    flux = generator.uniform(0.5, 2, (n, 1)) * templates.flux[0][start[:, None] + np.arange(PIXELS)]
    flux += generator.uniform(-1, 1, (n, TERMS)) @ polynomials(PIXELS, TERMS)
    flux += noise * generator.standard_normal(flux.shape)
    ivar = np.where(generator.random(flux.shape) < 0.2, 0, 4.0)
    flux[ivar == 0] = 99  # what stands in a missing pixel must not matter
    return flux.astype(np.float32), ivar.astype(np.float32)


def test_shifted_templates_are_found_to_the_pixel(templates):
    generator = np.random.default_rng(0)
    shift = generator.integers(0, SHIFTS, 150)
    found = scan(*observe(templates, shift, generator), [templates], TERMS)
    np.testing.assert_array_equal(templates.shift_of(found.redshift), shift)
    # The parabola moves the answer within the pixel only: it has no noise to be moved by.
    np.testing.assert_allclose(np.log10(1 + found.redshift) / STEP, 40 + shift, atol=0.2)
    apart = np.abs(found.second - found.redshift) / (1 + found.redshift) * SPEED_OF_LIGHT_KM_S
    assert (apart > 4000).all()
    assert (found.delta_chi2 > 0).all()


def test_the_scan_agrees_with_least_squares_one_at_a_time(templates):
    generator = np.random.default_rng(1)
    flux, ivar = observe(templates, np.array([3, 120, 249]), generator, noise=0.5)
    ours = chi2_reductions(flux, ivar, templates, TERMS)
    expected = np.empty_like(ours)
    for row in range(3):
        root = np.sqrt(weigh(ivar[row]).astype(float))
        for s in range(SHIFTS):
            start = SHIFTS - 1 - s
            design = np.vstack([templates.flux[:, start : start + PIXELS], polynomials(PIXELS, TERMS)]) * root
            data = flux[row] * root
            fit = np.linalg.lstsq(design.T, data, rcond=None)[0] @ design
            expected[row, s] = data @ data - (data - fit) @ (data - fit)
    # Normal equations square the condition number; 1e-6 of a chi square of some 1000 decides nothing.
    np.testing.assert_allclose(ours, expected, rtol=1e-6)


def test_families_compete(templates):
    generator = np.random.default_rng(2)
    shift = generator.integers(0, SHIFTS, 20)
    low = Templates(templates.flux[:, 100:], 40, SHIFTS - 100, STEP)
    high = Templates(templates.flux[:, : PIXELS + 149], 140, 150, STEP)
    spectra = observe(templates, shift, generator)
    whole, split = scan(*spectra, [templates], TERMS), scan(*spectra, [low, high], TERMS)
    np.testing.assert_array_equal(templates.shift_of(split.redshift), templates.shift_of(whole.redshift))


def test_templates_are_learnt_from_spectra_with_gaps(templates):
    generator = np.random.default_rng(3)
    shift = generator.integers(0, SHIFTS, 600)
    redshift = 10 ** (STEP * (40 + shift)) - 1
    flux, ivar = observe(templates, shift, generator, noise=0.3)
    learnt = fit_templates(flux[:500], ivar[:500], redshift[:500], STEP, 2, TERMS)
    found = scan(flux[500:], ivar[500:], [learnt], TERMS)
    error = np.abs(shift_of(found.redshift, STEP) - shift_of(redshift[500:], STEP))
    # Spectra that show but one of the five lines cannot be told apart: four in five can.
    assert (error <= 1).mean() > 0.8


def test_a_spectrum_without_information_gets_an_answer_but_no_confidence(templates):
    nothing = np.zeros((2, PIXELS), np.float32)
    found = scan(nothing, nothing, [templates], TERMS)
    assert np.isfinite(found.redshift).all()
    np.testing.assert_allclose(found.delta_chi2, 0, atol=1e-6)


def test_no_spectra_no_answers(templates):
    empty = np.zeros((0, PIXELS), np.float32)
    assert scan(empty, empty, [templates], TERMS).redshift.shape == (0,)
