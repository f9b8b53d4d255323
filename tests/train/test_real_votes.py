"""Real rows of Galaxy Zoo 2: boosted trees on votes give back the classes that were made of them."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.model_selection import StratifiedGroupKFold

from components.ingest.galaxy_zoo.ingestion import Settings as Ingestion
from components.ingest.galaxy_zoo.ingestion import ingest
from components.preprocess.morphology_table.preprocessing import Settings as Preprocessing
from components.preprocess.morphology_table.preprocessing import preprocess
from components.train.boosted_trees.estimators import candidates, make_estimator
from components.train.boosted_trees.rows import Rows, read_plan, read_rows

GOAL = 0.97


@pytest.fixture(scope="module")
def votes(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Rows:
    folder = tmp_path_factory.mktemp("votes")
    ingest(folder / "raw", Ingestion(source="files", location=str(real_data / "gz2")))
    preprocess(folder / "raw", folder / "data", Preprocessing(task="votes", seed=1))
    table = folder / "data" / "dataset.parquet"
    plan = read_plan(table)
    assert plan.classes == ("E", "S", "SB")
    parts = [read_rows(table, plan, split, 1000, 1) for split in ("train", "validation", "test")]
    return Rows(
        *(np.concatenate([getattr(part, name) for part in parts]) for name in ("features", "truth", "groups"))
    )


def test_held_out_rows_are_classified_as_their_votes_say(votes: Rows) -> None:
    """Each of the 400 is held out once."""
    right = np.zeros(len(votes), dtype=bool)
    for learn, held in StratifiedGroupKFold(4, shuffle=True, random_state=0).split(
        votes.features, votes.truth, votes.groups
    ):
        estimator = make_estimator("boosting", candidates("boosting")[0], "balanced", 80, 1, 1)
        right[held] = (
            estimator.fit(votes[learn], 3).scores(votes.features[held]).argmax(axis=1) == votes.truth[held]
        )
    assert len(right) == 400
    assert right.mean() >= GOAL
