"""Redshifts of pictures, evaluated: scores against a forest, the words of the report, and folders of pictures."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from galaxy_pictures import write_pictures

from components.common.distributions import BinnedDistribution
from components.common.errors import InputError
from components.common.files import read_json
from components.common.provenance import Provenance
from components.common.scores import Score
from components.common.tables import Columns, column, read_table, write_table
from components.evaluate.learnt import find_learnt
from components.evaluate.regression import photometric
from components.evaluate.regression.evaluation import Settings, evaluate
from components.evaluate.regression.image_curves import count_redshifts
from components.evaluate.regression.images import IMAGES, FedModel, load_fed_model
from components.evaluate.regression.kinds import find_kind
from components.evaluate.regression.outcome import Outcome, Worst
from components.evaluate.regression.photometric_baselines import FOREST, PLAIN_FOREST, PhotometricBaselines
from components.train.image_cnn.side_inputs import MAGNITUDES
from components.train.image_cnn.training import Settings as Training
from components.train.image_cnn.training import train

SETTINGS = Settings(title="Pictures", slug="galaxy-photoz", bootstrap=60, seed=1)
SHOWN = 60
"""Pictures from outside, most of which the model has learnt from."""
ISSUE = {"nmad", "nmad_over_baseline", "outlier_fraction", "crps", "coverage_68"}


@pytest.fixture(scope="module")
def evaluated(pictures: Path, picture_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Evaluated on the test rows, and on pictures that were written as files."""
    folder = tmp_path_factory.mktemp("evaluated")
    write_pictures(pictures / "raw", folder / "files", SHOWN)
    (folder / "files" / "page.jpg").write_bytes(b"<html>")
    settings = replace(SETTINGS, external=str(folder / "files"))
    evaluate(pictures / "data", picture_model, folder / "results", settings)
    return folder / "results"


def outcome_of(truth: Any, model: Any, forest: Any) -> Outcome:
    """Predictions that are what they are said to be."""
    count = len(truth)
    columns = {
        "truth": np.asarray(truth, dtype=np.float64),
        "redshift": np.asarray(model, dtype=np.float64),
        FOREST: np.asarray(forest, dtype=np.float64),
        "group_id": np.array([str(i) for i in range(count)], dtype=object),
    }
    flat = BinnedDistribution(np.linspace(0, 0.4, 41), np.ones((1, 40), np.float32))
    worst = Worst(np.zeros(0, np.int64), {}, flat[:0])
    return Outcome(columns, IMAGES, {"constant": "best constant", FOREST: "forest"}, worst, flat, {})


def test_the_scores_are_those_of_the_issue_and_of_their_definitions(evaluated: Path) -> None:
    metrics = read_json(evaluated / "metrics.json")
    assert set(metrics["scores"]) >= ISSUE | {"bias", "outlier_fraction_0.15", "pit_distance"}
    assert metrics["data"] == "images"
    assert metrics["origin"] == "semi-empirical"
    c = read_table(evaluated / "predictions.parquet")
    error = (c["redshift"] - c["truth"]) / (1 + c["truth"])
    assert c["dz"] == pytest.approx(error)
    nmad = 1.4826 * np.median(np.abs(error - np.median(error)))
    assert metrics["scores"]["nmad"]["value"] == pytest.approx(nmad, rel=0.02)  # quantiles without interpolation
    assert metrics["scores"]["outlier_fraction"]["value"] == pytest.approx((np.abs(error) > 0.05).mean())
    assert metrics["scores"]["outlier_fraction_0.15"]["value"] == pytest.approx((np.abs(error) > 0.15).mean())
    ratio = metrics["scores"]["nmad"]["value"] / metrics["baselines"][FOREST]["nmad"]["value"]
    assert metrics["scores"]["nmad_over_baseline"]["value"] == pytest.approx(ratio)
    plain = metrics["scores"]["nmad"]["value"] / metrics["baselines"][PLAIN_FOREST]["nmad"]["value"]
    assert metrics["scores"]["nmad_over_forest_without_colours"]["value"] == pytest.approx(plain)


