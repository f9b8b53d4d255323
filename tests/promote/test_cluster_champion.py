"""Clusters of stars as champions: held against the truth of the same sky, and of no other."""

import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from components.common import clustering_scores
from components.common.clustering_scores import SCORES, contingency, match
from components.common.tables import read_provenance, read_table, write_table
from components.evaluate.clustering.evaluation import Settings as Evaluation
from components.evaluate.clustering.evaluation import evaluate
from components.ingest.gaia_stars.ingestion import Settings as Ingestion
from components.ingest.gaia_stars.ingestion import ingest
from components.preprocess.star_field.preprocessing import Settings as Preprocessing
from components.preprocess.star_field.preprocessing import preprocess
from components.promote.champion.memberships import MEMBERSHIPS, Memberships, apply_memberships, read_memberships
from components.promote.champion.trial import Trial, hold_trial
from components.train.clustering.inference import load_model, save_model
from components.train.clustering.settings import Settings as Training
from components.train.clustering.training import train

SKY = Ingestion(rows=3000, clusters=2, cluster_stars=700, seed=3)
QUIET = Evaluation(control_fields=0, shifted_fields=0, samples=0, bootstrap=50, seed=1)


def test_scores_by_weights_are_those_of_the_counts() -> None:
    rng = np.random.default_rng(1)
    truth = rng.integers(-1, 2, 400)
    found = np.where(rng.random(400) < 0.8, truth, rng.integers(-1, 3, 400))
    table = contingency(truth, found)
    for definition, score in zip(MEMBERSHIPS, SCORES, strict=True):
        value = definition.compute(Memberships(truth, found), np.ones((1, 400)))
        assert value[0] == score.compute(table[None], match(table))[0]
    half = definition.compute(Memberships(truth, found), (np.arange(400) < 200)[None].astype(float))
    assert half[0] == score.compute(contingency(truth[:200], found[:200])[None], match(table))[0]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders of a whole run, `weak` being its model without the smaller cluster."""
    folder = tmp_path_factory.mktemp("clusters")
    ingest(folder / "stars", SKY)
    preprocess(folder / "stars", folder / "data", Preprocessing())
    train(folder / "data", folder / "model", Training(library="hdbscan", compare=(), seed=1))
    evaluate(folder / "data", folder / "model", folder / "results", QUIET)
    whole = load_model(folder / "model")
    save_model(folder / "weak", dataclasses.replace(whole, clusters=whole.clusters[:1]))
    return folder


def hold(champion: Path, run: Path, source: Path | None = None, results: Path | None = None) -> Trial:
    source, results = source or run / "stars", results or run / "results"
    return hold_trial(champion, run / "model", source, results, clustering_scores.HEADLINE, 20, 1)


def test_a_champion_answers_for_raw_stars_as_it_did_for_its_own(run: Path) -> None:
    own = read_memberships(run / "results")
    applied = apply_memberships(run / "model", run / "stars", own)
    before, order = own.predictions[applied.rows], np.argsort(applied.rows)
    assert applied.rows[order].tolist() == list(range(len(own)))
    assert np.array_equal(before.truth, applied.predictions.truth)
    assert np.mean(before.found == applied.predictions.found) > 0.999


def test_one_that_finds_more_is_better_and_the_same_is_not(run: Path) -> None:
    better = hold(run / "weak", run).comparison
    assert better is not None
    assert better.is_better
    assert better.objects == len(read_memberships(run / "results")), "no star was learnt from: truth is hidden"
    own = json.loads((run / "results" / "metrics.json").read_text())["scores"]["f1"]["value"]
    assert better.challenger.value == pytest.approx(own)
    same = hold(run / "model", run).comparison
    assert same is not None
    assert abs(same.improvement) < 0.01
    assert not same.is_better


def test_clusters_of_another_sky_are_not_compared(run: Path, tmp_path: Path) -> None:
    ingest(tmp_path / "stars", dataclasses.replace(SKY, rows=100, cluster_stars=60, seed=4))
    assert (
        hold(run / "model", run, tmp_path / "stars").why_not == "the champion's clusters are those of another sky"
    )


def test_without_truth_there_is_nothing_to_compare_by(run: Path, tmp_path: Path) -> None:
    shutil.copytree(run / "results", tmp_path / "results")
    path = tmp_path / "results" / "predictions.parquet"
    fields, provenance, table = list(pq.read_schema(path)), read_provenance(path), read_table(path)
    table["truth"] = np.full(len(table["id"]), "", dtype=object)
    write_table(path, fields, table, provenance)
    assert "members of clusters are not known here" in hold(run / "model", run, results=path.parent).why_not
