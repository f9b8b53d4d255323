"""What a stage tells the outside while it runs: events, metrics, and its failure.

Events are one a line, to the file that `ARMILLARY_EVENTS` names and from which the runner draws the live lines,
else to standard error: in a pod, or when a stage is called alone, they are plain log lines. Metrics go to the
Pushgateway that `ARMILLARY_PUSHGATEWAY` names, if any; a failure also leaves a record in the store, if there is
one.
"""

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, Literal

from components.common.errors import ArmillaryError
from components.common.stage_report import ScoreValues, StageReport

EVENTS_VARIABLE = "ARMILLARY_EVENTS"
PUSHGATEWAY_VARIABLE = "ARMILLARY_PUSHGATEWAY"
_SECONDS_BETWEEN_LOG_LINES = 5.0
_SECONDS_BETWEEN_EPOCHS = 5.0
_last_line = 0.0


class _Running:
    """The stages that run in this process, innermost last, and what has become of the gateway and of failures."""

    def __init__(self) -> None:
        self.reports: list[StageReport] = []
        self.gateway_failed = False
        self.last_epoch = float("-inf")
        self.failure_told = False
        self.someone_waits = False


_running = _Running()


def report_progress(done: float, total: float, unit: str, **values: float | str) -> None:
    """Say how far the stage has come.

    Parameters
    ----------
    done, total : float
        Amount of work done and in all, in `unit` ("spectra", "epochs", "files").
    **values
        What else is worth a glance, such as `loss=0.31`.
    """
    _emit({"event": "progress", "done": done, "total": total, "unit": unit, "values": values})


def report_counts(**counts: float) -> None:
    """Say what the stage handled: `rows_in`, `rows_out`, `rejected`, `bytes`, ..."""
    if _running.reports:
        _running.reports[-1].counts.update(counts)
    _emit({"event": "counts", "values": counts})


def report_scores(scores: Mapping[str, ScoreValues], origin: str) -> None:
    """Say how good the answers are.

    Parameters
    ----------
    scores : mapping of str to mapping
        As in `metrics.json`: by name `value`, and where they are known `low`, `high` and `baseline`.
    origin : {"real", "semi-empirical", "simulated"}
        Of the data that they were found on.
    """
    if _running.reports:
        _running.reports[-1].scores.update(scores)
        _running.reports[-1].origin = origin
    _emit({"event": "scores", "origin": origin, "values": {name: s.get("value") for name, s in scores.items()}})


def report_epoch(epoch: int, train_loss: float, validation_loss: float) -> None:
    """Say what an epoch brought, for the curves that are watched from outside.

    Its line in the log is that of `report_progress`, which also knows how many there will be.
    """
    if not _running.reports:
        return
    report = _running.reports[-1]
    report.epochs, report.losses = epoch, {"train": train_loss, "validation": validation_loss}
    due = time.monotonic() - _running.last_epoch >= _SECONDS_BETWEEN_EPOCHS
    if due and not _running.gateway_failed:
        _running.last_epoch = time.monotonic()
        _push(report, "epoch")


def warn(message: str) -> None:
    """Tell the person at the keyboard something that does not stop the stage."""
    _emit({"event": "warning", "message": message})


@contextmanager
def for_a_person() -> Iterator[None]:
    """Log progress and warnings alone, as sentences: who waits at a terminal is told the rest by the command."""
    _running.someone_waits = True
    try:
        yield
    finally:
        _running.someone_waits = False


@contextmanager
def stage(name: str, *outputs: Path) -> Iterator[None]:
    """Report begin, end, duration and peak memory of a stage, and its failure in one plain line.

    A request to terminate (SIGTERM) becomes `KeyboardInterrupt`, so that the stage can tidy up and tell.

    Parameters
    ----------
    name : str
        Such as `train`, or `ingest-3` for a shard.
    *outputs : Path
        What it writes, to be measured when it has ended well.
    """
    report = StageReport(name, outputs)
    if not _running.reports:
        _running.gateway_failed, _running.last_epoch = False, float("-inf")
    _running.reports.append(report)
    _emit({"event": "begin", "stage": name})
    try:
        with failures_told(name):
            yield
        _emit(
            {
                "event": "end",
                "stage": name,
                "seconds": round(report.seconds, 3),
                "peak_memory_mb": round(report.peak_memory_bytes / 2**20),
            }
        )
        _push(report, "success")
    finally:
        _running.reports.remove(report)


@contextmanager
def failures_told(name: str) -> Iterator[None]:
    """Tell a failure of the block as that of the stage `name`, unless a block inside has told it already."""
    _running.failure_told = False
    try:
        with _terminable():
            yield
    except BaseException as error:
        is_new = not _running.failure_told and not (isinstance(error, SystemExit) and not error.code)
        if is_new:
            _running.failure_told = True
            _tell_failure(name, error)
        raise


def _tell_failure(name: str, error: BaseException) -> None:
    from components.common import failures  # here, because a stage that does well needs none of it

    words, code = failures.in_one_line(error), failures.exit_code_of(error)
    _emit({"event": "failed", "stage": name, "error": words, "exit_code": code})
    try:
        failures.record_failure(name, error)
    except ArmillaryError as trouble:
        warn(f"The failure is not recorded in the store. {trouble}")
    _push(StageReport(name), "failure")


def _push(report: StageReport, what: Literal["epoch", "success", "failure"]) -> None:
    """Push metrics where there is a gateway; one that fails costs a single warning, and never more than that."""
    address = os.environ.get(PUSHGATEWAY_VARIABLE)
    if not address:
        return
    from components.common import metrics  # here, because without a gateway nobody needs it

    try:
        metrics.push(address, report, what)
    except ArmillaryError as trouble:
        if not _running.gateway_failed:
            warn(str(trouble))
        _running.gateway_failed = True


@contextmanager
def _terminable() -> Iterator[None]:
    """Treat a request to terminate as Ctrl-C, where nobody else has decided what it means."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    is_main = threading.current_thread() is threading.main_thread()
    if not is_main or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _emit(event: dict[str, Any]) -> None:
    path = os.environ.get(EVENTS_VARIABLE)
    if path:
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(json.dumps({"time": time.time(), **event}) + "\n")
        return
    _log(event)


def _log(event: dict[str, Any]) -> None:
    global _last_line
    if event["event"] == "progress":
        if event["done"] < event["total"] and time.monotonic() - _last_line < _SECONDS_BETWEEN_LOG_LINES:
            return
        _last_line = time.monotonic()
        print(
            f"{event['done']:.0f}/{event['total']:.0f} {event['unit']} {_pairs(event['values'])}".rstrip(),
            file=sys.stderr,
        )
    elif _running.someone_waits:
        if event["event"] == "warning":
            print(event["message"], file=sys.stderr)
    elif event["event"] == "scores":
        print(f"scores: origin={event['origin']} {_pairs(event['values'])}", file=sys.stderr)
    else:
        fields = {**event, **event.get("values", {})}
        text = " ".join(f"{k}={v}" for k, v in fields.items() if k not in ("event", "exit_code", "values"))
        print(f"{event['event']}: {text}", file=sys.stderr)


def _pairs(values: Mapping[str, Any]) -> str:
    return " ".join(f"{k}={v:.4g}" if isinstance(v, float) else f"{k}={v}" for k, v in values.items())
