import numpy as np
import pytest

from components.common.scores import ONE_SIGMA, Predictions, score
from components.evaluate.regression import redshift
from components.evaluate.regression.baselines import Baselines, Spectra, coarsen
from components.evaluate.regression.constant import best_constants, climatology, score_constant


def test_each_score_has_its_own_best_constant():
    generator = np.random.default_rng(0)
    # A narrow peak, and a broad rest that holds the median.
    truth = np.concatenate([generator.normal(3.0, 0.01, 300), generator.uniform(0.5, 2.5, 700)])
    constants = best_constants(redshift.SCORES, truth)
    assert constants["accuracy_1000_km_s"] == pytest.approx(3.0, abs=0.02)
    assert 1.0 < constants["median_dv_km_s"] < 2.5
    ones = np.ones((1, 1000))
    for definition in (d for d in redshift.SCORES if d.name in constants):

        def loss(value, definition=definition):
            predictions = Predictions.of_points(truth, np.full(1000, value))
            return definition.loss(float(definition.compute(predictions, ones)[0]))

        assert all(loss(constants[definition.name]) <= loss(c) for c in np.quantile(truth, [0.1, 0.5, 0.9]))


def test_the_distribution_of_the_labels_is_calibrated_and_useless():
    generator = np.random.default_rng(1)
    train, test = generator.gamma(4, 0.5, (2, 3000))
    forecast = climatology(train, 3000)
    inside = (np.abs(forecast.cdf(test) - 0.5) <= ONE_SIGMA / 2).mean()
    # Two samples of 3000: four standard errors of the fraction, twice for both.
    assert abs(inside - ONE_SIGMA) < 4 * np.sqrt(2 * 0.22 / 3000)
    found = score_constant(redshift.SCORES, train, test, np.arange(3000), 50, 0)
    assert list(found) == [d.name for d in redshift.SCORES]
    assert found["accuracy_6000_km_s"].value < 0.15


def test_one_label_is_no_obstacle():
    found = score_constant(redshift.SCORES, np.full(10, 2.0), np.full(5, 2.0), np.arange(5), 20, 0)
    assert found["accuracy_1000_km_s"].value == 1


def test_coarse_pixels_are_weighted_means():
    flux = np.array([[1.0, 3.0, 5.0, 7.0, 9.0]], np.float32)
    ivar = np.array([[1.0, 3.0, 0.0, 0.0, 1.0]], np.float32)
    coarse = coarsen(flux, ivar, 2e-4)
    np.testing.assert_allclose(coarse.flux, [[2.5, 6.0]])
    np.testing.assert_allclose(coarse.ivar, [[4.0, 0.0]])
    assert coarse.step == pytest.approx(4e-4)
    assert coarsen(flux, ivar, 5e-4).flux is flux


def test_baselines_beat_the_constant_where_spectra_show_lines(quasar_table):
    rows, step = quasar_table
    train = rows["split"] == "train"
    test = rows["split"] == "test"
    fitted = Baselines(Spectra(rows["flux"][train], rows["ivar"][train], step), rows["redshift"][train], seed=0)
    predicted = fitted.predict(Spectra(rows["flux"][test], rows["ivar"][test], step))
    truth, groups = rows["redshift"][test], rows["object_id"][test]
    constant = score_constant(redshift.SCORES, rows["redshift"][train], truth, groups, 20, 0)[
        "accuracy_30000_km_s"
    ]
    accuracy = {
        name: score(redshift.SCORES, Predictions.of_points(truth, z), groups, 20)["accuracy_30000_km_s"].value
        for name, z in predicted.items()
    }
    assert list(accuracy) == ["pca_ridge", "random_forest", "template_scan"]
    assert accuracy["random_forest"] > constant.value
    # From 500 spectra with the median S/N of 3 that surveys have; 0.89 when written.
    assert accuracy["template_scan"] > 0.75
    again = Baselines(Spectra(rows["flux"][train], rows["ivar"][train], step), rows["redshift"][train], seed=0)
    np.testing.assert_array_equal(
        again.predict(Spectra(rows["flux"][test], rows["ivar"][test], step))["random_forest"],
        predicted["random_forest"],
    )
