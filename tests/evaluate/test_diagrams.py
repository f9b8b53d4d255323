from xml.etree import ElementTree

import numpy as np
import pytest

from components.evaluate.regression import calibration_diagrams, diagrams, redshift_diagrams, spectrum_diagrams
from components.evaluate.regression.line_confusion import Streak
from components.physics.spectral_lines import EMISSION_LINES

SVG = "{http://www.w3.org/2000/svg}"
RNG = np.random.default_rng(5)
TRUTH = RNG.uniform(0.2, 4, 400)
PREDICTED = TRUTH + RNG.normal(0, 0.02, TRUTH.size)


def texts(figure):
    return ["".join(e.itertext()) for e in ElementTree.fromstring(figure.svg).iter(f"{SVG}text")]


def elements_in(figure, role):
    return [e for e in ElementTree.fromstring(figure.svg).iter() if f"var(--{role}," in e.get("style", "")]


def test_predictions_beyond_the_panels_are_counted_in_the_caption():
    predicted = TRUTH.copy()
    predicted[:3] = [90, -90, 50]
    figure = diagrams.draw_predicted_and_true(
        TRUTH, predicted, predicted - TRUTH, quantity="mass in kg", residual_name="Δm"
    )
    assert figure.caption.endswith("the upper panel: 3\u00a0objects; outside the lower one: 3\u00a0objects.")
    assert {"Predicted mass in kg", "True mass in kg", "Δm"} <= set(texts(figure))


def test_perfect_predictions_can_be_drawn():
    figure = diagrams.draw_predicted_and_true(TRUTH, TRUTH, TRUTH * 0, quantity="z", residual_name="Δz")
    assert figure.caption.endswith("the upper panel: no\u00a0objects; outside the lower one: no\u00a0objects.")


def test_bins_are_labelled_by_their_edges_and_gaps_stay_gaps():
    low, high = np.array([0.0, 4, 16]), np.array([1.0, 16, np.inf])
    value = np.array([0.5, 0.8, 1.0])
    figure = diagrams.draw_score_by_feature(
        low, high, value, value - 0.1, value, np.array([3.0, 40, 5]), score="accuracy", feature="S/N", percent=True
    )
    assert [t for t in texts(figure) if t in ("0", "1", "4", "16", "∞")][:5].count("∞") == 1
    assert {"1", "4", "16", "∞", "Accuracy", "S/N", "Objects"} <= set(texts(figure))
    assert figure.caption.endswith("Bins of fewer than 10 objects are left out above.")


def test_bins_that_are_all_small_are_drawn():
    low, value = np.array([0.0, 1]), np.array([0.5, 0.8])
    figure = diagrams.draw_score_by_feature(
        low, low + 1, value, value - 0.1, value, np.array([3.0, 5]), score="accuracy", feature="S/N"
    )
    assert "left out" not in figure.caption


def test_the_kept_epoch_is_marked():
    epoch = np.arange(1.0, 9)
    figure = diagrams.draw_learning_curves(epoch, 1 / epoch, 1 / epoch + 0.1, 6, loss="CRPS")
    assert "kept: epoch 6" in texts(figure)
    assert "learnt by heart" in figure.caption
    assert elements_in(figure, "series-2")


def test_rows_are_not_learnt_by_heart_where_dropout_keeps_the_training_loss_higher():
    epoch = np.arange(1.0, 9)
    figure = diagrams.draw_learning_curves(epoch, 1 / epoch + 0.2, 1 / epoch + 0.1, 6, loss="CRPS")
    assert figure.caption.endswith("the solid one does not.")


def test_a_loss_that_still_falls_says_so():
    epoch = np.arange(1.0, 9)
    figure = diagrams.draw_learning_curves(epoch, 1 / epoch, 1 / epoch + 0.1, 8, loss="CRPS")
    assert "still falls at the end" in figure.caption


def test_boosting_learns_in_rounds():
    number = np.arange(1.0, 9)
    figure = diagrams.draw_learning_curves(number, 1 / number, 1 / number + 0.1, 6, loss="Log loss", step="round")
    assert {"kept: round 6", "Round"} <= set(texts(figure))
    assert not any("poch" in text for text in [*texts(figure), figure.caption])


def test_a_comparison_names_each_method_and_its_score():
    value = np.array([0.97, 0.5, 0.06])
    figure = diagrams.draw_comparison(
        ["network", "forest", "constant"],
        value,
        value - 0.01,
        value + 0.01,
        score="accuracy",
        percent=True,
        published=0.96,
    )
    assert {"network", "forest", "constant", "97.0\u202f%", "6.0\u202f%", "published "} <= set(texts(figure))
    assert "forest 0.5" in figure.alt


def test_calibration_diagrams_say_which_side_is_which():
    nominal = np.linspace(0, 1, 11)
    coverage = calibration_diagrams.draw_coverage(nominal, nominal**2, nominal**2 - 0.01, nominal**2 + 0.01)
    assert {"overconfident", "too cautious", "100\u202f%"} <= set(texts(coverage))
    pit = calibration_diagrams.draw_pit(RNG.uniform(size=1000))
    assert "with 95\u202f% of the bins" in pit.caption
    risk = calibration_diagrams.draw_risk_coverage(
        nominal[1:], 0.1 * nominal[1:], risk_name="catastrophic failures"
    )
    assert "10.00%" in risk.alt
    assert "Catastrophic failures" in texts(risk)


