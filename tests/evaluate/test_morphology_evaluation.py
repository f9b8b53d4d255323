"""Classifiers of galaxies evaluated: the ceiling, what the trees rest on, each class by itself, the report."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import f1_score, roc_auc_score

from components.common.errors import InputError
from components.common.provenance import Provenance
from components.common.report import Report
from components.common.scores_classification import ClassPredictions
from components.common.tables import read_table
from components.evaluate.classification.evaluation import Settings, evaluate
from components.evaluate.classification.explanation import (
    explain,
    gather_groups,
    permutation_losses,
    rank_agreement,
    shap_values,
    strongest_pair,
)
from components.evaluate.classification.kinds import find_kind
from components.evaluate.classification.metrics import Against
from components.ingest.galaxy_zoo.ingestion import Settings as Ingestion
from components.ingest.galaxy_zoo.ingestion import ingest
from components.preprocess.morphology_table.preprocessing import Settings as Preprocessing
from components.preprocess.morphology_table.preprocessing import preprocess
from components.train.boosted_trees.calibration import Calibration
from components.train.boosted_trees.estimators import make_estimator
from components.train.boosted_trees.inference import Contender, load_model
from components.train.boosted_trees.rows import Rows, stack
from components.train.boosted_trees.training import Settings as Training
from components.train.boosted_trees.training import train

QUICK = Settings(headline="macro_f1", bootstrap=15, seed=2, title="Morphology", slug="galaxy-morphology")
SMALL = Training(kinds=("boosting", "logistic"), tuning_rows=200, folds=2, iterations=20, epochs=2, seed=1)
NAMES = ("macro_f1", "macro_f1_below_ceiling", "balanced_accuracy", "roc_auc", "shap_permutation_rank_correlation")


def prepared(folder: Path, **settings: object) -> Path:
    """Simulate and prepare galaxies, and train a model of them."""
    ingest(folder / "raw", Ingestion(rows=1100, seed=4))
    preprocess(folder / "raw", folder / "data", Preprocessing(seed=4, **settings))  # type: ignore[arg-type]
    train(folder / "data", folder / "model", SMALL)
    return folder


@pytest.fixture(scope="module")
def galaxies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return prepared(tmp_path_factory.mktemp("galaxies"), test_fraction=0.3)


@pytest.fixture(scope="module")
def evaluated(galaxies: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("results")
    evaluate(galaxies / "data", galaxies / "model", output, QUICK)
    return output


@pytest.fixture(scope="module")
def contender() -> tuple[Contender, np.ndarray, np.ndarray]:
    """Boosted trees of features of which the first two act together, the third alone and the last not at all."""
    rng = np.random.default_rng(5)
    features = rng.normal(size=(1500, 5)).astype(np.float32)
    features[:, 3] = features[:, 2] + 0.05 * rng.normal(size=1500)
    scores = np.stack([2.5 * features[:, 0] * features[:, 1], 1.5 * features[:, 2], np.zeros(1500)], axis=1)
    truth = (scores + rng.gumbel(size=scores.shape)).argmax(axis=1)
    features[rng.random(features.shape) < 0.03] = np.nan
    parameters = {"learning_rate": 0.15, "max_leaf_nodes": 8, "min_samples_leaf": 20}
    rows = Rows(features, truth, np.arange(1500))
    estimator = make_estimator("boosting", parameters, "balanced", 60, 1, 1).fit(rows, 3)
    return Contender("boosting", estimator, Calibration(1.7, np.array([0.2, 0.0, -0.2]))), features, truth


def test_metrics_have_the_names_of_the_issue_and_intervals(evaluated: Path) -> None:
    found = json.loads((evaluated / "metrics.json").read_text())
    assert (found["origin"], found["data"]) == ("simulated", "morphology")
    assert found["classes"] == ["E", "S", "SB"]
    for name in NAMES:
        score = found["scores"][name]
        assert set(score) == {"value", "low", "high", "baseline", "published"}
        assert score["low"] <= score["value"] <= score["high"], name
    assert list(found["baselines"])[:2] == ["majority", "questions"]
    assert list(found["baselines"])[-1] == "bayes"
    others = {name: of["macro_f1"]["value"] for name, of in found["baselines"].items()}
    assert others["majority"] < others["questions"] < found["scores"]["macro_f1"]["value"]
    below = found["scores"]["macro_f1_below_ceiling"]["value"]
    assert below == pytest.approx(others["bayes"] - found["scores"]["macro_f1"]["value"])
    assert found["scores"]["macro_f1_ceiling"]["value"] == pytest.approx(others["bayes"])


def test_the_table_of_predictions_gives_the_scores_again(evaluated: Path, galaxies: Path) -> None:
    found = json.loads((evaluated / "metrics.json").read_text())
    table = read_table(evaluated / "predictions.parquet")
    classes = found["classes"]
    assert found["scores"]["macro_f1"]["value"] == pytest.approx(
        f1_score(table["truth"], table["predicted"], average="macro")
    )
    probability = np.stack([table[f"probability_{name}"] for name in classes], axis=1)
    auc = roc_auc_score(table["truth"], probability, multi_class="ovr", labels=classes)
    assert found["scores"]["roc_auc"]["value"] == pytest.approx(auc)
    truth = read_table(galaxies / "data" / "truth.parquet")
    place = pd.Index(truth["id"]).get_indexer(pd.Index(table["id"]))
    np.testing.assert_allclose(table["bayes_probability_SB"], truth["sim_posterior"][place, 2])
    assert np.isfinite(table["agreement"]).all()


def test_the_report_tells_what_was_found(evaluated: Path) -> None:
    page = (evaluated / "report.html").read_text(encoding="utf-8")
    headings = (
        "How near to what can be known",
        "What it was chosen from",
        "What it may see",
        "What the trees rest on",
    )
    for text in (*headings, "Feature by feature", "How the classes differ", "Each class against the rest"):
        assert text in page
    for text in ("a vote: gz2_class is computed", "written into the simulator", "SHAP value: speaks for SB"):
        assert text in page
    for text in ("Agreement of the votes", "Morphology and environment", "interact most", "rank correlation of"):
        assert text in page


def test_shap_values_add_up_to_the_calibrated_scores(contender: tuple[Contender, np.ndarray, np.ndarray]) -> None:
    model, features, _ = contender
    values = shap_values(model, features[:200])
    assert values.shape == (200, 5, 3)
    scores = model.estimator.scores(features[:200]) / model.calibration.temperature
    rest = scores - values.sum(axis=1)
    np.testing.assert_allclose(rest, np.broadcast_to(rest[0], rest.shape), atol=1e-6)


def test_shap_values_of_two_classes_are_opposite() -> None:
    rng = np.random.default_rng(6)
    features = rng.normal(size=(400, 3)).astype(np.float32)
    rows = Rows(features, (features[:, 0] > 0).astype(np.int64), np.arange(400))
    parameters = {"learning_rate": 0.2, "max_leaf_nodes": 4, "min_samples_leaf": 20}
    estimator = make_estimator("boosting", parameters, "none", 20, 1, 1).fit(rows, 2)
    model = Contender("boosting", estimator, Calibration(1.0, np.zeros(2)))
    values = shap_values(model, features)
    np.testing.assert_allclose(values[..., 0], -values[..., 1])
    gap = values.sum(axis=1)[:, 1] - values.sum(axis=1)[:, 0]
    assert np.corrcoef(gap, estimator.scores(features)[:, 1])[0, 1] > 0.9999


def test_the_pair_that_acts_together_is_found(contender: tuple[Contender, np.ndarray, np.ndarray]) -> None:
    model, features, _ = contender
    pair, interaction = strongest_pair(model, features[:80])
    assert pair == (0, 1)
    product = np.nan_to_num(features[:80, 0] * features[:80, 1])
    assert np.corrcoef(product, interaction[:, 0])[0, 1] > 0.7


def test_both_importances_agree_and_groups_hold_together(
    contender: tuple[Contender, np.ndarray, np.ndarray],
) -> None:
    model, features, truth = contender
    names = ("a", "b", "c", "d", "e")
    found = explain(model, names, ("x", "y", "z"), {"twins": ["c", "d", "absent"]}, features, truth, seed=1)
    assert found.groups == ("twins", "a", "b", "e")
    assert found.agreement is not None
    assert found.agreement.value > 0.7
    assert found.group_permutation[-1] < 0.2 * found.group_permutation[:-1].min(), "noise costs next to nothing"
    alone = permutation_losses(model, features, truth, [[2], [3], [2, 3]], np.random.default_rng(1)).mean(axis=0)
    assert alone[2] > 2 * max(alone[0], alone[1]), "twins stand in for each other"


def test_groups_name_each_feature_once() -> None:
    members = gather_groups(("a", "b", "c"), {"first": ["b", "a"], "second": ["b", "c"], "none": ["q"]})
    assert members == {"first": [0, 1], "second": [2]}


def test_rank_agreement_is_that_of_ranks() -> None:
    first = np.tile([1.0, 2.0, 3.0, 4.0], (50, 1))
    same, opposite = rank_agreement(first, first**3, 1), rank_agreement(first, -first, 1)
    assert same is not None
    assert opposite is not None
    assert (same.value, opposite.value) == pytest.approx((1.0, -1.0))
    assert rank_agreement(first[:, :2], first[:, :2], 1) is None
    rng = np.random.default_rng(1)
    padded = np.concatenate([first, 1e-4 * rng.normal(size=(50, 20))], axis=1)
    noise = np.concatenate([first, 1e-4 * rng.normal(size=(50, 20))], axis=1)
    both = rank_agreement(padded, noise, 1)
    assert both is not None
    assert both.value == pytest.approx(1.0), "what matters to neither has no rank"


def test_one_class_against_the_rest() -> None:
    probability = np.array([[0.8, 0.1, 0.1], [0.2, 0.7, 0.1], [0.5, 0.3, 0.2], [0.1, 0.1, 0.8], [0.6, 0.2, 0.2]])
    predictions = ClassPredictions(np.array([0, 1, 1, 2, 0]), probability)
    found = Against.of(predictions, 1)
    assert (found.count, found.recall, found.precision) == (2, 0.5, 1.0)
    assert found.f1 == pytest.approx(2 / 3)
    assert found.area == pytest.approx(roc_auc_score(predictions.truth == 1, probability[:, 1]))


def test_two_classes_are_evaluated_too(galaxies: Path, tmp_path: Path) -> None:
    preprocess(galaxies / "raw", tmp_path / "data", Preprocessing(seed=4, level="2", test_fraction=0.25))
    train(tmp_path / "data", tmp_path / "model", replace(SMALL, kinds=("boosting",), iterations=15))
    found = evaluate(tmp_path / "data", tmp_path / "model", tmp_path / "out", QUICK)
    assert found["classes"] == ["smooth", "disc"]
    assert "macro_f1_below_ceiling" in found["scores"]
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "Each class against the rest" not in page


def test_votes_give_the_class_back_and_real_ones_are_scored_apart(
    galaxies: Path, real_data: Path, tmp_path: Path
) -> None:
    preprocess(galaxies / "raw", tmp_path / "data", Preprocessing(seed=4, task="votes", test_fraction=0.25))
    train(tmp_path / "data", tmp_path / "model", replace(SMALL, kinds=("boosting",)))
    external = replace(QUICK, external=str(real_data / "gz2"))
    found = evaluate(tmp_path / "data", tmp_path / "model", tmp_path / "out", external)
    assert "macro_f1_below_ceiling" not in found["scores"], "the simulator's rule knows no votes"
    assert found["scores"]["accuracy"]["value"] > 0.95, "the class is made of them"
    assert found["rows"]["external"] == 400
    assert found["external_provenance"]["origin"] == "real"
    assert found["external"]["accuracy"]["value"] > 0.85, "votes mean the same in both"
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "votes alone" in page
    assert "Real galaxies" in page


def test_galaxies_that_were_learnt_from_are_no_validation(galaxies: Path, tmp_path: Path) -> None:
    """Tables of one survey share galaxies: a model of one, validated on another, would meet most of its own."""
    raw = read_table(galaxies / "raw" / "dataset.parquet", ["dr7objid", "gz2_class", "g_r", "concentration_r"])
    pd.DataFrame(raw).to_csv(tmp_path / "galaxies.csv", index=False)
    table = galaxies / "data" / "dataset.parquet"
    model, kind = load_model(galaxies / "model"), find_kind(table)
    assert kind.external is not None
    found = kind.external(table, tmp_path, model, kind.baselines(table, model, 1))
    own = read_table(table, ["id", "split"])
    assert sorted(found.outcome.columns["id"]) == sorted(own["id"][own["split"] == "test"])
    assert found.rejections.counts == {"learnt from": int((own["split"] != "test").sum())}


def test_galaxies_without_a_feature_are_no_validation(galaxies: Path, real_data: Path, tmp_path: Path) -> None:
    external = replace(QUICK, external=str(real_data / "gz2"))
    with pytest.raises(InputError, match="none of the columns that are needed: redshift"):
        evaluate(galaxies / "data", galaxies / "model", tmp_path, external)


def test_a_model_of_another_level_is_refused(galaxies: Path, tmp_path: Path) -> None:
    preprocess(galaxies / "raw", tmp_path / "data", Preprocessing(seed=4, level="2"))
    with pytest.raises(InputError, match="classes smooth, disc, but the model knows E, S, SB"):
        evaluate(tmp_path / "data", galaxies / "model", tmp_path / "out", QUICK)


def test_many_classes_are_drawn_without_counts(galaxies: Path) -> None:
    from components.evaluate.classification.class_diagrams import draw_precision_recall_of_each, draw_roc_of_each
    from components.evaluate.classification.diagrams import draw_confusion

    rng = np.random.default_rng(1)
    probability = rng.dirichlet(np.ones(14), 800)
    predictions = ClassPredictions(np.arange(800) % 14, probability)
    names = [f"class {k}" for k in range(14)]
    each = {name: Against.of(predictions, k) for k, name in enumerate(names)}
    assert "class 13" in draw_roc_of_each(each).svg
    assert "class 13" in draw_precision_recall_of_each(each).svg
    figure = draw_confusion(np.full((14, 14), 1234), names)
    assert "shares in percent" in figure.caption
    assert "234" not in figure.svg.replace("1234", "")


def test_relations_leave_out_what_was_not_measured(galaxies: Path) -> None:
    from components.evaluate.classification.morphology_relations import add_relations
    from components.evaluate.classification.outcome import Outcome

    model = load_model(galaxies / "model")
    rows = read_table(galaxies / "data" / "dataset.parquet", split="test")
    features = stack(rows, model.features)
    truth = np.array([model.classes.index(label) for label in rows["label"]])
    empty = np.empty(0, dtype=np.int64)
    columns = {"g_r": rows["g_r"], "local_density": np.full(len(truth), np.nan, np.float32), "id": rows["id"]}
    outcome = Outcome(model.classes, 0, columns, truth, model.predict(features), {}, empty, {}, empty, {})
    report = Report("t", "s", Provenance("simulated", "toy"))
    add_relations(report.section("How the classes differ"), outcome)
    page = report.render()
    assert "Colour g" in page
    assert "Half-light radius" not in page
