"""Metrics of a stage for a Prometheus Pushgateway: names, labels, and the push.

A group is an exercise, a preset and a stage, so that a trial run does not overwrite what the scheduled one scored.
A push replaces the metrics that it holds and leaves the others of its group: a failure keeps what the last success
said.
"""

import math
import threading
import time
from collections.abc import Callable, Mapping
from http.client import HTTPException
from typing import Literal
from urllib.parse import urlsplit

from prometheus_client import CollectorRegistry, Gauge, pushadd_to_gateway

from components.common.contents import content_hash
from components.common.errors import ArmillaryError
from components.common.provenance import code_version
from components.common.stage_report import StageReport, exercise, preset

JOB = "armillary"
TIMEOUT_SECONDS = 2.0
NO_EXERCISE = "none"
"""Exercise, and preset, of a stage that is called alone."""

_ROWS = {"rows_in": "in", "rows_out": "out", "rejected": "rejected"}
_SCORE_KINDS = ("value", "low", "high", "baseline")


class GatewayError(ArmillaryError):
    """A Pushgateway that is down, slow, or refuses the metrics."""


class _Gauges:
    """The gauges of one push."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._known: dict[str, Gauge] = {}

    def set(self, name: str, description: str, value: float, **labels: str) -> None:
        """Set a gauge; those of one name have the same labels and description."""
        if name not in self._known:
            self._known[name] = Gauge(f"armillary_{name}", description, list(labels), registry=self.registry)
        gauge = self._known[name]
        (gauge.labels(**labels) if labels else gauge).set(value)


def push(address: str, report: StageReport, what: Literal["epoch", "success", "failure"]) -> None:
    """Push what has happened to a stage.

    Parameters
    ----------
    address : str
        Of the Pushgateway, such as http://127.0.0.1:9091.
    report : StageReport
        What the stage has said and used.
    what : {"epoch", "success", "failure"}
        `epoch` pushes losses alone; `failure` that and when the stage failed.

    Raises
    ------
    GatewayError
        When the gateway has not taken them within `TIMEOUT_SECONDS`.
    """
    gauges = _Gauges()
    if what == "epoch":
        _set_epoch(gauges, report)
    else:
        _set_outcome(gauges, is_failure=what == "failure")
    if what == "success":
        seconds = report.seconds
        _set_use(gauges, report, seconds)
        _set_rows(gauges, report, seconds)
        _set_epoch(gauges, report)
        _set_scores(gauges, report)
    key = {
        "exercise": exercise() or NO_EXERCISE,
        "preset": preset() or NO_EXERCISE,
        "stage": report.stage or "none",
    }

    def send() -> None:
        pushadd_to_gateway(address, JOB, gauges.registry, key, timeout=TIMEOUT_SECONDS)

    _in_time(send, address)


def _set_outcome(gauges: _Gauges, is_failure: bool) -> None:
    gauges.set("stage_failed", "1 after a failure of the stage, 0 after a success.", float(is_failure))
    last = "failure" if is_failure else "success"
    gauges.set(f"stage_last_{last}_timestamp_seconds", f"When the last {last} was.", time.time())
    gauges.set(
        "build_info",
        "Version and contents of the software; always 1.",
        1,
        version=code_version(),
        contents=content_hash(),
    )


def _set_use(gauges: _Gauges, report: StageReport, seconds: float) -> None:
    gauges.set("stage_duration_seconds", "Wall time of the stage.", seconds)
    gauges.set("stage_cpu_seconds", "Processor time, child processes included.", report.cpu_seconds)
    gauges.set("stage_gpu_seconds", "Wall time multiplied by the GPUs in sight.", seconds * report.gpus)
    gauges.set("stage_peak_memory_bytes", "Largest resident memory.", report.peak_memory_bytes)
    written = report.bytes_written()
    if written is not None:
        gauges.set("stage_bytes", "Bytes that the stage wrote.", written)


def _set_rows(gauges: _Gauges, report: StageReport, seconds: float) -> None:
    for name, kind in _ROWS.items():
        if name in report.counts:
            gauges.set("stage_rows", "Rows that the stage handled.", report.counts[name], kind=kind)
    rows = report.counts.get("rows_in", report.counts.get("rows_out"))
    if rows is not None:
        throughput = rows / max(seconds, 1e-9)
        gauges.set("stage_rows_per_second", "Rows in, else rows out, by the wall time.", throughput)


def _set_epoch(gauges: _Gauges, report: StageReport) -> None:
    for split, loss in report.losses.items():
        gauges.set("epoch_loss", "Mean loss in the last epoch.", loss, split=split)
    if report.losses:
        gauges.set("epochs_done", "Epochs of training that are done.", report.epochs)


def _set_scores(gauges: _Gauges, report: StageReport) -> None:
    for name, values in report.scores.items():
        for kind, value in _finite(values).items():
            labels = {"score": name, "origin": report.origin, "kind": kind}
            gauges.set("score", "Score on the test objects, with its interval.", value, **labels)


def _finite(values: Mapping[str, float | None]) -> dict[str, float]:
    found = {kind: values.get(kind) for kind in _SCORE_KINDS}
    return {kind: value for kind, value in found.items() if value is not None and math.isfinite(value)}


def _in_time(send: Callable[[], None], address: str) -> None:
    """Call `send` in a thread of its own and wait no longer than the timeout.

    The timeout of the request itself does not cover the lookup of the name, nor an answer that trickles.
    """
    problems: list[str] = []

    def run() -> None:
        try:
            send()
        except (OSError, HTTPException, ValueError) as error:
            problems.append(f"{error}" or type(error).__name__)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(TIMEOUT_SECONDS)
    if thread.is_alive():
        problems.append(f"no answer within {TIMEOUT_SECONDS:g} seconds")
    if problems:
        raise GatewayError(
            f"The Pushgateway at {_host(address)} has not taken the metrics: {problems[0]}.",
            "Start it, correct ARMILLARY_PUSHGATEWAY, or unset it; the stage itself goes on.",
        )


def _host(address: str) -> str:
    """Host and port alone: an address may hold a password."""
    return urlsplit(address if "://" in address else f"//{address}").netloc.rpartition("@")[2]