def test_features_and_counts_are_told(evaluated: Path) -> None:
    curves = read_json(evaluated / "metrics.json")["curves"]
    rows = read_json(evaluated / "metrics.json")["rows"]["test"]
    for name in ("by_truth", "by_m_r", "by_axis_ratio", "by_inclination_deg"):
        assert sum(row["count"] for row in curves[name]) == rows
    counts = curves["redshifts"]
    assert sum(counts["truth"]) == rows
    assert sum(counts["stacked"]) == pytest.approx(rows, rel=0.05)


def test_the_report_says_who_wins_and_what_it_rests_on(evaluated: Path) -> None:
    text = (evaluated / "report.html").read_text(encoding="utf-8")
    for said in (
        "Semi-empirical data",
        "that of the random forest on magnitudes and colours of the same galaxies",
        "small network",
        "forest without colours",
        "pictures exchanged among the galaxies",
        "over magnitudes, colours and redshift, which counts for",
        "Integrated gradients",
        "sum of p(z)",
        "By redshift, magnitude and shape",
        "Real pictures",
    ):
        assert said.lower() in text.lower(), said
    assert text.count("<svg") > 20


def test_a_folder_of_pictures_is_scored_apart(evaluated: Path, pictures: Path) -> None:
    metrics = read_json(evaluated / "metrics.json")
    raw = read_table(pictures / "raw" / "dataset.parquet", ["id", "redshift"])
    split = read_table(pictures / "data" / "dataset.parquet", ["id", "split"])
    fresh = set(raw["id"][:SHOWN]) & set(split["id"][split["split"] == "test"])
    own = read_table(evaluated / "external_predictions.parquet", ["id", "truth", "redshift", "m_r"])
    assert set(own["id"]) == fresh
    assert metrics["rows"]["external"] == len(fresh)
    assert metrics["external_provenance"]["origin"] == "real"
    left_out = {"no label": 1, "learnt from": SHOWN - len(fresh)}
    assert metrics["external_provenance"]["rejected"] == left_out, "a galaxy that it knows is no test of it"
    assert set(metrics["external"]) >= ISSUE - {"nmad_over_baseline"}
    known = dict(zip(raw["id"], raw["redshift"], strict=True))
    assert [known[name] for name in own["id"]] == pytest.approx(own["truth"].tolist())
    assert np.isfinite(own["m_r"]).all(), "magnitudes come from labels.csv"


def test_the_ratio_is_paired_and_of_the_same_galaxies() -> None:
    rng = np.random.default_rng(0)
    truth = rng.uniform(0.05, 0.3, 400)
    error = rng.normal(0, 0.02, 400)
    found = photometric.nmad_over_baseline(outcome_of(truth, truth + error / 2, truth + error), 200, 0)
    score = found["nmad_over_baseline"]
    assert score.value == pytest.approx(0.5, rel=0.01)
    assert score.high - score.low < 0.02, "errors that are in both cancel"
    perfect = photometric.nmad_over_baseline(outcome_of(truth, truth, truth), 20, 0)["nmad_over_baseline"]
    assert np.isnan(perfect.value)


@pytest.mark.parametrize(
    ("interval", "said"),
    [((0.8, 0.9), "better than the forest"), ((1.1, 1.3), "has no case."), ((0.9, 1.1), "no case yet")],
)
def test_the_verdict_follows_from_the_interval(interval: tuple[float, float], said: str) -> None:
    truth = np.linspace(0.05, 0.3, 50)
    outcome = outcome_of(truth, truth + 0.01 * np.sin(np.arange(50)), truth + 0.02 * np.cos(np.arange(50)))
    ratio = Score(sum(interval) / 2, *interval)
    assert said in photometric.verdict({photometric.OVER_BASELINE: ratio}, outcome)


def test_counts_know_how_many_galaxies_are_misplaced() -> None:
    truth = np.full(100, 0.105)
    moved = np.where(np.arange(100) < 25, 0.305, 0.105)
    counts = count_redshifts(outcome_of(truth, moved, truth))
    assert counts.misplaced(counts.points) == pytest.approx(0.25)
    assert counts.stacked.sum() == pytest.approx(100)


