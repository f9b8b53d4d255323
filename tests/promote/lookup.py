"""A kind of model as small as one can be, and the folders that a run of it leaves, to test decisions with.

A model adds noise to the truth: `noise` km/s, drawn by `seed`. It refuses the objects that it is told to.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from components.common.files import read_json, write_json
from components.common.provenance import Provenance
from components.common.scores import Predictions
from components.common.tables import column, read_table, write_table
from components.evaluate.regression import redshift
from components.promote.champion.answers import Answers, Applied, Kind
from components.promote.champion.promotion import Settings

HEADLINE = "accuracy_6000_km_s"
ROWS = 400
SPLIT = {"validation_fraction": 0.2, "test_fraction": 0.5, "seed": 3}
PROVENANCE = {origin: Provenance(origin, "a test", seed=8) for origin in ("simulated", "semi-empirical", "real")}


def predictions_of(model: Path, names: Sequence[str], truth: np.ndarray) -> Predictions:
    described = read_json(model / "model.json")
    draws = np.random.default_rng(described["seed"]).standard_normal(ROWS)
    number = np.array([int(name.rpartition("-")[2]) for name in names], dtype=int)
    return Predictions.of_points(truth, truth + (1 + truth) * described["noise"] / 299792.458 * draws[number])


def read(results: Path) -> Answers:
    table = read_table(results / "predictions.parquet")
    return Answers(table["id"], table["object_id"], Predictions.of_points(table["truth"], table["redshift"]))


def apply(model: Path, source: Path, objects: Answers) -> Applied:
    refused = read_json(model / "model.json")["refuses"]
    known = read_table(source / "dataset.parquet", ["id", "redshift"])
    truth = dict(zip(known["id"], known["redshift"], strict=True))
    rows = np.flatnonzero([int(name.rpartition("-")[2]) >= refused for name in objects.ids])
    names = objects.ids[rows]
    return Applied(rows, predictions_of(model, names, np.array([truth[name] for name in names])))


LOOKUP = Kind(redshift.SCORES, read, apply)


class Run:
    """The folders of one run: `source`, `model`, `results`.

    Parameters
    ----------
    folder : Path
        Where to.
    noise : float
        Of the model, km/s.
    seed : int
        Of the model's noise.
    origin : str
        Of the data.
    kind : str
        Of the model.
    split : dict or None
        How the model's objects were split.
    tested : int
        Number of test objects in the results; they are those that `SPLIT` tests, unless `everything`.
    everything : bool
        Test all objects, as if another split had put them all there.
    refuses : int
        The first so many objects cannot be used by the model.
    headline : str
        Score that the evaluation leads with.
    check : str
        Why the model is no candidate.
    """

    def __init__(
        self, folder: Path, noise: float, seed: int = 1, *, origin: Any = "simulated", kind: str = "lookup",
        split: dict[str, Any] | None = SPLIT, tested: int = ROWS, everything: bool = False, refuses: int = 0,
        headline: str = HEADLINE, check: str = "",
    ):  # fmt: skip
        from components.common.splits import splits_of

        self.source, self.model, self.results = folder / "source", folder / "model", folder / "results"
        numbers = np.arange(ROWS)
        names = np.array([f"object-{n}" for n in numbers], dtype=object)
        truth = np.random.default_rng(5).uniform(0.5, 3, ROWS)
        provenance = PROVENANCE[origin]
        fields = [column("id", "string", ""), column("object_id", "string", "")]
        labels = [*fields, column("redshift", "float64", "")]
        data = {"id": names, "object_id": names, "redshift": truth}
        write_table(self.source / "dataset.parquet", labels, data, provenance)
        described = {
            "kind": kind, "target": "redshift", "noise": noise, "seed": seed, "refuses": refuses,
            "preprocess": ({} if split is None else {"split": split}) | ({"check": check} if check else {}),
            "training": {"data": provenance.to_json(), "settings": {"epochs": 2}},
        }  # fmt: skip
        write_json(self.model / "model.json", described)
        inside = np.flatnonzero((splits_of(names, **SPLIT) == "test") | everything)[:tested]
        found = predictions_of(self.model, names[inside], truth[inside])
        answers = {"id": names[inside], "object_id": names[inside], "truth": found.truth, "redshift": found.value}
        more = [column("truth", "float64", ""), column("redshift", "float64", "")]
        write_table(self.results / "predictions.parquet", [*fields, *more], answers, provenance)
        score = float(np.mean(np.abs(redshift.velocity_km_s(found.value, found.truth)) < 6000))
        scores = {HEADLINE: {"value": score, "low": score - 0.05, "high": score + 0.05}}
        metrics = {"origin": origin, "headline": headline, "scores": scores}
        metrics["provenance"] = json.loads(provenance.to_json())
        write_json(self.results / "metrics.json", metrics)
        self.objects = inside.size

    @property
    def folders(self) -> tuple[Path, Path, Path]:
        return self.source, self.model, self.results


def settings(run: str = "", **changes: Any) -> Settings:
    return Settings(**{"slug": "lookups", "seed": 4, "run": run, **changes})
