import json
from html.parser import HTMLParser

import numpy as np
import pytest
from scipy.stats import norm

from components.common.distributions import BinnedDistribution
from components.common.errors import ArmillaryError, InputError, ParameterError
from components.common.rejections import FIELDS as REJECTED_FIELDS
from components.common.tables import read_provenance, read_settings, read_table
from components.evaluate.regression import baselines
from components.evaluate.regression.evaluation import Settings, evaluate, evaluate_model
from components.evaluate.regression.outcome import WORST
from components.evaluate.regression.redshift import HEADLINE, SCORES, velocity_km_s
from components.evaluate.settings import headline_metrics
from components.train.conv1d.training import Settings as Training
from components.train.conv1d.training import train

EDGES = np.expm1(np.linspace(np.log1p(0.02), np.log1p(5.0), 401))
HISTORY = [
    {"epoch": 1, "train_loss": 2.0, "validation_loss": 2.2, "seconds": 1.0},
    {"epoch": 2, "train_loss": 1.0, "validation_loss": 1.4, "seconds": 1.0},
]


class NearestNeighbour:
    """A deterministic model: the redshift of the most similar training spectrum, with a normal error."""

    def __init__(self, flux, redshift, settings):
        self.preprocess_settings = settings
        self._flux, self._redshift = flux, redshift

    def predict(self, flux, ivar):
        similarity = (flux * (ivar > 0)) @ self._flux.T
        best = np.log1p(self._redshift[similarity.argmax(axis=1)])
        cumulative = norm.cdf(np.log1p(EDGES), best[:, None], 0.2)
        return BinnedDistribution(EDGES, np.diff(cumulative, axis=1) + 1e-6)


@pytest.fixture(scope="module")
def model(quasar_table, dataset):
    rows, _ = quasar_table
    train = rows["split"] == "train"
    settings = read_settings(dataset / "dataset.parquet")
    return NearestNeighbour(rows["flux"][train], rows["redshift"][train], settings)


@pytest.fixture(scope="module")
def results(dataset, model, tmp_path_factory):
    """Folder and metrics of an evaluation without external spectra."""
    output = tmp_path_factory.mktemp("evaluation") / "results"
    return output, evaluate_model(dataset, model, output, Settings(bootstrap=50), HISTORY)


class Page(HTMLParser):
    """What a page shows and what it would fetch."""

    def __init__(self, text):
        super().__init__()
        self.figures, self.addresses, self.text = 0, [], ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.figures += tag == "figure"
        self.addresses += [
            v for k, v in attributes if k in ("src", "href") and v and not v.startswith(("#", "data:"))
        ]

    def handle_data(self, data):
        self.text += data


def test_an_evaluation_writes_what_later_stages_read(results):
    output, metrics = results
    assert json.loads((output / "metrics.json").read_text()) == metrics
    assert metrics["origin"] == "simulated"
    assert list(metrics["scores"]) == [d.name for d in SCORES]
    for entry in metrics["scores"].values():
        assert set(entry) == {"value", "low", "high", "baseline", "published"}
        assert entry["low"] <= entry["high"]
    assert list(metrics["baselines"]) == ["constant", "pca_ridge", "random_forest", "template_scan"]
    headline = metrics["scores"][HEADLINE]
    assert headline["published"] == 0.97
    assert headline["baseline"] == metrics["baselines"]["constant"][HEADLINE]["value"]
    assert metrics["external"] == {}
    assert metrics["rows"] == {"train": 500, "test": 150, "test_objects": 75}
    assert headline_metrics(metrics)[HEADLINE] == headline["value"]


def test_every_test_row_is_predicted_once(results, model, quasar_table):
    output, metrics = results
    rows, _ = quasar_table
    test = rows["split"] == "test"
    written = read_table(output / "predictions.parquet")
    carried, own = "id object_id zwarning is_bal sn_median", "truth redshift sigma low68 high68 pit crps dv_km_s"
    assert list(written) == f"{carried} {own} constant pca_ridge random_forest template_scan".split()
    np.testing.assert_array_equal(written["id"], rows["id"][test])
    np.testing.assert_array_equal(written["truth"], rows["redshift"][test])
    expected = model.predict(rows["flux"][test], rows["ivar"][test])
    np.testing.assert_allclose(written["redshift"], expected.peak_value())
    np.testing.assert_allclose(written["pit"], expected.cdf(written["truth"]))
    accuracy = (np.abs(velocity_km_s(written["redshift"], written["truth"])) < 6000).mean()
    assert metrics["scores"][HEADLINE]["value"] == pytest.approx(accuracy)
    assert read_provenance(output / "predictions.parquet").seed == 11
    counts = metrics["curves"]["pit"]["counts"]
    assert sum(counts) == sum(row["count"] for row in metrics["curves"]["by_sn"]) == 150


