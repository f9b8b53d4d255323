"""The evaluate stage for regressions: test rows read once, beside baselines, with intervals and a report."""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from components.common.errors import InputError, ParameterError
from components.common.files import read_json, write_json
from components.common.provenance import Provenance
from components.common.scores import INTERVAL_LEVEL
from components.common.tables import Columns, read_batches, read_provenance, read_settings, read_table
from components.common.telemetry import report_counts, report_progress, report_scores, stage
from components.evaluate.regression import redshift
from components.evaluate.regression.baselines import Baselines
from components.evaluate.regression.constant import best_constants
from components.evaluate.regression.external import External, validate, write_external
from components.evaluate.regression.metrics import Curves, Scored, draw_curves, score_all
from components.evaluate.regression.outcome import (
    Model,
    Outcome,
    predict_batches,
    read_training,
    write_outcome,
)
from components.evaluate.regression.redshift_report import Evaluation, write_report
from components.preprocess.spectra.preparation import Preparation

TARGETS = ("redshift",)

_COLUMNS = ("id", "object_id", "redshift", "zwarning", "is_bal", "sn_median", "flux", "ivar")


@dataclass(frozen=True)
class Settings:
    """How to evaluate.

    Attributes
    ----------
    target : {"redshift"}
        What the model predicts.
    seed : int
        Of the bootstrap and of the baselines.
    bootstrap : int
        Resamples for the intervals.
    external : str
        Folder of real spectra to validate on besides; empty for none.
    data_version : str
        Opaque. Change it to have unchanged settings run anew, because the external files changed.
    title : str
        Title of the report.
    slug : str
        Name of the exercise, as the command line spells it.
    """

    target: str = "redshift"
    seed: int = 0
    bootstrap: int = 1000
    external: str = ""
    data_version: str = ""
    title: str = "Redshifts of quasars"
    slug: str = "quasar-redshift"

    def __post_init__(self) -> None:
        if self.target not in TARGETS:
            raise ParameterError(
                f"There are no scores for the target {self.target!r}.", f"Choose one of {', '.join(TARGETS)}."
            )
        if self.bootstrap < 1:
            raise ParameterError(
                f"bootstrap is {self.bootstrap}.", "Give a positive number of resamples, such as 1000."
            )
        if self.external and not Path(self.external).is_dir():
            raise InputError(
                f"There is no folder {self.external}.", "Set external to a folder of spectra, or leave it empty."
            )


def evaluate(dataset: Path, model: Path, output: Path, settings: Settings) -> dict[str, Any]:
    """Evaluate a trained model on the test rows, and on real spectra where there are some.

    Parameters
    ----------
    dataset : Path
        Folder that a preprocess stage wrote.
    model : Path
        Folder that a train stage wrote.
    output : Path
        Folder for `metrics.json`, `predictions.parquet` and `report.html`; with external spectra also
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
    from components.train.conv1d.inference import load_model  # torch is slow to import: first look at the rest

    with stage("evaluate", output):
        history = read_json(model / "history.json")
        return evaluate_model(dataset, load_model(model), output, settings, history)


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
        `epoch`, `train_loss` and `validation_loss` of each epoch; may be empty.
    """
    table = dataset / "dataset.parquet"
    preparation = _require_same_preparation(table, model)
    step, grid = preparation.grid.step, preparation.grid
    spectra, labels, training_truth = read_training(table, step, settings.seed)
    baselines = Baselines(spectra, labels, settings.seed)
    constant = best_constants(redshift.SCORES, training_truth, settings.seed)[redshift.HEADLINE]

    outcome = predict_batches(_test_rows(table), model, baselines, constant, step)
    draw = (settings.bootstrap, settings.seed)
    scored = score_all(outcome, training_truth, *draw)
    curves = draw_curves(outcome, (float(grid.wavelength_angstrom[0]), float(grid.wavelength_angstrom[-1])), *draw)
    external, external_scored = None, None
    if settings.external:
        external = validate(Path(settings.external), model, baselines, constant, step)
        external_scored = score_all(external.outcome, training_truth, *draw, rows=external.within)

    provenance = read_provenance(table)
    metrics = _gather(
        settings, provenance, training_truth.size, outcome, scored, curves, external, external_scored
    )
    output.mkdir(parents=True, exist_ok=True)
    write_outcome(output / "predictions.parquet", outcome, provenance)
    if external is not None:
        write_external(output, external)
    write_report(
        output / "report.html",
        Evaluation(
            settings.title,
            settings.slug,
            provenance,
            grid,
            outcome,
            scored,
            curves,
            history,
            external,
            external_scored,
        ),
    )
    write_json(output / "metrics.json", metrics)  # last: whoever finds it finds the rest
    report_counts(rows_in=len(outcome.groups), rows_out=len(outcome.groups), rejected=0)
    written: dict[str, Any] = read_json(output / "metrics.json")
    report_scores(written["scores"], written["origin"])
    return written


def headline_metrics(metrics: dict[str, Any]) -> dict[str, float]:
    """Return the scalar metrics that the Kubeflow UI lists: values only, those of real spectra with a prefix."""
    found = {name: entry["value"] for name, entry in metrics["scores"].items()}
    return found | {f"external_{name}": entry["value"] for name, entry in metrics["external"].items()}


def _require_same_preparation(table: Path, model: Model) -> Preparation:
    ours = Preparation.from_settings(read_settings(table))
    its = Preparation.from_settings(model.preprocess_settings)
    if ours != its:
        raise InputError(
            f"The spectra of {table} were prepared with {ours.to_settings()}, but those that the model learnt "
            f"from with {its.to_settings()}.",
            "Evaluate the model on the data set that it was trained on, or preprocess with the model's settings.",
        )
    return ours


def _test_rows(table: Path) -> Iterator[Columns]:
    rows = int((read_table(table, ["split"])["split"] == "test").sum())
    done = 0
    for batch in read_batches(table, _COLUMNS, "test"):
        yield batch
        done += len(batch["id"])
        report_progress(done, rows, "spectra")


def _gather(
    settings: Settings,
    provenance: Provenance,
    training_rows: int,
    outcome: Outcome,
    scored: Scored,
    curves: Curves,
    external: External | None,
    external_scored: Scored | None,
) -> dict[str, Any]:
    """Arrange everything as `metrics.json`."""
    own, baselines = scored.to_json()
    metrics: dict[str, Any] = {
        "origin": provenance.origin,
        "target": settings.target,
        "interval": INTERVAL_LEVEL,
        "rows": {
            "train": training_rows,
            "test": len(outcome.groups),
            "test_objects": int(np.unique(outcome.groups).size),
        },
        "scores": own,
        "baselines": baselines,
        "external": {},
        "external_baselines": {},
        "curves": curves.to_json(),
        "provenance": dataclasses.asdict(provenance),
    }
    if external is not None and external_scored is not None:
        metrics["external"], metrics["external_baselines"] = external_scored.to_json()
        metrics["rows"]["external"] = int(external.within.sum())
        metrics["external_misses"] = external.misses()
        metrics["external_provenance"] = dataclasses.asdict(external.provenance)
    return metrics
