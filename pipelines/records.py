"""The record of a run: `run.json`, in the run's folder and in the store. Its schema is the classes below.

`format` is raised when a reader of older records would misunderstand newer ones.
"""

import dataclasses
import datetime
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import psutil

from components.common.files import read_json, write_json
from pipelines.home import runs_folder

Status = Literal["running", "succeeded", "failed", "interrupted", "killed"]
StageStatus = Literal["waiting", "running", "done", "cached", "failed", "interrupted"]

RECORD_FORMAT = 1


@dataclass
class Output:
    """What a stage wrote: where it lies on this machine, relative to the home folder, and in the store."""

    path: str
    key: str


@dataclass
class StageRecord:
    """One stage of a run.

    Attributes
    ----------
    stage, task : str
        Name for people, such as `train`, and name of the Kubeflow task, such as `train-conv1d`.
    status : str
        `cached` when an earlier run's outputs serve; they are then recorded by reference to that run.
    seconds : float
        Wall time, the start of its process included.
    peak_memory_mb : int
        Peak resident memory of its process; 0 when unknown.
    counts : dict of str to float
        What it said it handled, such as `rows_in` and `rejected`.
    warnings : list of str
        What it wanted a person to know.
    outputs : dict of str to Output
        By name of the artifact.
    """

    stage: str
    task: str
    status: StageStatus = "waiting"
    seconds: float = 0.0
    peak_memory_mb: int = 0
    counts: dict[str, float] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    outputs: dict[str, Output] = field(default_factory=dict)


@dataclass
class Failure:
    """Why a run failed: the stage, its words, the error's class and the exit code that stands for it."""

    stage: str
    error: str
    kind: str
    exit_code: int


@dataclass
class RunRecord:
    """One run of an exercise.

    Attributes
    ----------
    run : str
        Identifier: time of the start, UTC, the fraction of the second in hexadecimal. Sorts by time.
    exercise, preset : str
        What was run.
    parameters : dict
        Every parameter of the pipeline with its value.
    status : str
        How it ended. A run that was killed cannot say so: its record still says `running`, and is read as `killed`
        when its process is gone.
    started : str
        ISO 8601, UTC.
    seconds : float
        Wall time of the pipeline.
    code_version, contents : str
        Version of the distribution, and hash of components and locked versions (the tag of the images).
    origin : str
        Origin of the data: `real`, `semi-empirical` or `simulated`; empty when it failed before it could say.
    scores, external : dict
        As in the `metrics.json` of evaluate: by name, `{value, low, high, baseline, published}`.
    headline : str
        Name of the score that the exercise is judged by.
    report : str
        Path of the report, relative to the home folder.
    stages : list of StageRecord
        In order.
    failure : Failure or None
        Set when `status` is `failed`.
    process : int
        Process that runs or ran it.
    """

    run: str
    exercise: str
    preset: str
    parameters: dict[str, Any]
    status: Status = "running"
    started: str = field(default_factory=lambda: _now().isoformat(timespec="seconds"))
    seconds: float = 0.0
    code_version: str = ""
    contents: str = ""
    origin: str = ""
    scores: dict[str, dict[str, float | None]] = field(default_factory=dict)
    external: dict[str, dict[str, float | None]] = field(default_factory=dict)
    headline: str = ""
    report: str = ""
    stages: list[StageRecord] = field(default_factory=list)
    failure: Failure | None = None
    process: int = field(default_factory=os.getpid)
    format: int = RECORD_FORMAT

    @property
    def folder(self) -> Path:
        """Folder of the run on this machine, which may be gone."""
        return runs_folder(self.exercise) / self.run

    @property
    def key(self) -> str:
        """Prefix of the run in the store."""
        return f"runs/{self.exercise}/{self.run}"

    def output(self, stage: str, name: str) -> Output | None:
        """Return what a stage wrote under a name, or None."""
        return next((s.outputs[name] for s in self.stages if s.stage == stage and name in s.outputs), None)

    def to_json(self) -> dict[str, Any]:
        """Return the record as JSON-able values."""
        return dataclasses.asdict(self)

    def write(self) -> None:
        """Write `run.json` into the run's folder."""
        write_json(self.folder / "run.json", self.to_json())


def new_run_id() -> str:
    """Return an identifier that sorts by time, to 15 microseconds: nobody starts two runs within that."""
    now = _now()
    return f"{now:%Y%m%d-%H%M%S}-{now.microsecond * 0x10000 // 1_000_000:04x}"


def from_json(values: dict[str, Any]) -> RunRecord:
    """Build the record that `to_json` described; fields that this version does not know are left out."""
    known = {f.name for f in dataclasses.fields(RunRecord)}
    record = RunRecord(**{name: value for name, value in values.items() if name in known})
    record.stages = [_stage(stage) for stage in values.get("stages", [])]
    record.failure = Failure(**values["failure"]) if values.get("failure") else None
    return record


def read_record(path: Path) -> RunRecord:
    """Read a `run.json` of this machine."""
    record = from_json(read_json(path))
    if record.status == "running" and not psutil.pid_exists(record.process):
        record.status = "killed"
    return record


def _stage(values: dict[str, Any]) -> StageRecord:
    outputs = {name: Output(**output) for name, output in values["outputs"].items()}
    return StageRecord(**{**values, "outputs": outputs})


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)
