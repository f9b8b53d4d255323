"""Run an exercise on this machine: each stage a process or a container, through `kfp.local`.

A run has a folder, `<home>/runs/<exercise>/<run id>/`: `run.json` (see `pipelines.records`), `run.log` (whatever
Kubeflow and the stages print), `events.jsonl`, `report.html`, and `artifacts/` with the outputs of the stages that
were executed. A stage whose code, parameters and inputs are those of an earlier run is not executed again: the
record refers to that run's outputs. When the run is over, also when it failed, it is published to the store.
"""

import contextlib
import os
import re
import shutil
import signal
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import psutil
from kfp import local
from rich.console import Console

from components.common import errors
from components.common.contents import content_hash
from components.common.files import read_json
from components.common.provenance import code_version
from components.common.stage_report import EXERCISE_VARIABLE, PRESET_VARIABLE, RUN_VARIABLE
from components.common.telemetry import EVENTS_VARIABLE
from pipelines.definition import Definition
from pipelines.display import display_for
from pipelines.home import cache_folder, checkpoints_folder, home
from pipelines.parameters import FILE_PARAMETERS, local_files
from pipelines.progress import Progress
from pipelines.records import Failure, Output, RunRecord, StageRecord
from pipelines.tasks import observed, stage_name, tasks_in_order

if TYPE_CHECKING:
    from pipelines.docker_engine import Containers

CHECKPOINTS_VARIABLE = "ARMILLARY_CHECKPOINTS"
"""Read by the training loop, which cannot be imported here: it brings torch along."""

PATIENT_THREADS = {"OMP_WAIT_POLICY": "PASSIVE"}
"""Threads of a stage sleep while they wait for each other. By default they spin, and on a laptop that does
something else besides, a training then takes several times as long."""

_SECONDS_TO_STOP = 5.0
_ERROR_LINE = re.compile(r"^\s*(?:[\w.]+\.)?(\w*(?:Error|Exception|Interrupt|Exit)): (.*)$", re.MULTILINE)

_SILENT_END = "Its process ended without a word: most often it was killed for want of memory."


def run_pipeline(
    definition: Definition,
    record: RunRecord,
    console: Console,
    environment: Mapping[str, str],
    use_cache: bool,
    containers: "Containers | None" = None,
) -> RunRecord:
    """Run all stages and write the record of the run; failures are recorded, not raised.

    Parameters
    ----------
    definition : Definition
        The exercise.
    record : RunRecord
        Its `run`, `exercise`, `preset` and `parameters`; completed here.
    console : Console
        Where a person watches.
    environment : mapping of str to str
        Variables for the stages, such as the address of the store.
    use_cache : bool
        Whether outputs of earlier runs may serve.
    containers : Containers, optional
        Run the stages in these; without, as processes.
    """
    folder = record.folder
    (folder / "tmp").mkdir(parents=True)
    record.code_version, record.contents = code_version(), content_hash()
    record.stages = [StageRecord(stage_name(task), task) for task in tasks_in_order(definition.pipeline)]
    record.write()
    progress = Progress(record.stages, folder / "events.jsonl")
    start = time.monotonic()
    variables = {
        **PATIENT_THREADS,
        **environment,
        EXERCISE_VARIABLE: record.exercise,
        PRESET_VARIABLE: record.preset,
        RUN_VARIABLE: record.run,
        EVENTS_VARIABLE: str(folder / "events.jsonl"),
        CHECKPOINTS_VARIABLE: str(checkpoints_folder()),
        "TMPDIR": str(folder / "tmp"),  # kfp leaves a folder behind for every task
    }
    try:
        with _interruptible(), _variables(variables), display_for(progress, console):
            _run(definition, record, progress, use_cache, containers)
    except KeyboardInterrupt:
        record.status = "interrupted"
    record.seconds = round(time.monotonic() - start, 3)
    _remove_unfinished(record)
    shutil.rmtree(folder / "tmp", ignore_errors=True)
    if record.status == "running":
        record.failure = _failure(record, progress)
        record.status = "failed" if record.failure else "succeeded"
    _take_results(record)
    record.write()
    return record


