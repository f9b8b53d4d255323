"""How far a run has come: fed by the runner and by the events that the stages write, read by the display."""

import json
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipelines.records import StageRecord, StageStatus


@dataclass
class StageProgress:
    """A stage as the display shows it."""

    record: StageRecord
    started: float = 0.0
    done: float = 0.0
    total: float = 0.0
    unit: str = ""
    values: dict[str, float | str] = field(default_factory=dict)
    error: str = ""
    exit_code: int = 0

    def seconds(self) -> float:
        """Wall time so far, or in all."""
        running = self.record.status == "running"
        return time.monotonic() - self.started if running else self.record.seconds

    def describe(self) -> str:
        """Say in a few words how far it is, or what it handled."""
        if self.record.status == "running" and self.total:
            values = "  ".join(f"{name} {_short(value)}" for name, value in self.values.items())
            done = f"{self.done:,.0f}" if float(self.done).is_integer() else f"{self.done:,.1f}"
            return f"{done}/{self.total:,.0f} {self.unit}  {values}".rstrip()
        if self.record.status == "done":
            return "  ".join(f"{name.replace('_', ' ')} {_short(n)}" for name, n in self.record.counts.items())
        return self.error if self.record.status == "failed" else ""


class Progress:
    """All stages of a run. Stages run one after another, so an event belongs to the one that runs."""

    def __init__(self, stages: Sequence[StageRecord], events: Path):
        self.stages = [StageProgress(record) for record in stages]
        self._events = events
        self._offset = 0
        self._lock = threading.Lock()  # the display reads while the runner runs

    def begin(self, task: str) -> None:
        """Note that a task starts."""
        stage = self._find(task)
        stage.started = time.monotonic()
        stage.record.status = "running"

    def finish(self, task: str, status: StageStatus) -> StageRecord:
        """Note how a task ended."""
        self.read_events()
        stage = self._find(task)
        stage.record.seconds = round(time.monotonic() - stage.started, 3)
        stage.record.status = status
        return stage.record

    @property
    def running(self) -> StageProgress | None:
        """The stage that runs now."""
        return next((stage for stage in self.stages if stage.record.status == "running"), None)

    def read_events(self) -> None:
        """Take in what the stages have written since the last time."""
        with self._lock:
            if not self._events.is_file():
                return
            with self._events.open("rb") as file:
                file.seek(self._offset)
                lines, newline, _ = file.read().rpartition(b"\n")  # a line may be half written
            self._offset += len(lines) + len(newline)
            for line in lines.splitlines():
                self._take(json.loads(line))

    def _take(self, event: dict[str, Any]) -> None:
        stage = self.running
        if stage is None:
            return
        match event["event"]:
            case "progress":
                stage.done, stage.total, stage.unit = event["done"], event["total"], event["unit"]
                stage.values = event["values"]
            case "counts":
                stage.record.counts.update(event["values"])
            case "warning":
                stage.record.warnings.append(event["message"])
            case "failed":
                stage.error, stage.exit_code = event["error"], event["exit_code"]
            case "end":
                stage.record.peak_memory_mb = event["peak_memory_mb"]

    def _find(self, task: str) -> StageProgress:
        return next(stage for stage in self.stages if stage.record.task == task)


def _short(value: float | str) -> str:
    if isinstance(value, str):
        return value
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:.4g}"
