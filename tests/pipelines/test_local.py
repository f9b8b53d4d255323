"""The runner on real processes: what it executes, what it takes from the cache, what it says of a failure."""

import contextlib
import io
import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from pipelines.records import RunRecord, read_record

Run = Callable[..., RunRecord]


def statuses(record: RunRecord) -> dict[str, str]:
    return {stage.stage: stage.status for stage in record.stages}


def test_a_run_leaves_a_whole_record(run_toy: Run, home: Path) -> None:
    output = io.StringIO()
    record = run_toy(output, rows=4)
    assert record.status == "succeeded"
    assert statuses(record) == {"ingest": "done", "train": "done", "evaluate": "done"}
    assert record.origin == "simulated"
    assert record.scores["accuracy"]["value"] == 0.4
    assert (home / record.report).read_text().startswith("<!doctype html>")
    ingest, train, _ = record.stages
    assert ingest.counts == {"rows_out": 4}
    assert train.warnings == ["These are only numbers."]
    assert all(stage.seconds > 0 and stage.peak_memory_mb > 0 for stage in record.stages)
    assert read_record(record.folder / "run.json") == record
    assert not (record.folder / "tmp").exists(), "kfp's leftovers are removed"
    assert "Executing task" in (record.folder / "run.log").read_text()
    assert "Executing task" not in output.getvalue(), "kfp's chatter belongs into the log"
    assert "ingest: done" in output.getvalue()


def test_an_unchanged_run_is_served_from_the_cache(run_toy: Run, home: Path) -> None:
    first = run_toy(rows=4)
    second = run_toy(rows=4)
    assert set(statuses(second).values()) == {"cached"}
    assert [stage.outputs for stage in second.stages] == [stage.outputs for stage in first.stages]
    assert second.scores == first.scores
    assert (home / second.report).parent == second.folder, "the report outlives the run that made it"


def test_what_changed_is_run_anew_and_what_did_not_is_not(run_toy: Run) -> None:
    run_toy(rows=4)
    assert statuses(run_toy(rows=4, seconds=0.1)) == {"ingest": "cached", "train": "done", "evaluate": "done"}
    assert statuses(run_toy(rows=5)) == {"ingest": "done", "train": "done", "evaluate": "done"}
    assert set(statuses(run_toy(rows=5, use_cache=False)).values()) == {"done"}


def test_changed_files_are_noticed(run_toy: Run, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "a.txt").write_text("one")
    run_toy(location=str(data))
    assert statuses(run_toy(location=str(data)))["ingest"] == "cached"
    (data / "a.txt").write_text("other")
    assert statuses(run_toy(location=str(data)))["ingest"] == "done"


@pytest.mark.parametrize(
    ("fail", "kind", "exit_code", "words"),
    [
        ("archive", "ArchiveError", 4, "does not answer. Try again later."),
        ("absent", "NotInArchiveError", 4, "Check the name."),
        ("bug", "ZeroDivisionError", 1, "division by zero"),
        ("killed", "", 1, "ended without a word"),
    ],
)
def test_a_failure_names_stage_cause_and_code(
    run_toy: Run, fail: str, kind: str, exit_code: int, words: str
) -> None:
    record = run_toy(fail=fail)
    assert record.status == "failed"
    assert record.failure is not None
    assert (record.failure.stage, record.failure.kind, record.failure.exit_code) == ("train", kind, exit_code)
    assert words in record.failure.error
    assert statuses(record) == {"ingest": "done", "train": "failed", "evaluate": "waiting"}
    assert not list(record.folder.glob("artifacts/*/train-slowly")), "nobody may take its outputs for whole"
    assert list(record.folder.glob("artifacts/*/ingest-numbers/dataset"))


def test_a_failed_stage_is_not_served_from_the_cache(run_toy: Run) -> None:
    run_toy(fail="bug")
    assert statuses(run_toy(fail="bug")) == {"ingest": "cached", "train": "failed", "evaluate": "waiting"}


@contextlib.contextmanager
def ignoring(number: signal.Signals | None) -> Iterator[None]:
    """Ignore a signal, as do the children of who does: so a shell starts what it puts into the background."""
    before = signal.signal(number, signal.SIG_IGN) if number else None
    try:
        yield
    finally:
        if number:
            signal.signal(number, before)


# kfp leaves its process object behind when it is interrupted; the process itself is gone, as is tested.
@pytest.mark.filterwarnings("ignore:Exception ignored in.*Popen:pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(
    ("number", "ignored"),
    [(signal.SIGINT, None), (signal.SIGTERM, None), (signal.SIGTERM, signal.SIGINT)],
    ids=["ctrl-c", "terminated", "terminated-in-the-background"],
)
def test_an_interrupted_run_stops_its_processes_and_leaves_nothing_half_written(
    run_toy: Run, home: Path, number: signal.Signals, ignored: signal.Signals | None
) -> None:
    def interrupt_training() -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and not list(
            home.glob("runs/toy/*/artifacts/*/train-slowly/.model.*.part")
        ):
            time.sleep(0.05)
        os.kill(os.getpid(), number)

    before = set(psutil.Process().children(recursive=True))
    threading.Thread(target=interrupt_training).start()
    with ignoring(ignored):
        record = run_toy(seconds=120.0)
    assert record.status == "interrupted"
    assert statuses(record) == {"ingest": "done", "train": "interrupted", "evaluate": "waiting"}
    assert set(psutil.Process().children(recursive=True)) <= before
    assert not list(record.folder.rglob("*.part"))
    assert not list(record.folder.rglob("train-slowly"))
    events = [json.loads(line) for line in (record.folder / "events.jsonl").read_text().splitlines()]
    assert events[-1] == {**events[-1], "event": "failed", "stage": "train"}, "the stage could tidy up"
    assert statuses(run_toy(seconds=0.0))["ingest"] == "cached"


def test_the_environment_is_as_it_was(run_toy: Run) -> None:
    before = dict(os.environ)
    handler = signal.getsignal(signal.SIGTERM)
    run_toy()
    assert dict(os.environ) == before
    assert signal.getsignal(signal.SIGTERM) == handler


def test_a_run_whose_process_is_gone_reads_as_killed(run_toy: Run) -> None:
    record = run_toy()
    record.status = "running"
    record.process = max(psutil.pids()) + 100_000
    record.write()
    assert read_record(record.folder / "run.json").status == "killed"
