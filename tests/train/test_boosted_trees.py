"""Classifiers on a table of features: tuned by group, calibrated, stored without pickle, one of them chosen."""

import dataclasses
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
import toy_features
from scipy.special import log_softmax
from sklearn.ensemble._hist_gradient_boosting import binning

from components.common.errors import InputError, ParameterError
from components.common.files import read_json, write_json
from components.common.tables import read_table, write_table
from components.train.boosted_trees import estimators
from components.train.boosted_trees.calibration import Calibration
from components.train.boosted_trees.estimators import class_weights, hold_back, make_estimator
from components.train.boosted_trees.inference import load_model
from components.train.boosted_trees.rows import Rows, read_plan, read_rows
from components.train.boosted_trees.training import Settings, choose, train
from components.train.boosted_trees.tuning import Budget, tune
from components.train.boosted_trees.weighted_bins import find_thresholds, quick_bins

SMALL = Settings(choice="best", tuning_rows=300, folds=2, iterations=40, epochs=4, seed=1)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy_features.write_features(tmp_path_factory.mktemp("features"))


@pytest.fixture(scope="module")
def trained(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    model = tmp_path_factory.mktemp("trained") / "model"
    train(dataset, model, SMALL)
    return model


def rows_of(dataset: Path, split: str) -> Rows:
    table = dataset / "dataset.parquet"
    return read_rows(table, read_plan(table), split, 10_000, 1)


def test_stored_classifiers_answer_as_they_were_calibrated(dataset: Path, trained: Path) -> None:
    model = load_model(trained)
    assert set(model.contenders) == set(SMALL.kinds)
    validation = rows_of(dataset, "validation")
    for kind, contender in model.contenders.items():
        probability = contender.predict(validation.features)
        np.testing.assert_allclose(probability.sum(axis=1), 1.0, atol=1e-9)
        loss = -np.log(probability[np.arange(len(validation)), validation.truth]).mean()
        assert loss == pytest.approx(model.record["kinds"][kind]["log_loss"], rel=1e-4)
    assert not [path for path in trained.iterdir() if path.suffix not in {".json", ".skops", ".safetensors"}]
    described = read_json(trained / "model.json")
    assert (described["kind"], described["target"], described["data"]) == ("boosted_trees", "label", "morphology")
    assert described["preprocess"]["split"]["seed"] == 1


def test_predictions_come_near_the_bayes_rule(dataset: Path, trained: Path) -> None:
    model, test = load_model(trained), rows_of(dataset, "test")
    is_test = read_table(dataset / "dataset.parquet", ["split"])["split"] == "test"
    posterior = read_table(dataset / "truth.parquet")["sim_posterior"][is_test]
    best = (posterior.argmax(axis=1) == test.truth).mean()
    assert (model.predict(test.features).argmax(axis=1) == test.truth).mean() > best - 0.05
    assert np.abs(model.predict(test.features) - posterior).mean() < 0.06, "weights are taken back"


def test_what_predicts_is_read_without_its_rivals(dataset: Path, trained: Path) -> None:
    test, whole = rows_of(dataset, "test"), load_model(trained)
    alone = load_model(trained, rivals=False)
    assert set(alone.contenders) == {"boosting", whole.name}
    np.testing.assert_array_equal(alone.predict(test.features), whole.predict(test.features))


def test_columns_one_by_one_are_the_same_as_a_matrix(dataset: Path, trained: Path) -> None:
    model, test = load_model(trained), rows_of(dataset, "test")
    np.testing.assert_array_equal(model.predict(*test.features.T), model.predict(test.features))
    infinite = test.features.copy()
    infinite[:, 0] = np.inf
    missing = test.features.copy()
    missing[:, 0] = np.nan
    np.testing.assert_array_equal(model.predict(infinite), model.predict(missing))
    assert model.predict(test.features[:0]).shape == (0, 3)
    with pytest.raises(InputError, match="4 features, but the model knows 5"):
        model.predict(test.features[:, :4])


def test_history_is_that_of_the_chosen_one(trained: Path) -> None:
    history = read_json(trained / "history.json")
    record = read_json(trained / "model.json")["training"]
    assert len(history) == record["kinds"][record["chosen"]]["steps"]
    boosted = load_model(trained).contenders["boosting"].estimator
    assert record["kinds"]["boosting"]["steps"] > 3
    assert [step["round"] for step in boosted.history] == list(range(1, len(boosted.history) + 1))
    assert boosted.parameters == record["kinds"]["boosting"]["parameters"]


@pytest.mark.parametrize("kind", ["boosting", "forest", "logistic", "network"])
def test_imputation_learns_from_the_rows_that_are_learnt_from(kind: str) -> None:
    """Changing rows that are predicted cannot change what is said of another."""
    features, truth, _ = toy_features.draw(500, 3)
    rows = Rows(features, truth, np.arange(500))
    estimator = make_estimator(kind, parameters_of(kind), "balanced", 20, 2, 1).fit(rows[np.arange(400)], 3)
    asked = features[400:].copy()
    alone = estimator.scores(asked[:1])
    asked[1:] = 1e3
    np.testing.assert_allclose(estimator.scores(asked)[:1], alone, atol=1e-6)


def parameters_of(kind: str) -> dict[str, float]:
    from components.train.boosted_trees.estimators import candidates

    return dict(candidates(kind)[0])


def test_no_group_is_in_two_folds_or_on_both_sides_of_what_is_held_back() -> None:
    features, truth, _ = toy_features.draw(600, 5)
    rows = Rows(features, truth, np.arange(600) // 3)
    learn, held = hold_back(rows, 1)
    assert not set(rows.groups[learn]) & set(rows.groups[held])
    assert set(truth[learn]) == set(truth[held]) == {0, 1, 2}
    seen: list[tuple[set[int], set[int]]] = []

    class Spy:
        def __init__(self, parameters: dict[str, float]):
            self.parameters, self.known = parameters, set[int]()
            self.history: list[dict[str, float]] = []

        def fit(self, rows: Rows, classes: int) -> "Spy":
            self.known = set(rows.groups.tolist())
            return self

        def scores(self, features: np.ndarray) -> np.ndarray:
            asked = {int(np.flatnonzero((rows.features == row).all(axis=1))[0]) // 3 for row in features[:20]}
            seen.append((self.known, asked))
            return np.zeros((len(features), 3))

    whole = dataclasses.replace(rows, features=np.nan_to_num(features))
    rows = whole
    tune([{"a": 1}, {"a": 2}], Spy, whole, 3, "none", Budget(600, 3), 1)
    assert len(seen) == 6
    assert all(not known & asked for known, asked in seen)


def test_a_class_that_a_fold_lacks_has_no_chance_there() -> None:
    features, truth, _ = toy_features.draw(300, 5)
    known = np.flatnonzero(truth != 1)
    rows = Rows(features[known], truth[known], known)
    for kind in ("boosting", "forest", "logistic"):
        scores = make_estimator(kind, parameters_of(kind), "balanced", 20, 2, 1).fit(rows, 3).scores(features)
        assert scores.shape == (300, 3)
        assert (scores.argmax(axis=1) != 1).all()


def test_two_classes_have_two_scores() -> None:
    features, truth, _ = toy_features.draw(400, 5)
    rows = Rows(features, (truth > 0).astype(np.int64), np.arange(400))
    estimator = make_estimator("boosting", parameters_of("boosting"), "none", 30, 2, 1).fit(rows, 2)
    expected = estimator.model.predict_proba(features)  # type: ignore[attr-defined]
    np.testing.assert_allclose(np.exp(log_softmax(estimator.scores(features), axis=1)), expected, atol=1e-9)


def test_calibration_finds_the_temperature_and_the_frequencies() -> None:
    rng = np.random.default_rng(2)
    honest = rng.normal(size=(20_000, 3)) * 1.5 + np.log([0.6, 0.3, 0.1])
    probability = np.exp(log_softmax(honest, axis=1))
    truth = (rng.random((20_000, 1)) > probability.cumsum(axis=1)).sum(axis=1)
    found = Calibration.fit(3.0 * (honest - np.log([0.6, 0.3, 0.1])), truth, np.array([0.5, 1.0, 3.0]))
    assert found.temperature == pytest.approx(3.0, rel=0.05)
    np.testing.assert_allclose(
        np.exp(found.logarithms(3.0 * (honest - np.log([0.6, 0.3, 0.1])))), probability, atol=0.02
    )
    again = Calibration.from_json(found.to_json())
    np.testing.assert_array_equal(again.offsets, found.offsets)


def test_weights_of_classes_weigh_the_same_in_all() -> None:
    truth = np.repeat([0, 1, 2], [60, 30, 10])
    weights = class_weights(truth, 3, "balanced")
    np.testing.assert_allclose(np.bincount(truth, weights[truth]), 100 / 3)
    np.testing.assert_array_equal(class_weights(truth, 3, "none"), 1.0)


def test_boosting_stays_unless_another_is_surely_better() -> None:
    rng = np.random.default_rng(1)
    loss = rng.exponential(size=1000)
    slightly = loss - 0.001 + 0.3 * rng.normal(size=1000)
    assert choose({"boosting": loss, "network": slightly - slightly.mean() + loss.mean() - 0.002}) == "boosting"
    assert choose({"boosting": loss, "network": loss - 0.1}) == "network"
    assert choose({"boosting": loss, "forest": loss + 0.1}) == "boosting"


def test_what_cannot_be_trained_is_told(dataset: Path, tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="no kind of classifier oracle"):
        Settings(kinds=("boosting", "oracle"))
    with pytest.raises(ParameterError, match="Name boosting among them"):
        Settings(kinds=("forest",))
    with pytest.raises(ParameterError, match="no choice 'worst'"):
        Settings(choice="worst")
    with pytest.raises(ParameterError, match="class_weight"):
        Settings(class_weight="equal")
    with pytest.raises(ParameterError, match=r"folds is 1\..*at least 2"):
        Settings(folds=1)
    with pytest.raises(InputError, match="There is no table"):
        train(tmp_path, tmp_path / "model", SMALL)
    assert not (tmp_path / "model").exists()


def rewritten(dataset: Path, folder: Path, label: np.ndarray | None = None, **settings: object) -> Path:
    """Copy a table with another label or other settings."""
    from components.common.tables import open_table, read_provenance, read_settings

    table = dataset / "dataset.parquet"
    columns = read_table(table)
    if label is not None:
        columns["label"] = label
    with open_table(table) as file:
        fields = list(file.schema_arrow)
    stored = {**read_settings(table), **settings}
    write_table(folder / "dataset.parquet", fields, columns, read_provenance(table), stored)
    return folder


def test_a_class_with_one_member_is_named(dataset: Path, tmp_path: Path) -> None:
    labels = read_table(dataset / "dataset.parquet", ["label", "split"])
    label = labels["label"].copy()
    label[label == "SB"] = "S"
    label[np.flatnonzero(labels["split"] == "train")[0]] = "SB"
    with pytest.raises(InputError, match="No validation row is a SB"):
        train(rewritten(dataset, tmp_path, label), tmp_path / "model", SMALL)


def test_a_column_that_is_missing_or_renamed_is_named(dataset: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has no column gr"):
        train(rewritten(dataset, tmp_path, features=["gr", "noise"]), tmp_path / "model", SMALL)
    with pytest.raises(InputError, match="names 0 features"):
        train(rewritten(dataset, tmp_path, features=[]), tmp_path / "model", SMALL)


def test_a_folder_without_a_model_is_told(trained: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not a model of this software"):
        load_model(tmp_path)
    described = read_json(trained / "model.json")
    for path in trained.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    described["training"]["chosen"] = "oracle"
    write_json(tmp_path / "model.json", described)
    with pytest.raises(InputError, match="oracle"):
        load_model(tmp_path)
    (tmp_path / "boosting.skops").write_bytes(b"nothing")
    with pytest.raises(InputError, match="not a model of this software"):
        load_model(tmp_path)


@pytest.mark.parametrize("rows", [200, 256, 3000])
def test_bins_are_scikit_learns_to_the_last_bit(rows: int) -> None:
    """With ties, gaps and weights; columns of few values are left to scikit-learn."""
    rng = np.random.default_rng(rows)
    weights = rng.choice([0.4, 1.0, 3.7], rows)
    columns = (rng.normal(size=rows), rng.integers(0, 400, rows) / 7, rng.integers(0, 9, rows) / 3)
    for column in (*columns, rng.integers(0, 1000, rows) * 1.0):
        column[rng.random(rows) < 0.05] = np.nan
        for of in (weights, None):
            expected = binning._find_binning_thresholds(column, 255, of)
            np.testing.assert_array_equal(find_thresholds(column, 255, of), expected)


def test_trees_are_the_same_with_quick_bins(dataset: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows, parameters = (
        rows_of(dataset, "train"),
        {"learning_rate": 0.1, "max_leaf_nodes": 4, "min_samples_leaf": 20},
    )
    assert np.unique(rows.features[:, 0]).size > 255

    def scores() -> np.ndarray:
        estimator = make_estimator("boosting", parameters, "balanced", 8, 1, 1).fit(rows, 3)
        return np.asarray(estimator.scores(rows.features))

    quick, original = scores(), binning._find_binning_thresholds
    monkeypatch.setattr(estimators, "quick_bins", nullcontext)
    np.testing.assert_array_equal(quick, scores())
    with pytest.raises(KeyError), quick_bins():
        raise KeyError
    assert binning._find_binning_thresholds is original is not find_thresholds, "others are left alone"
