"""The evaluate stage for redshifts: test rows read once, beside baselines, with intervals and a report."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from components.common.errors import InputError, ParameterError
from components.common.files import read_json
from components.common.provenance import Provenance
from components.common.scores import INTERVAL_LEVEL, Score
from components.common.scores import to_json as scores_to_json
from components.common.tables import (
    Columns,
    open_table,
    read_batches,
    read_provenance,
    read_settings,
    read_table,
)
from components.common.telemetry import report_progress, stage
from components.evaluate import settings as common
from components.evaluate.metrics_file import publish_metrics
from components.evaluate.regression.constant import best_constants
from components.evaluate.regression.kinds import Curves, External, Kind, find_kind
from components.evaluate.regression.metrics import Scored, score_all
from components.evaluate.regression.outcome import Baselines, Model, Outcome, predict_batches, write_outcome
from components.evaluate.training_section import count_splits

TARGETS = ("redshift",)


@dataclass(frozen=True)
class Settings(common.Settings):
    """How to evaluate; see also `components.evaluate.settings.Settings`.

    Attributes
    ----------
    target : {"redshift"}
        What the model predicts.
    """

    target: str = "redshift"

    def __post_init__(self) -> None:
        if self.target not in TARGETS:
            raise ParameterError(
                f"There are no scores for the target {self.target!r}.", f"Choose one of {', '.join(TARGETS)}."
            )
        super().__post_init__()


@dataclass(frozen=True)
class Evaluation:
    """Everything that the report tells.

    Attributes
    ----------
    title, slug : str
        Of the report, and of the exercise.
    provenance : Provenance
        Of the data.
    kind : Kind
        What the objects are.
    settings : dict
        Of the table.
    baselines : Baselines
        The simpler methods.
    outcome : Outcome
        What model and baselines say of the test rows.
    scored : Scored
        How good that is.
    extra : dict of str to Score
        Further scores of the kind.
    curves : object
        As of `Kind.draw_curves`.
    findings : object
        As of `Kind.examine`; None where there is none.
    history : sequence of dict
        `epoch`, `train_loss` and `validation_loss` of each epoch; may be empty.
    rows : mapping of str to int
        How many train, choose and test.
    external, external_scored : External and Scored, or None
        The same of objects from outside.
    """

    title: str
    slug: str
    provenance: Provenance
    kind: Kind
    settings: Mapping[str, Any]
    baselines: Baselines
    outcome: Outcome
    scored: Scored
    extra: Mapping[str, Score]
    curves: Any
    findings: Any
    history: Sequence[Mapping[str, Any]]
    rows: Mapping[str, int]
    external: Any = None
    external_scored: Scored | None = None


def evaluate(dataset: Path, model: Path, output: Path, settings: Settings) -> dict[str, Any]:
    """Evaluate a trained model on the test rows, and on real objects where there are some.

    Parameters
    ----------
    dataset : Path
        Folder that a preprocess stage wrote.
    model : Path
        Folder that a train stage wrote.
    output : Path
        Folder for `metrics.json`, `predictions.parquet` and `report.html`; with external objects also
        `external_predictions.parquet` and `external_rejected.parquet`.
    settings : Settings
        How to evaluate.

    Returns
    -------
    dict
        What `metrics.json` holds.

    Raises
    ------
    InputError
        When data set and model do not belong together, or there is nothing to evaluate on.
    """
    with stage("evaluate", output):
        history = read_json(model / "history.json")
        kind = _kind_of(dataset / "dataset.parquet")
        return evaluate_model(dataset, kind.load_model(model), output, settings, history)


def evaluate_model(
    dataset: Path, model: Model, output: Path, settings: Settings, history: list[dict[str, Any]]
) -> dict[str, Any]:
    """Evaluate a model in memory; see `evaluate`.

    Parameters
    ----------
    dataset, output, settings
        As for `evaluate`.
    model : Model
        Anything that predicts distributions.
    history : list of dict
        As of `Evaluation`.
    """
    table = dataset / "dataset.parquet"
    kind, stored = _kind_of(table), read_settings(table)
    _require_same_preparation(table, stored, model, kind)
    baselines = kind.fit_baselines(table, settings.seed)
    constant = best_constants(kind.scores, baselines.training_truth, settings.seed)[kind.headline]
    outcome = predict_batches(_test_rows(table, kind), model, baselines, constant, kind)
    draw = (settings.bootstrap, settings.seed)
    external: External | None = None
    external_scored = None
    if settings.external:
        external = kind.external(table, Path(settings.external), model, baselines, constant)
        external_scored = score_all(external.outcome, baselines.training_truth, *draw, rows=external.within)
    evaluation = Evaluation(
        settings.title,
        settings.slug,
        read_provenance(table),
        kind,
        stored,
        baselines,
        outcome,
        score_all(outcome, baselines.training_truth, *draw),
        kind.extra_scores(outcome, *draw) if kind.extra_scores else {},
        kind.draw_curves(outcome, stored, *draw),
        kind.examine(model, outcome, stored) if kind.examine else None,
        history,
        count_splits(table),
        external,
        external_scored,
    )
    output.mkdir(parents=True, exist_ok=True)
    write_outcome(output / "predictions.parquet", outcome, evaluation.provenance)
    if external is not None:
        external.write(output)
    kind.write_report(output / "report.html", evaluation)
    return publish_metrics(output, _gather(evaluation, settings.target), len(outcome.groups), len(outcome.groups))


def _kind_of(table: Path) -> Kind:
    with open_table(table) as file:
        return find_kind(file.schema_arrow.names)


def _require_same_preparation(table: Path, stored: Mapping[str, Any], model: Model, kind: Kind) -> None:
    if kind.preparation(stored) != kind.preparation(model.preprocess_settings):
        raise InputError(
            f"The {kind.noun} of {table} were prepared with {dict(stored)}, but those that the model learnt "
            f"from with {dict(model.preprocess_settings)}.",
            "Evaluate the model on the data set that it was trained on, or preprocess with the model's settings.",
        )


def _test_rows(table: Path, kind: Kind) -> Iterator[Columns]:
    rows = int((read_table(table, ["split"])["split"] == "test").sum())
    done = 0
    for batch in read_batches(table, split="test"):
        yield batch
        done += len(batch["redshift"])
        report_progress(done, rows, kind.noun)


def _gather(e: Evaluation, target: str) -> dict[str, Any]:
    """Arrange everything as `metrics.json`."""
    own, baselines = e.scored.to_json()
    curves: Curves = e.curves
    metrics: dict[str, Any] = {
        "origin": e.provenance.origin,
        "target": target,
        "headline": e.kind.headline,
        "data": e.kind.name,
        "interval": INTERVAL_LEVEL,
        "rows": {
            "train": int(e.baselines.training_truth.size),
            "test": len(e.outcome.groups),
            "test_objects": int(np.unique(e.outcome.groups).size),
        },
        "scores": {**own, **scores_to_json(e.extra)},
        "baselines": baselines,
        "external": {},
        "external_baselines": {},
        "curves": curves.to_json(),
        "provenance": dataclasses.asdict(e.provenance),
    }
    if e.external is not None and e.external_scored is not None:
        metrics["external"], metrics["external_baselines"] = e.external_scored.to_json()
        metrics["rows"]["external"] = int(e.external.within.sum())
        metrics["external_misses"] = e.external.misses()
        metrics["external_provenance"] = dataclasses.asdict(e.external.provenance)
    return metrics