def test_the_report_says_where_the_data_come_from_and_compares_nothing_unfair(results):
    page = Page((results[0] / "report.html").read_text())
    assert "Simulated data" in page.text
    assert "not comparable" in page.text
    assert "template scan" in page.text
    assert page.addresses == []
    # Comparison, plane, errors, n(z), four by feature, three of uncertainty, the worst spectra, training.
    assert page.figures == 1 + 3 + 4 + 3 + WORST + 1


def test_baselines_see_training_labels_only_and_a_seed_repeats_the_numbers(
    results, dataset, model, quasar_table, tmp_path, monkeypatch
):
    seen = []
    fitted = baselines.Baselines

    def fit(spectra, redshift, seed):
        seen.append(redshift)
        return fitted(spectra, redshift, seed)

    monkeypatch.setattr(baselines, "Baselines", fit)
    again = evaluate_model(dataset, model, tmp_path / "results", Settings(bootstrap=50), [])
    rows, _ = quasar_table
    np.testing.assert_array_equal(np.sort(seen[0]), np.sort(rows["redshift"][rows["split"] == "train"]))
    assert again == results[1]


def test_real_spectra_are_scored_apart(results, dataset, model, real_data, tmp_path):
    folder = real_data / "sdss" / "spectra"
    output = tmp_path / "both"
    metrics = evaluate_model(dataset, model, output, Settings(bootstrap=50, external=str(folder)), HISTORY)
    assert metrics["scores"] == results[1]["scores"]
    assert metrics["rows"]["external"] == 34
    rows = read_table(output / "external_predictions.parquet")
    rejected = read_table(output / "external_rejected.parquet")
    assert len(rows["id"]) == 35
    assert list(rejected) == [field.name for field in REJECTED_FIELDS]
    assert len(rows["id"]) + len(rejected["id"]) == 43
    assert set(metrics["external"]) == {d.name for d in SCORES}
    assert set(metrics["external_baselines"]) == set(metrics["baselines"])
    missed = np.abs(rows["dv_km_s"]) >= 6000
    assert {m["id"] for m in metrics["external_misses"]} == set(rows["id"][missed])
    scored = rows["truth"] > 0.5
    assert metrics["external"][HEADLINE]["value"] == pytest.approx(1 - missed[scored].mean())
    page = Page((output / "report.html").read_text())
    assert all(str(identifier) in page.text for identifier in rows["id"][missed])


def test_a_model_of_other_spectra_is_refused(dataset, model, tmp_path):
    other = NearestNeighbour(None, None, {**model.preprocess_settings, "normalisation": "minmax"})
    with pytest.raises(InputError, match="prepared with"):
        evaluate_model(dataset, other, tmp_path / "results", Settings(), [])
    assert not (tmp_path / "results").exists()


def test_settings_that_cannot_be_are_refused(tmp_path):
    with pytest.raises(ParameterError, match="target"):
        Settings(target="mass")
    with pytest.raises(ParameterError, match="bootstrap"):
        Settings(bootstrap=0)
    with pytest.raises(InputError, match="no folder"):
        Settings(external=str(tmp_path / "nowhere"))


def test_a_folder_without_quasars_says_so(dataset, model, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no spectrum"):
        evaluate_model(
            dataset, model, tmp_path / "out", Settings(bootstrap=5, external=str(tmp_path / "empty")), []
        )


def test_a_folder_of_data_and_a_folder_of_a_trained_model_are_enough(dataset, tmp_path):
    train(dataset, tmp_path / "model", Training(epochs=1))
    metrics = evaluate(dataset, tmp_path / "model", tmp_path / "results", Settings(bootstrap=20))
    assert set(metrics["scores"]) == {d.name for d in SCORES}
    assert metrics["rows"]["test"] == 150
    page = Page((tmp_path / "results" / "report.html").read_text())
    assert "Training" in page.text
    with pytest.raises(ArmillaryError, match=r"history\.json"):
        evaluate(dataset, tmp_path / "nothing", tmp_path / "other", Settings())


def test_a_folder_of_near_quasars_is_scored_as_a_whole(dataset, model, real_data, tmp_path):
    near = real_data / "sdss" / "spectra" / "spec-0332-52367-0639.fits"
    folder = tmp_path / "near"
    folder.mkdir()
    (folder / near.name).symlink_to(near)
    metrics = evaluate_model(dataset, model, tmp_path / "out", Settings(bootstrap=10, external=str(folder)), [])
    assert metrics["rows"]["external"] == 1
    assert "above redshift 0.0" in metrics["external_provenance"]["notes"][0]