def test_baselines_need_no_picture_and_bear_missing_magnitudes(pictures: Path) -> None:
    table = pictures / "data" / "dataset.parquet"
    baselines = PhotometricBaselines(table, 1)
    rows = read_table(table, [*MAGNITUDES, "redshift"], "test")
    found = baselines.predict(rows)
    assert set(found) == set(baselines.labels)
    for value in found.values():
        guess = np.median(np.abs(rows["redshift"] - np.median(baselines.training_truth)))
        assert np.median(np.abs(value - rows["redshift"])) < 0.6 * guess
    rows["m_u"][:] = np.nan
    assert all(np.isfinite(value).all() for value in baselines.predict(rows).values())


def test_a_model_of_magnitudes_alone_is_evaluated_too(pictures: Path, tmp_path: Path) -> None:
    """What the pictures add is what this one lacks."""
    train(pictures / "data", tmp_path / "model", Training(inputs="magnitudes", hidden=16, epochs=1, seed=1))
    metrics = evaluate(
        pictures / "data", tmp_path / "model", tmp_path / "results", replace(SETTINGS, bootstrap=10)
    )
    assert set(metrics["scores"]) >= ISSUE
    assert "This model looks at no picture." in (tmp_path / "results" / "report.html").read_text(encoding="utf-8")


def test_model_and_data_must_be_prepared_alike(pictures: Path, picture_model: Path, tmp_path: Path) -> None:
    model = load_fed_model(picture_model)
    assert IMAGES.preparation(model.preprocess_settings).size == 64
    other = tmp_path / "model"
    other.mkdir()
    for file in picture_model.iterdir():
        (other / file.name).write_bytes(file.read_bytes().replace(b'"encoding": "jpeg"', b'"encoding": "flux"'))
    with pytest.raises(InputError, match="prepared"):
        evaluate(pictures / "data", other, tmp_path / "results", SETTINGS)


def test_tables_of_pictures_are_told_from_others(pictures: Path) -> None:
    columns = list(read_table(pictures / "data" / "dataset.parquet"))
    assert find_kind(columns) is IMAGES
    with pytest.raises(InputError, match="no kind of data"):
        find_kind([name for name in columns if name != "image"])


def test_a_folder_without_usable_pictures_is_told(pictures: Path, picture_model: Path, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"<html>")
    (tmp_path / "labels.csv").write_text("file,redshift\na.jpg,0.1\n")
    with pytest.raises(InputError, match="None of the pictures"):
        evaluate(pictures / "data", picture_model, tmp_path / "results", replace(SETTINGS, external=str(tmp_path)))


def test_8_bit_pictures_are_of_no_use_to_a_model_of_flux(picture_model: Path, tmp_path: Path) -> None:
    model = load_fed_model(picture_model).model
    other = FedModel(replace(model, preprocess_settings=model.preprocess_settings | {"encoding": "flux"}))
    none: Any = None
    with pytest.raises(InputError, match=r"learnt from flux, .* Leave external empty"):
        IMAGES.external(tmp_path / "table", tmp_path, other, none, 0.1)


def test_what_was_learnt_from_is_found_by_its_place(tmp_path: Path) -> None:
    fields = [column("ra", "float64", ""), column("dec", "float64", ""), column("split", "string", "")]
    own: Columns = {
        "ra": np.array([10.0, 20.0, 30.0, np.nan]),
        "dec": np.array([60.0, 60.0, 60.0, np.nan]),
        "split": np.array(["train", "validation", "test", "train"], dtype=object),
    }
    write_table(tmp_path / "table.parquet", fields, own, Provenance("real", "a test"))
    half = 0.5 / 3600
    rows: Columns = {
        "ra": np.array([10 + half, 20.0, 30.0, 10.0, np.nan]),
        "dec": np.array([60.0, 60 + half, 60.0, 60 + 4 * half, np.nan]),
    }
    assert find_learnt(tmp_path / "table.parquet", rows).tolist() == [True, True, False, False, False]
