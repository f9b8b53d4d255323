"""A model of strain as champion: what it says of a challenger's raw windows is what its evaluation would say."""

from pathlib import Path

import numpy as np
import pytest

from components.common.errors import InputError
from components.common.files import read_json
from components.common.scores_classification import SCORES
from components.evaluate.classification.evaluation import Settings, evaluate
from components.ingest.gw_strain.ingestion import Settings as Ingest
from components.ingest.gw_strain.ingestion import ingest
from components.preprocess.strain.preprocessing import Settings as Preprocess
from components.preprocess.strain.preprocessing import preprocess
from components.promote.champion.kinds import KINDS, name_of
from components.promote.champion.strain import apply_strain, read_strain
from components.promote.champion.trial import hold_trial
from components.train.conv1d.training import Settings as Training
from components.train.conv1d.training import train


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folders of a run: raw, white, model, results."""
    folder = tmp_path_factory.mktemp("run")
    ingest(folder / "raw", Ingest(rows=600, seed=6))
    preprocess(folder / "raw", folder / "white", Preprocess(validation_fraction=0.2, test_fraction=0.6))
    settings = Training(
        "label", "strided", [32, 16, 8], [4, 4, 8], epochs=1, batch_size=32, precision="float32", seed=1
    )
    train(folder / "white", folder / "model", settings)
    evaluate(folder / "white", folder / "model", folder / "results", Settings(headline="roc_auc", bootstrap=20))
    return folder


def test_a_model_applied_to_raw_windows_says_what_its_evaluation_said(run: Path) -> None:
    answers = read_strain(run / "results")
    applied = apply_strain(run / "model", run / "raw", answers)
    order = np.argsort(applied.rows)
    np.testing.assert_array_equal(applied.rows[order], np.arange(len(answers)))
    np.testing.assert_allclose(applied.predictions.probability[order], answers.predictions.probability, atol=1e-4)
    described = read_json(run / "model" / "model.json")
    assert KINDS[name_of(described)].apply is apply_strain
    assert KINDS[name_of(described)].scores is SCORES


def test_a_model_is_no_better_than_itself_on_what_neither_learnt_from(run: Path) -> None:
    trial = hold_trial(run / "model", run / "model", run / "raw", run / "results", "roc_auc", 50, 1)
    assert trial.comparison is not None, trial.why_not
    assert trial.comparison.objects == read_json(run / "results" / "metrics.json")["rows"]["test"]
    assert not trial.comparison.is_better


def test_raw_windows_of_another_run_are_refused(run: Path, tmp_path: Path) -> None:
    ingest(tmp_path / "raw", Ingest(rows=20, seed=7))
    with pytest.raises(InputError, match=r"windows that were tested, 0 are in"):
        apply_strain(run / "model", tmp_path / "raw", read_strain(run / "results"))
