"""Votes of Galaxy Zoo 2 summed up to class strings, these taken apart, and rows put into the bins of trees."""

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble._hist_gradient_boosting import binning

from components.physics.gz2_classes import parse
from components.physics.gz2_tasks import TASKS
from components.physics.gz2_volunteers import SIZES, vote
from components.physics.gz2_votes import class_of
from components.train.boosted_trees.weighted_bins import find_thresholds

ROWS = 20_000


@pytest.fixture(scope="module")
def votes() -> dict[str, np.ndarray]:
    """The votes on many galaxies."""
    rng = np.random.default_rng(0)
    return vote(rng.integers(0, 512, ROWS), rng.integers(0, SIZES, ROWS), rng)


def test_class_strings_of_votes_beside_pandas(ratio, votes: dict[str, np.ndarray]) -> None:
    """Every row to its string."""
    table = pd.DataFrame(votes)
    letters = {
        "t03": ["B", ""],
        "t05": list("dcba"),
        "t06": ["(", ""],
        "t07": list("ric"),
        "t08": list("rldiomu"),
        "t09": list("rbn"),
        "t10": list("tml"),
        "t11": list("1234+?"),
    }

    def best(task: str) -> pd.Series:
        names = TASKS[task].columns("debiased")
        known = dict(zip(names, letters.get(task, range(len(names))), strict=True))
        return table[names].idxmax(axis=1).map(known)

    def peer() -> np.ndarray:
        arms = (best("t11") + best("t10")).where(best("t04") == 0, "")
        disc = "S" + best("t03") + best("t05") + arms
        featured = ("Se" + best("t09")).where(best("t02") == 0, disc)
        odd = (best("t06") + best("t08") + ")").where(best("t06") == "(", "")
        strings = ("E" + best("t07")).where(best("t01") == 0, featured) + odd
        return strings.where(best("t01") != 2, "A").to_numpy()

    ratio(
        "class strings of votes",
        ours=lambda: class_of(votes),
        peer=peer,
        peer_name="pandas' idxmax",
        agree=lambda a, b: bool((a == b).all()),
    )


def test_parsing_class_strings_beside_pandas(ratio, votes: dict[str, np.ndarray]) -> None:
    """A column of strings taken apart."""
    strings = class_of(votes)
    series = pd.Series(strings)
    grammar = r"^(E[ric]|Se[rbn]|SB?[dcba]|A)([1234+?])?([tml])?(?:\(([rldiomu])\))?$"
    ratio(
        "parsing class strings",
        ours=lambda: parse(strings).trunk,
        peer=lambda: series.str.extract(grammar)[0].to_numpy(),
        peer_name="pandas' str.extract",
        agree=lambda a, b: bool((a == b).all()),
    )


def test_bins_of_weighted_rows_beside_scikit_learn(ratio) -> None:
    """A column of the demo's training rows."""
    rng = np.random.default_rng(0)
    column, weights = rng.normal(size=ROWS), rng.choice([0.5, 1.0, 2.0], ROWS)
    ratio(
        "bins of weighted rows",
        ours=lambda: find_thresholds(column, 255, weights),
        peer=lambda: binning._find_binning_thresholds(column, 255, weights),
        peer_name="scikit-learn's own",
        agree=lambda a, b: bool(np.array_equal(a, b)),
    )
