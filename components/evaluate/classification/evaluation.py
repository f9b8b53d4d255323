"""The evaluate stage for classes: test rows read once, beside baselines, with intervals and a report."""

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from components.common.errors import InputError, ParameterError
from components.common.files import read_json
from components.common.scores import INTERVAL_LEVEL
from components.common.scores_classification import require_two_classes
from components.common.tables import (
    Columns,
    read_batches,
    read_provenance,
    read_settings,
    read_table,
)
from components.common.telemetry import report_progress, stage
from components.evaluate import settings as common
from components.evaluate.classification.kinds import External, Kind, find_kind
from components.evaluate.classification.metrics import Scored, draw_curves, score_all
from components.evaluate.classification.outcome import LABEL, Model, predict_batches, write_outcome
from components.evaluate.classification.report import Evaluation, write_report
from components.evaluate.metrics_file import publish_metrics
from components.evaluate.training_section import count_splits


@dataclass(frozen=True)
class Settings(common.Settings):
    """How to evaluate; see also `components.evaluate.settings.Settings`.

    Attributes
    ----------
    headline : str
        Name of the score at the top of the report.
    """

    headline: str = "balanced_accuracy"


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
        When data set and model do not belong together, or the test rows are of one class only.
    """
    with stage("evaluate", output):
        history = read_json(model / "history.json")
        kind = find_kind(dataset / "dataset.parquet")
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
        Anything that predicts probabilities of classes.
    history : list of dict
        `epoch`, `train_loss` and `validation_loss` of each epoch; may be empty.
    """
    table = dataset / "dataset.parquet"
    kind, stored = find_kind(table), read_settings(table)
    _require_fit(table, stored, model, kind)
    baselines = kind.baselines(table, model, settings.seed)
    carried = [field.name for field in kind.fields]
    outcome = predict_batches(_test_rows(table, kind), model, baselines, kind.inputs, carried, kind.positive)
    require_two_classes(outcome.truth, outcome.classes, "The test split")
    draw = (settings.bootstrap, settings.seed)
    groups = outcome.columns[kind.group]
    scored = score_all(outcome, groups, *draw)
    extra = kind.extra_scores(outcome, *draw)
    curves = draw_curves(outcome, groups, kind.features, *draw)
    external, external_scored = None, None
    if settings.external:
        external = _validate(kind, table, settings, model, baselines)
        its_groups = external.outcome.columns[kind.group]
        external_scored = score_all(external.outcome, its_groups, *draw, small_sample=True)
    findings = kind.examine(model, outcome, stored)
    extra |= kind.found_scores(findings)

    evaluation = Evaluation(
        settings.title,
        settings.slug,
        settings.headline,
        read_provenance(table),
        kind,
        baselines.labels,
        outcome,
        scored,
        extra,
        curves,
        history,
        count_splits(table),
        draw,
        findings,
        external,
        external_scored,
    )
    return _write(output, evaluation)


def _write(output: Path, e: Evaluation) -> dict[str, Any]:
    output.mkdir(parents=True, exist_ok=True)
    write_outcome(output / "predictions.parquet", e.outcome, e.kind.fields, e.provenance)
    if (external := e.external) is not None:
        write_outcome(
            output / "external_predictions.parquet", external.outcome, e.kind.fields, external.provenance
        )
        external.rejections.write(output / "external_rejected.parquet", external.provenance)
    write_report(output / "report.html", e)
    return publish_metrics(output, _gather(e), len(e.outcome), len(e.outcome))


def _require_fit(table: Path, stored: dict[str, Any], model: Model, kind: Kind) -> None:
    classes = tuple(stored.get("classes", ()))
    if not model.classes or set(model.classes) != set(classes):
        raise InputError(
            f"The rows of {table} have the classes {', '.join(classes) or 'none'}, but the model knows "
            f"{', '.join(model.classes) or 'none'}.",
            "Evaluate the model on the data set that it was trained on.",
        )
    if kind.positive not in model.classes:
        raise InputError(
            f"{kind.positive} is looked for, but the model knows {', '.join(model.classes)}.",
            f"Let {kind.positive} be one of the classes.",
        )
    if kind.preparation(stored) != kind.preparation(model.preprocess_settings):
        raise InputError(
            f"The {kind.noun} of {table} were prepared otherwise than those that the model learnt from.",
            "Evaluate the model on the data set that it was trained on, or preprocess with the model's settings.",
        )


def _test_rows(table: Path, kind: Kind) -> Iterator[Columns]:
    rows = int((read_table(table, ["split"])["split"] == "test").sum())
    done = 0
    for batch in read_batches(table, split="test"):
        yield batch
        done += len(batch[LABEL])
        report_progress(done, rows, kind.noun)


def _validate(kind: Kind, table: Path, settings: Settings, model: Model, baselines: Any) -> External:
    if kind.external is None:
        raise ParameterError(f"There is no validation on external {kind.noun}.", "Leave external empty.")
    found = kind.external(table, Path(settings.external), model, baselines)
    require_two_classes(found.outcome.truth, found.outcome.classes, settings.external)
    return found


def _gather(e: Evaluation) -> dict[str, Any]:
    """Arrange everything as `metrics.json`."""
    own, baselines = e.scored.to_json()
    extra, _ = Scored(dict(e.extra), {}).to_json()
    metrics: dict[str, Any] = {
        "origin": e.provenance.origin,
        "target": LABEL,
        "headline": e.headline,
        "data": e.kind.name,
        "classes": list(e.outcome.classes),
        "positive": e.positive,
        "interval": INTERVAL_LEVEL,
        "rows": {
            "train": e.rows["train"],
            "test": len(e.outcome),
            "test_objects": int(np.unique(e.outcome.columns[e.kind.group]).size),
        },
        "scores": {**own, **extra},
        "baselines": baselines,
        "external": {},
        "external_baselines": {},
        "curves": e.curves.to_json(),
        "provenance": dataclasses.asdict(e.provenance),
    }
    if e.external is not None and e.external_scored is not None:
        metrics["external"], metrics["external_baselines"] = e.external_scored.to_json()
        metrics["rows"]["external"] = len(e.external.outcome)
        metrics["external_misses"] = _misses(e.external)
        metrics["external_provenance"] = dataclasses.asdict(e.external.provenance)
    return metrics


def _misses(external: External) -> list[dict[str, Any]]:
    outcome = external.outcome
    names: Sequence[str] = outcome.classes
    return [
        {
            "id": str(outcome.columns["id"][row]),
            "truth": names[outcome.truth[row]],
            "predicted": names[outcome.predictions.predicted[row]],
            "probability": float(outcome.probability[row].max()),
            "warnings": external.notes[row],
        }
        for row in np.flatnonzero(outcome.predictions.right == 0)
    ]