def test_a_risk_of_zero_can_be_drawn():
    kept = np.linspace(0.1, 1, 10)
    figure = calibration_diagrams.draw_risk_coverage(kept, kept * 0, risk_name="failures")
    assert not any("nan" in text.lower() for text in texts(figure))


def test_streaks_are_named_once_where_they_coincide():
    streaks = [Streak("Mg II", "C III]", 1.466, 9), Streak("X", "Y", 1.47, 5), Streak("C III]", "Mg II", 0.682, 3)]
    figure = redshift_diagrams.draw_redshift_plane(TRUTH, PREDICTED, streaks, (0, 4.2))
    assert {"Mg II as C III]", "C III] as Mg II"} <= set(texts(figure))
    assert "X as Y" not in texts(figure)
    assert "with 2 streaks" in figure.alt


def test_a_streak_outside_the_panel_is_left_out():
    figure = redshift_diagrams.draw_redshift_plane(TRUTH, PREDICTED, [Streak("Hα", "Lyα", 5.4, 1)], (0, 4.2))
    assert "Hα as Lyα" not in texts(figure)


def test_velocity_errors_mark_the_limits_and_name_the_methods():
    velocity = {"network": RNG.normal(0, 500, 300), "constant": np.zeros(300)}
    figure = redshift_diagrams.draw_velocity_errors(velocity, (1000, 6000))
    assert {"1", "6", "network", "constant", "10\u202f000"} <= set(texts(figure))


def test_every_external_miss_is_named():
    ids = [f"3655-55240-{i:04d}" for i in range(30)]
    missed = np.zeros(30, bool)
    missed[[4, 9]] = True
    predicted = np.where(missed, 4.1 - TRUTH[:30], PREDICTED[:30])
    figure = redshift_diagrams.draw_external(
        TRUTH[:30], predicted, predicted - 0.1, predicted + 0.1, missed, ids, (0, 4.2)
    )
    assert {ids[4], ids[9], "right: 28", "wrong: 2"} <= set(texts(figure))
    assert ids[5] not in texts(figure)


def test_external_spectra_may_all_be_right():
    missed = np.zeros(5, bool)
    z = TRUTH[:5]
    figure = redshift_diagrams.draw_external(z, z, z - 0.1, z + 0.1, missed, ["a"] * 5, (0, 4.2))
    assert "wrong: 0" in texts(figure)


def test_the_distribution_of_redshifts_has_both_sides():
    figure = redshift_diagrams.draw_redshift_distribution(TRUTH, PREDICTED, (0, 4.2))
    assert {"catalogue", "predicted", "Redshift"} <= set(texts(figure))


def spectra(pixels):
    wavelength = 10 ** np.linspace(3.5522, 4.0139, pixels)
    flux = np.ones((2, pixels)) + RNG.normal(0, 0.1, (2, pixels))
    flux[:, 10:20] = np.nan
    edges = np.linspace(0, 4.2, 101)
    probability = np.full((2, 100), 0.01)
    return wavelength, flux, np.array([1.0, np.nan]), np.array([2.0, 2.0]), edges, probability, ["first", "second"]


@pytest.mark.parametrize("pixels", [300, 1154, 4618])
def test_spectra_show_lines_at_both_redshifts(pixels):
    known, unknown = spectrum_diagrams.draw_spectra(*spectra(pixels))
    assert "first: catalogue z\u00a0=\u00a01.000, predicted z\u00a0=\u00a02.000." in known.caption
    assert unknown.caption == "second: predicted z\u00a0=\u00a02.000."
    assert {"Mg II", "catalogue", "predicted"} <= set(texts(known))
    assert "catalogue" not in texts(unknown)
    assert len(known.svg) < 120_000


def test_a_spectrum_marks_each_line_that_is_in_range():
    figure = spectrum_diagrams.draw_spectra(*spectra(1154))[1]
    observed = np.array([line.wavelength_angstrom for line in EMISSION_LINES]) * 3
    inside = int(((observed > 10**3.5522) & (observed < 10**4.0139)).sum())
    marks = [e for e in elements_in(figure, "series-2") if "stroke-dasharray" in e.get("style", "")]
    assert len(marks) == inside


def test_a_sure_redshift_is_seen_below_its_mark():
    figure = spectrum_diagrams.draw_spectra(*spectra(1154))[1]
    outlines = [
        e for e in elements_in(figure, "series-1") if e.tag == f"{SVG}path" and "opacity" not in e.get("style")
    ]
    assert len(outlines) >= 2  # the spectrum, and the outline of p(z)


def test_a_spectrum_without_any_good_pixel_can_be_drawn():
    wavelength, flux, *rest = spectra(1154)
    figure = spectrum_diagrams.draw_spectra(wavelength, flux * np.nan, *rest)[0]
    assert "Flux, scaled" in texts(figure)
