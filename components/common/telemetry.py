"""What a stage tells the outside while it runs: one event a line, to a file, else to standard error.

The runner names the file in `ARMILLARY_EVENTS` and draws the live lines from it. In a pod, or when a stage is
called alone, the same events become plain log lines.
"""

import json
import os
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

EVENTS_VARIABLE = "ARMILLARY_EVENTS"
_SECONDS_BETWEEN_LOG_LINES = 5.0
_last_line = 0.0


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
    _emit({"event": "counts", "values": counts})


def warn(message: str) -> None:
    """Tell the person at the keyboard something that does not stop the stage."""
    _emit({"event": "warning", "message": message})


@contextmanager
def stage(name: str) -> Iterator[None]:
    """Report begin, end, duration and peak memory of a stage, and its failure in one plain line."""
    start = time.perf_counter()
    _emit({"event": "begin", "stage": name})
    try:
        yield
    except BaseException as error:
        _emit({"event": "failed", "stage": name, "error": f"{error}" or type(error).__name__})
        raise
    peak_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    _emit(
        {
            "event": "end",
            "stage": name,
            "seconds": round(time.perf_counter() - start, 3),
            "peak_memory_mb": round(peak_kb / 1024),
        }
    )


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
        extra = " ".join(
            f"{k}={v:.4g}" if isinstance(v, float) else f"{k}={v}" for k, v in event["values"].items()
        )
        print(f"{event['done']:.0f}/{event['total']:.0f} {event['unit']} {extra}".rstrip(), file=sys.stderr)
    else:
        fields = {**event, **event.get("values", {})}
        text = " ".join(f"{k}={v}" for k, v in fields.items() if k not in ("event", "values"))
        print(f"{event['event']}: {text}", file=sys.stderr)
