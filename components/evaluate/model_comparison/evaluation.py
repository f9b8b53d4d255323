"""The evaluate stage where many models answer the same question: one table, one best model, one report."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from components.common.errors import InputError
from components.common.provenance import Provenance
from components.common.scores import INTERVAL_LEVEL, Score, to_json
from components.common.tables import column, read_provenance, read_settings, write_table
from components.common.telemetry import stage
from components.evaluate.metrics_file import publish_metrics
from components.evaluate.model_comparison.contest import Contenders, Contest, Entry, test_rows
from components.evaluate.model_comparison.exploration import explore
from components.evaluate.model_comparison.external import validate, write_external
from components.evaluate.model_comparison.findings import Findings
from components.evaluate.model_comparison.further import judge_further
from components.evaluate.model_comparison.page import write_report
from components.evaluate.model_comparison.pca import judge_components
from components.evaluate.model_comparison.scores import (
    BINNED_SCORES,
    HEADLINE,
    REDSHIFT,
    bin_confusion,
    confusion_edges,
    digits_of,
    outlier_roc,
)
from components.evaluate.regression import redshift
from components.evaluate.settings import Settings
from components.preprocess.spectra.preparation import Preparation
from components.train.regressors.features import TARGETS
from components.train.regressors.inference import RegressorModel, load_model
from components.train.regressors.several import best_of

FIELDS = (
    column("id", "string", "spectrum"),
    column("object_id", "string", "object on the sky"),
    column("group", "string", "what was split as a whole: the object, or its plate"),
    column("sn_median", "float32", "median signal-to-noise ratio per lattice pixel"),
    column("truth", "float64", "catalogue redshift"),
    column("redshift", "float64", "predicted by the model chosen on validation rows"),
    column("sigma", "float64", "half the central 68.27 % interval"),
    column("low68", "float64", "lower end of that interval"),
    column("high68", "float64", "upper end of that interval"),
    column("pit", "float64", "predicted probability below the catalogue redshift"),
    column("crps", "float64", "continuous ranked probability score"),
    column("truth_magnitude_r", "float64", "r magnitude in the fibre", "mag"),
    column("magnitude_r", "float64", "predicted", "mag"),
    column("magnitude_r_sigma", "float64", "half the central 68.27 % interval", "mag"),
    column("magnitude_r_pit", "float64", "predicted probability below the magnitude"),
    column("template_scan", "float64", "redshift by the template scan"),
)
"""Fields of `predictions.parquet`."""

_BINS = 5


def evaluate(dataset: Path, models: Path, output: Path, settings: Settings) -> dict[str, Any]:
    """Compare trained models on the test rows.

    Parameters
    ----------
    dataset : Path
        Folder that a preprocess stage wrote.
    models : Path
        Folder that a train stage wrote for this data set, with a model folder for each model.
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
        When there is no model, data set and models do not belong together, or there is nothing to evaluate on.
    """
    with stage("evaluate", output):
        table = dataset / "dataset.parquet"
        folders = sorted(path.parent for path in models.glob("*/model.json"))
        if not folders:
            raise InputError(f"There is no model in {models}.", "Give the folder `models` of a train stage.")
        every = [load_model(path) for path in folders]
        loaded = [model for model in every if model.targets == TARGETS]
        further = [model for model in every if model.targets != TARGETS]
        preparation = _require_same_preparation(table, loaded)
        contenders = Contenders.gather(table, loaded, preparation.grid.step, settings.seed)
        contest = contenders.answer(test_rows(table))
        findings = _judge(table, contest, contenders, preparation, settings)
        if further:
            findings = dataclasses.replace(
                findings, further=judge_further(table, further, settings.bootstrap, settings.seed)
            )
        metrics = _gather(findings, settings)
        output.mkdir(parents=True, exist_ok=True)
        _write_predictions(output / "predictions.parquet", contest, findings.best, findings.provenance)
        if findings.external is not None:
            write_external(output, findings.external)
        write_report(output / "report.html", findings)
        return publish_metrics(output, metrics, len(contest.labels["id"]), len(contest.labels["id"]))


def _judge(
    table: Path, contest: Contest, contenders: Contenders, preparation: Preparation, settings: Settings
) -> Findings:
    draw = (settings.bootstrap, settings.seed)
    models = [entry.model for entry in contest.entries if entry.model is not None]
    constant = contest.constant_scores(*draw)
    scored = [contest.scores(entry, *draw) for entry in contest.entries]
    scored = [
        {name: dataclasses.replace(s, baseline=constant[name].value) for name, s in found.items()}
        for found in scored
    ]
    chosen = [m.name for m in models].index(best_of({m.name: m.record for m in models}))
    best = contest.entries[chosen]
    truth = contest.labels["redshift"]
    edges = confusion_edges(contest.training["redshift"])
    return Findings(
        settings.title,
        settings.slug,
        read_provenance(table),
        preparation.grid,
        contest,
        chosen,
        scored,
        constant,
        contest.scores(contest.template_scan, *draw),
        {entry.name: outlier_roc(entry.columns["sigma"], entry.redshift(truth)) for entry in contest.entries},
        edges,
        bin_confusion(best.redshift(truth), edges),
        explore(table),
        judge_components(table, models),
        _by_feature(contest, best, settings),
        validate(table, Path(settings.external), contenders, chosen, *draw) if settings.external else None,
    )


def _by_feature(contest: Contest, best: Entry, settings: Settings) -> dict[str, list[dict[str, Any]]]:
    """Score the best model in bins of equally many test spectra."""
    found = {}
    for name in ("redshift", "sn_median"):
        quantity = contest.labels[name].astype(np.float64)
        digits = digits_of(quantity) if name == "redshift" else 0
        edges = np.unique(np.quantile(quantity, np.linspace(0, 1, _BINS + 1)).round(digits))
        unit = 10.0**-digits
        edges[[0, -1]] = np.floor(quantity.min() / unit) * unit, (np.floor(quantity.max() / unit) + 1) * unit
        found[name] = redshift.score_by(
            quantity,
            list(edges),
            best.redshift(contest.labels["redshift"]),
            contest.labels["group"],
            settings.bootstrap,
            settings.seed,
            REDSHIFT,
            BINNED_SCORES,
        )
    return found


def _require_same_preparation(table: Path, models: Sequence[RegressorModel]) -> Preparation:
    ours = Preparation.from_settings(read_settings(table))
    for model in models:
        its = Preparation.from_settings(model.preprocess_settings)
        if ours != its:
            raise InputError(
                f"The spectra of {table} were prepared with {ours.to_settings()}, but those that {model.name} "
                f"learnt from with {its.to_settings()}.",
                "Evaluate models on the data set that they were trained on.",
            )
    return ours


def _gather(f: Findings, settings: Settings) -> dict[str, Any]:
    """Arrange everything as `metrics.json`, in the schema of `evaluate/regression`."""
    risk = redshift.risk_coverage(f.best.columns["sigma"], f.best.redshift(f.contest.labels["redshift"]))
    return {
        "origin": f.provenance.origin,
        "target": "redshift",
        "headline": HEADLINE,
        "interval": INTERVAL_LEVEL,
        "rows": {
            "train": int(f.contest.training["redshift"].size),
            "test": len(f.contest.labels["id"]),
            "test_objects": int(np.unique(f.contest.labels["object_id"]).size),
            **({"external": int(f.external.within.sum())} if f.external is not None else {}),
        },
        "best": f.best.name,
        "scores": to_json(f.scored[f.chosen]),
        "baselines": {"constant": to_json(f.constant), "template_scan": to_json(f.scan)},
        "models": {
            entry.name: _model_json(entry, found) for entry, found in zip(f.contest.entries, f.scored, strict=True)
        },
        **(f.external.to_json() if f.external is not None else {"external": {}, "external_baselines": {}}),
        "further": {one.target: one.to_json() for one in f.further},
        "template_scan_cpu_seconds_per_1000": f.contest.scan_cpu_seconds_per_1000,
        "curves": {
            **{
                f"by_{name}": [
                    {key: value.to_json() if isinstance(value, Score) else value for key, value in row.items()}
                    for row in rows
                ]
                for name, rows in f.by_feature.items()
            },
            "risk_coverage": risk,
            "outlier_roc": {name: {"auc": c["auc"], "outliers": c["outliers"]} for name, c in f.roc.items()},
            "confusion": {"edges": f.confusion_edges.tolist(), "counts": f.confusion.tolist()},
            "pca": f.components.to_json() if f.components is not None else None,
        },
        "settings": dataclasses.asdict(settings),
        "provenance": dataclasses.asdict(f.provenance),
    }


def _model_json(entry: Entry, found: dict[str, Score]) -> dict[str, Any]:
    assert entry.model is not None
    record = entry.model.record
    return {
        "scores": to_json(found),
        "cost": record["cost"],
        "parameters": record["parameters"],
        "validation": record["validation"],
        "rows": record["rows"],
    }


def _write_predictions(path: Path, contest: Contest, best: Entry, provenance: Provenance) -> None:
    own = {
        **{name: contest.labels[name] for name in ("id", "object_id", "group", "sn_median")},
        "truth": contest.labels["redshift"],
        "truth_magnitude_r": contest.labels["magnitude_r"],
        **best.columns,
        "template_scan": contest.template_scan.columns["redshift"],
    }
    write_table(path, FIELDS, {field.name: own[field.name] for field in FIELDS}, provenance)
