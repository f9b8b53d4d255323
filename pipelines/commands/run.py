"""`armillary run`: one exercise, from its data to its report."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rich.console import Console

from components.common.errors import ParameterError, StoreError
from components.common.files import read_json
from pipelines.catalogue import find, suggest
from pipelines.definition import Definition
from pipelines.home import home
from pipelines.records import RunRecord, new_run_id
from pipelines.terminal import format_number, format_score, open_console, print_table, say

if TYPE_CHECKING:
    from pipelines.docker_engine import Containers

RUNNERS = ("process", "docker")
INTERRUPTED = 130
_SCORE_FIELDS = ("value", "low", "high", "baseline", "published")


def run(
    slug: str,
    preset: str,
    settings: Mapping[str, Any],
    *,
    runner: str,
    use_cache: bool,
    as_json: bool,
    dev: bool = False,
    memory: str = "",
) -> int:
    """Run an exercise, publish the run, tell the result; return the exit code."""
    exercise = find(slug)
    if runner not in RUNNERS:
        raise ParameterError(f"There is no runner {runner!r}.", suggest(runner, list(RUNNERS)))
    if runner != "docker" and (dev or memory):
        raise ParameterError("--dev and --memory are about containers.", "Add --runner docker, or leave them out.")
    console = open_console(stderr=as_json)
    say(console, f"{exercise.title}: preset {preset}")

    # Imported here, because kfp takes a second and the line above should not wait for it.
    from pipelines.parameters import resolve

    definition = exercise.load()
    parameters = resolve(definition, preset, settings)
    containers = _prepare(definition, dev, memory, console) if runner == "docker" else None

    from pipelines.local import run_pipeline
    from pipelines.stores import open_store

    record = RunRecord(new_run_id(), slug, preset, parameters, headline=definition.headline)
    say(console, f"run {record.run} in {record.folder}")
    code = 0
    with open_store() as opened:
        run_pipeline(definition, record, console, opened.environment, use_cache, containers)
        tell(definition, record, console)
        try:
            _store(record, opened.store, opened.embedded)
        except StoreError as error:
            code = _tell_unpublished(console, error)
    if as_json:
        print(json.dumps(_as_json(record), allow_nan=False), flush=True)
    return _exit_code(record) or code


def _prepare(definition: Definition, dev: bool, memory: str, console: Console) -> "Containers":
    from pipelines.docker_engine import prepare

    containers = prepare(definition.pipeline, dev, memory)
    for note in containers.notes:
        say(console, note, style="dim")
    return containers


def tell(definition: Definition, record: RunRecord, console: Console) -> None:
    """Print how a run ended: its scores and report, or what went wrong and where to read about it."""
    for stage in record.stages:
        for warning in stage.warnings:
            say(console, f"{stage.stage}: {warning}", style="yellow")
    if record.failure:
        if record.scores:  # the model is trained and judged, and only what comes after that failed
            tell_scores(definition, record, console)
            say(console, f"report: {home() / record.report}", style="bold")
        say(console, f"The stage {record.failure.stage} failed. {record.failure.error}", style="bold red")
        say(console, f"log: {record.folder / 'run.log'}")
    elif record.status == "interrupted":
        say(console, "Interrupted. Stages that were done are kept: the same command continues after them.")
    else:
        tell_scores(definition, record, console)
        tell_decision(record, console)
        say(console, f"report: {home() / record.report}", style="bold")


def tell_decision(record: RunRecord, console: Console) -> None:
    """Print in one line which model is the champion now, and why."""
    decision = record.output("promote", "decision")
    if decision:
        say(console, read_json(home() / decision.path)["summary"])


def tell_scores(definition: Definition, record: RunRecord, console: Console) -> None:
    """Print the scores that matter most, beside the baseline (mostly a constant) and the published values."""
    say(console, "")
    _tell_table("test set", f"origin {record.origin}", definition, record.scores, console)
    if record.external:
        _tell_table("external data", "scored apart", definition, record.external, console)
    if any(score.get("published") is not None for score in record.scores.values()):
        say(console, definition.comparability, style="dim")


def _tell_table(
    title: str, note: str, definition: Definition, scores: dict[str, dict[str, float | None]], console: Console
) -> None:
    names = [name for name in definition.scores if name in scores]
    beside = [key for key in ("baseline", "published") if any(scores[name].get(key) is not None for name in names)]
    rows = [
        [name, format_score(scores[name]), *(format_number(scores[name].get(key)) for key in beside)]
        for name in names
    ]
    print_table(console, [f"{title} ({note})", "value [95 % interval]", *beside], rows)
    say(console, "")


def _store(record: RunRecord, store: Any, embedded: bool) -> None:
    from pipelines.publishing import prune, publish

    publish(record, store)
    prune(record.exercise, store if embedded else None)


def _tell_unpublished(console: Console, error: StoreError) -> int:
    say(console, f"The run is on this machine but not in the store. {error}", style="bold red")
    return error.exit_code


def _exit_code(record: RunRecord) -> int:
    if record.status == "interrupted":
        return INTERRUPTED
    return record.failure.exit_code if record.failure else 0


def _as_json(record: RunRecord) -> dict[str, Any]:
    result: dict[str, Any] = {
        "run": record.run,
        "exercise": record.exercise,
        "preset": record.preset,
        "origin": record.origin or None,
        "seconds": record.seconds,
        "report": str(home() / record.report) if record.report else None,
        "scores": _five_fields(record.scores),
        "external": _five_fields(record.external),
    }
    return result | ({"error": record.failure.error} if record.failure else {})


def _five_fields(scores: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    return {name: {key: score.get(key) for key in _SCORE_FIELDS} for name, score in scores.items()}
