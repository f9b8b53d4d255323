"""The promote stage: the new model into the store, and the better one of two in use."""

import dataclasses
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from components.common.champions import Champion, move_champion, read_champion
from components.common.errors import InputError, ParameterError
from components.common.files import read_json
from components.common.models import Facts, Version, fetch_model, put_model, read_model_json
from components.common.stage_report import RUN_VARIABLE
from components.common.store import ConflictError, Store
from components.common.telemetry import report_counts, stage, warn
from components.promote.champion.decision import Decision, describe_improvement

ORIGINS = ("simulated", "semi-empirical", "real")
"""Least to most: what does well on invented data shall not displace what does well on the sky."""

ATTEMPTS = 5
"""As often a decision is taken anew when somebody else moves the pointer meanwhile."""


@dataclass(frozen=True)
class Settings:
    """How to decide.

    Attributes
    ----------
    slug : str
        Name of the exercise, as the command line spells it.
    bootstrap : int
        Resamples for the interval of the difference.
    seed : int
        Of the resampling.
    run : str
        Identifier of the run, for the record.
    """

    slug: str
    bootstrap: int = 1000
    seed: int = 0
    run: str = field(default_factory=lambda: os.environ.get(RUN_VARIABLE, ""))

    def __post_init__(self) -> None:
        if not self.slug:
            raise ParameterError("A model without the name of its exercise cannot be stored.", "Give slug.")
        if self.bootstrap < 1:
            raise ParameterError(
                f"bootstrap is {self.bootstrap}.", "Give a positive number of resamples, such as 1000."
            )


@dataclass(frozen=True)
class Challenger:
    """A new model as it is stored, and what its run left: the folders that ingest, train and evaluate wrote."""

    source: Path
    model: Path
    results: Path
    facts: Facts
    version: Version


def promote(source: Path, model: Path, results: Path, settings: Settings) -> Decision:
    """Store a model, compare it with the champion, and make it the champion if it is better or the first.

    The folder of the model is whole in the store before the pointer names it. Without a store, AWS_ENDPOINT_URL
    not being set, nothing is decided and a warning says so.

    Parameters
    ----------
    source : Path
        Folder that the ingest stage wrote.
    model : Path
        Folder that the train stage wrote.
    results : Path
        Folder that the evaluate stage wrote.
    settings : Settings
        How to decide.

    Raises
    ------
    StoreError
        When the store fails, the pointer is broken, or the champion that it names is not there.
    """
    with stage("promote"):
        facts = _facts(model, read_json(results / "metrics.json"), settings)
        store = Store.if_configured()
        if store is None:
            warn("No object store is configured (AWS_ENDPOINT_URL is not set), so there is no champion.")
            return Decision(settings.slug, "no store", False, "no object store is configured", facts)
        version = put_model(store, settings.slug, model, facts)
        decision = decide(store, Challenger(source, model, results, facts, version), settings)
        if decision.tested:
            compared = decision.comparison.objects if decision.comparison else 0
            report_counts(rows_in=decision.tested, rows_out=compared, left_out=sum(decision.left_out.values()))
        return decision


def decide(store: Store, challenger: Challenger, settings: Settings) -> Decision:
    """Compare with the champion and move the pointer if need be, anew for each champion that gets in between."""
    conflict: ConflictError | None = None
    for _ in range(ATTEMPTS):
        before = read_champion(store, settings.slug)
        decision = _judge(store, before, challenger, settings)
        if not decision.promoted or (before and before.version == challenger.version.version):
            return decision
        difference = decision.comparison.difference if decision.comparison else None
        try:
            move_champion(store, settings.slug, before, challenger.version, decision.reason, difference)
        except ConflictError as error:
            conflict = error
            continue
        return decision
    assert conflict is not None
    raise conflict


def _judge(store: Store, before: Champion | None, challenger: Challenger, settings: Settings) -> Decision:
    version, facts = challenger.version, challenger.facts
    if (check := facts.parameters["preprocess"].get("check")) and not (
        before and before.version == version.version
    ):
        return Decision(settings.slug, "no candidate", False, check, facts, version, before)
    if before is None:
        return Decision(settings.slug, "first model", True, "first model", facts, version)
    if before.version == version.version:
        # The pod that promoted it may have been lost before it could say so: this is its successor then.
        again = bool(settings.run) and before.run == settings.run
        reason = str(before.history[-1]["reason"]) if again else "this same model"
        return Decision(settings.slug, "champion already", again, reason, facts, version, before)
    if _rank(facts.origin) < _rank(before.origin):
        reason = f"this model was tested on {facts.origin} data, the champion on {before.origin} data"
        return Decision(settings.slug, "other origin", False, reason, facts, version, before)
    return _compare(store, before, challenger, settings)


def _compare(store: Store, before: Champion, challenger: Challenger, settings: Settings) -> Decision:
    # Imported here: most runs on a laptop have nothing to compare, and need not wait for scores and tables.
    from components.promote.champion.trial import Trial, hold_trial

    with tempfile.TemporaryDirectory() as folder:
        champion = fetch_model(store, settings.slug, before.version, Path(folder) / "champion")
        try:
            trial = hold_trial(
                champion,
                challenger.model,
                challenger.source,
                challenger.results,
                str(challenger.facts.headline["name"]),
                settings.bootstrap,
                settings.seed,
            )
        except InputError as error:
            # Such as a champion that another version of the software wrote. What was trained is in the store all
            # the same, and no champion is displaced unheard: this is for a person to decide.
            warn(
                f"This model could not be compared with the champion {before.version}. {error.problem} "
                f"{error.remedy} `armillary models promote {settings.slug} VERSION` chooses another champion."
            )
            trial = Trial(None, error.problem.removesuffix("."))
    decision = Decision(
        settings.slug,
        "not compared",
        False,
        f"not compared: {trial.why_not}",
        challenger.facts,
        challenger.version,
        before,
        tested=trial.tested,
        left_out=trial.left_out,
    )
    found = trial.comparison
    if found is None:
        return decision
    words = describe_improvement(found)
    if found.is_better:
        return dataclasses.replace(decision, outcome="better", promoted=True, reason=words, comparison=found)
    reason = f"no sure {words}"
    return dataclasses.replace(decision, outcome="not better", reason=reason, comparison=found)


def _facts(model: Path, metrics: Mapping[str, Any], settings: Settings) -> Facts:
    described = read_model_json(model)
    scores = metrics["scores"]
    name = metrics["headline"]
    headline = scores.get(name, {})
    return Facts(
        run=settings.run,
        origin=metrics["origin"],
        headline={"name": name, **{key: headline.get(key) for key in ("value", "low", "high")}},
        scores=scores,
        parameters={
            "preprocess": described.get("preprocess", {}),
            "training": described.get("training", {}).get("settings", {}),
        },
        kind=str(described.get("kind", "")),
    )


def _rank(origin: str) -> int:
    return ORIGINS.index(origin) if origin in ORIGINS else 0
