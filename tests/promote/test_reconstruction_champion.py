"""Reconstructions as champions: applied to raw cubes through their own preprocessing."""

import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from small_universes import SMALL

from components.common.errors import InputError
from components.evaluate.reconstruction.evaluation import Settings, evaluate
from components.ingest.camels_snapshots.ingestion import Settings as Ingestion
from components.ingest.camels_snapshots.ingestion import ingest
from components.promote.champion.answers import Answers
from components.promote.champion.kinds import KINDS, find_score
from components.promote.champion.reconstructions import apply_reconstruction, read_reconstructions
from components.promote.champion.trial import hold_trial
from components.train.variational_autoencoder.training import train

HEADLINE = "cross_correlation_mid_k"


@pytest.fixture(scope="module")
def results(universes: Path, reconstruction_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of an evaluation."""
    folder = tmp_path_factory.mktemp("evaluated") / "results"
    evaluate(universes / "data", reconstruction_model, folder, Settings(samples=4, bootstrap=20, seed=1))
    return folder


def test_a_champion_answers_for_raw_cubes_as_it_did_for_its_own(
    universes: Path, reconstruction_model: Path, results: Path
) -> None:
    own = read_reconstructions(results)
    applied = apply_reconstruction(reconstruction_model, universes / "raw", own)
    order = np.argsort(applied.rows)
    assert applied.rows[order].tolist() == list(range(len(own)))
    for name in ("truth", "power", "cross"):
        ours, its = getattr(own.predictions, name), getattr(applied.predictions, name)[order]
        np.testing.assert_allclose(ours, its, rtol=2e-3, atol=1e-3 * np.abs(ours).max())


def test_the_headline_is_a_score_of_the_kind(results: Path) -> None:
    kind = KINDS["variational_autoencoder", "initial"]
    definition = find_score(kind, HEADLINE)
    assert definition is not None
    answers = read_reconstructions(results)
    assert 0.3 < float(definition.compute(answers.predictions, np.ones((1, len(answers))))[0]) < 1
    assert len(set(answers.groups)) == len(answers) // 2, "axes of a simulation are one group"


def test_few_boxes_are_not_compared_and_the_reason_is_said(
    universes: Path, reconstruction_model: Path, results: Path, tmp_path: Path
) -> None:
    train(universes / "data", tmp_path / "other", dataclasses.replace(SMALL, epochs=1, seed=2))
    trial = hold_trial(tmp_path / "other", reconstruction_model, universes / "raw", results, HEADLINE, 20, 1)
    assert trial.comparison is None
    assert "are too few" in trial.why_not
    assert trial.tested == len(read_reconstructions(results))


def test_a_champion_of_another_time_is_not_compared(
    universes: Path, reconstruction_model: Path, results: Path, tmp_path: Path
) -> None:
    shutil.copytree(reconstruction_model, tmp_path / "early")
    described = json.loads((tmp_path / "early" / "model.json").read_text())
    described["preprocess"]["target_redshift"] = 6.0
    (tmp_path / "early" / "model.json").write_text(json.dumps(described))
    trial = hold_trial(tmp_path / "early", reconstruction_model, universes / "raw", results, HEADLINE, 20, 1)
    assert trial.why_not == "the champion reconstructs fields at z = 6, not at z = 127"


def test_a_champion_of_other_boxes_is_not_compared(
    universes: Path, reconstruction_model: Path, results: Path, tmp_path: Path
) -> None:
    shutil.copytree(reconstruction_model, tmp_path / "wide")
    described = json.loads((tmp_path / "wide" / "model.json").read_text())
    described["preparation"]["geometry"]["box_size"] = 50.0
    (tmp_path / "wide" / "model.json").write_text(json.dumps(described))
    trial = hold_trial(tmp_path / "wide", reconstruction_model, universes / "raw", results, HEADLINE, 20, 1)
    assert trial.why_not == "the champion knows boxes of 50 Mpc/h, not of 25"


def test_raw_data_of_another_run_or_grid_are_named(
    reconstruction_model: Path, results: Path, tmp_path: Path
) -> None:
    ingest(tmp_path / "raw", Ingestion(rows=1, grid=64, particles=64, steps=1, seed=9))
    answers = read_reconstructions(results)
    with pytest.raises(InputError, match=r"Of \d+ boxes that were tested, 0 are in"):
        apply_reconstruction(reconstruction_model, tmp_path / "raw", answers)
    from components.common.tables import read_table

    name = read_table(tmp_path / "raw" / "dataset.parquet", ["id"])["id"][0]
    one = Answers(np.array([f"{name}-z"], dtype=object), answers.groups[:1], answers.predictions[np.array([0])])
    with pytest.raises(InputError, match="densities on 32 cells a side, not 64"):
        apply_reconstruction(reconstruction_model, tmp_path / "raw", one)