def _run(
    definition: Definition, record: RunRecord, progress: Progress, use_cache: bool, containers: "Containers | None"
) -> None:
    artifacts = record.folder / "artifacts"

    def end(task: str, succeeded: bool, outputs: Mapping[str, Path]) -> None:
        fresh = any(path.is_relative_to(artifacts) for path in outputs.values())
        stage = progress.finish(task, ("done" if fresh or not outputs else "cached") if succeeded else "failed")
        stage.outputs = {name: _output(record.exercise, stage.stage, path) for name, path in outputs.items()}
        record.write()  # another run that ends meanwhile prunes what no record needs

    others = set(psutil.Process().children(recursive=True))
    with (record.folder / "run.log").open("w", encoding="utf-8", buffering=1) as log:
        try:
            with (
                contextlib.redirect_stdout(log),
                contextlib.redirect_stderr(log),
                observed(progress.begin, end),
                _runner(containers, record) as runner,
            ):
                local.init(
                    runner=runner,
                    pipeline_root=str(artifacts),
                    workspace_root=str(record.folder / "tmp" / "workspace"),
                    raise_on_error=False,
                    enable_caching=use_cache,
                    cache_root=str(cache_folder()),
                )
                definition.pipeline(**record.parameters)
        except KeyboardInterrupt:
            _stop(set(psutil.Process().children(recursive=True)) - others)
            if stage := progress.running:
                progress.finish(stage.record.task, "interrupted")
            raise


@contextlib.contextmanager
def _runner(containers: "Containers | None", record: RunRecord) -> Iterator[Any]:
    if containers is None:
        yield local.SubprocessRunner(use_venv=False)
        return
    from pipelines.docker_runner import in_containers  # brings the Docker SDK along

    data = [path for name in FILE_PARAMETERS for path in local_files(str(record.parameters.get(name) or ""))]
    with in_containers(containers, home(), data) as runner:
        yield runner


def _output(slug: str, stage: str, path: Path) -> Output:
    relative = path.relative_to(home())
    run = relative.parts[2]  # runs/<slug>/<run>/artifacts/...: the run that made it, which may be an earlier one
    return Output(relative.as_posix(), f"runs/{slug}/{run}/{stage}/{path.name}")


def _stop(processes: set[psutil.Process]) -> None:
    """Ask the stage to end, so that it removes what it has half written; insist after a while.

    Not as Ctrl-C does: a run that a shell started in the background ignores that, and so do its stages.
    """
    for request in (signal.SIGTERM, signal.SIGKILL):
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(request)
        _, alive = psutil.wait_procs(processes, _SECONDS_TO_STOP)
        processes = set(alive)


def _remove_unfinished(record: RunRecord) -> None:
    """Remove the folder of a stage that did not end well: nobody shall take its outputs for whole."""
    for stage in record.stages:
        if stage.status in ("failed", "interrupted"):
            for folder in record.folder.glob(f"artifacts/*/{stage.task}"):
                shutil.rmtree(folder)


def _failure(record: RunRecord, progress: Progress) -> Failure | None:
    failed = next((stage for stage in progress.stages if stage.record.status == "failed"), None)
    if failed is None:
        return None
    log = (record.folder / "run.log").read_text(encoding="utf-8", errors="replace")
    kind, message = (_ERROR_LINE.findall(log) or [("", _SILENT_END)])[-1]
    error = getattr(errors, kind, None)
    code = error.exit_code if error and issubclass(error, errors.ArmillaryError) else 1
    failed.error = failed.error or message
    return Failure(failed.record.stage, failed.error, kind, failed.exit_code or code)


def _take_results(record: RunRecord) -> None:
    results = record.output("evaluate", "results")
    if results is None:
        return
    folder = home() / results.path
    metrics: dict[str, Any] = read_json(folder / "metrics.json")
    record.origin = metrics["origin"]
    record.scores, record.external = metrics["scores"], metrics["external"]
    report = record.folder / "report.html"
    shutil.copyfile(folder / "report.html", report)  # a copy, for it outlives the run whose outputs served
    record.report = report.relative_to(home()).as_posix()


@contextlib.contextmanager
def _variables(values: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """Treat a request to terminate as Ctrl-C."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
