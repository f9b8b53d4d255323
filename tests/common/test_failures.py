"""Records of failures: what they hold, what they must not hold, and that they never hide the failure itself."""

import datetime
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from monitoring import NOWHERE, Pushgateway, eventually

from components.common import failures, telemetry, watch
from components.common.contents import content_hash
from components.common.errors import ArchiveError, ParameterError
from components.common.failures import FailureRecord, failure_key, in_one_line, put_failure, read_failures
from components.common.provenance import code_version
from components.common.store import Store

SECRET = "wJalrXUtnFEMI/K7MDENG"  # of nobody


@pytest.fixture
def environment(weed: Mapping[str, str], store: Store, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Name the store, the exercise and the run, as in a pod."""
    variables = {
        **weed,
        "ARMILLARY_BUCKET": store.bucket,
        "ARMILLARY_EXERCISE": "toy",
        "ARMILLARY_RUN": "run-1",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    for name in (telemetry.EVENTS_VARIABLE, telemetry.PUSHGATEWAY_VARIABLE):
        monkeypatch.delenv(name, raising=False)
    return variables


def fail(error: BaseException, stage: str = "ingest-3") -> None:
    with telemetry.stage(stage):
        raise error


def test_a_record_says_what_where_when_and_by_which_code(environment: dict[str, str], store: Store) -> None:
    error = ArchiveError("The archive\n at 127.0.0.1 is down.", "Try again later.")
    with pytest.raises(ArchiveError) as raised:
        fail(error)
    assert raised.value is error, "the failure itself goes on as it was"
    (record,) = read_failures(store, "toy", "run-1")
    assert store.list() == [failure_key("toy", "run-1", "ingest-3")] == ["runs/toy/run-1/failures/ingest-3.json"]
    assert (record.exercise, record.run, record.stage) == ("toy", "run-1", "ingest-3")
    assert record.error == "The archive at 127.0.0.1 is down. Try again later."
    assert (record.kind, record.exit_code) == ("ArchiveError", 4)
    age = datetime.datetime.now(datetime.UTC) - datetime.datetime.fromisoformat(record.time)
    assert datetime.timedelta(-1) < age < datetime.timedelta(minutes=5)
    assert "test_failures.py" in record.log
    assert record.log.splitlines()[-1] == " at 127.0.0.1 is down. Try again later."
    assert (record.code_version, record.contents) == (code_version(), content_hash())
    assert record.host == socket.gethostname()


def test_the_log_is_the_end_of_a_long_traceback(environment: dict[str, str], store: Store) -> None:
    with pytest.raises(ValueError, match="line 99"):
        fail(ValueError("\n".join(f"line {n}" for n in range(100))))
    (record,) = read_failures(store, "toy", "run-1")
    lines = record.log.splitlines()
    assert (len(lines), lines[0], lines[-1]) == (failures.LOG_LINES, "line 50", "line 99")
    assert (record.kind, record.exit_code) == ("ValueError", 1)


def test_no_secret_is_written(
    environment: dict[str, str],
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("ARCHIVE_PASSWORD", SECRET)
    hidden = [SECRET, environment["AWS_SECRET_ACCESS_KEY"], environment["AWS_ACCESS_KEY_ID"], "pass:word"]
    text = f"{hidden[0]} {hidden[1]} {hidden[2]} http://me:{hidden[3]}@host/x"
    with pytest.raises(RuntimeError):
        fail(RuntimeError(text))
    (record,) = read_failures(store, "toy", "run-1")
    stored = json.dumps(store.get_json(failure_key("toy", "run-1", "ingest-3")).value)
    assert [secret for secret in hidden if secret in stored] == []
    assert record.error == "*** *** *** http://me:***@host/x"
    assert [secret for secret in hidden if secret in capsys.readouterr().err] == []


def test_an_error_without_words_is_its_kind() -> None:
    assert in_one_line(ZeroDivisionError()) == "ZeroDivisionError"
    assert in_one_line(KeyboardInterrupt()) == "interrupted"


@pytest.mark.parametrize("missing", ["AWS_ENDPOINT_URL", "ARMILLARY_EXERCISE", "ARMILLARY_RUN"])
def test_nothing_is_written_where_something_has_no_name(
    environment: dict[str, str], store: Store, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    monkeypatch.delenv(missing)
    with pytest.raises(ArchiveError):
        fail(ArchiveError("It is down.", "Wait."))
    assert store.list() == []


def test_a_store_that_is_down_costs_one_warning(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", NOWHERE)
    with pytest.raises(ArchiveError, match="It is down"):
        fail(ArchiveError("It is down.", "Wait."))
    begin, failed, warning = capsys.readouterr().err.splitlines()
    assert (begin, failed) == ("begin: stage=ingest-3", "failed: stage=ingest-3 error=It is down. Wait.")
    assert warning.startswith("warning: message=The failure is not recorded in the store. The object store at")


def test_records_are_read_in_the_order_of_the_failures(store: Store) -> None:
    def record(stage: str, second: int) -> FailureRecord:
        time = f"2026-01-01T00:00:{second:02d}+00:00"
        return FailureRecord("toy", "run-1", stage, "It is down.", "ArchiveError", 4, time, "", "1", "abc", "host")

    assert read_failures(store, "toy", "run-1") == []
    for stage, second in (("evaluate", 1), ("ingest-1", 3), ("ingest-0", 2)):
        put_failure(store, record(stage, second))
    assert [found.stage for found in read_failures(store, "toy", "run-1")] == ["evaluate", "ingest-0", "ingest-1"]
    assert read_failures(store, "toy", "run-2") == []


def test_a_stage_that_is_terminated_says_so(
    environment: dict[str, str], store: Store, pushgateway: Pushgateway, tmp_path: Path
) -> None:
    script = (
        "import sys, time, pathlib; from components.common.telemetry import stage\n"
        "with stage('train'): pathlib.Path(sys.argv[1]).touch(); time.sleep(60)"
    )
    variables = {**os.environ, "ARMILLARY_PUSHGATEWAY": pushgateway.url}
    with subprocess.Popen([sys.executable, "-c", script, str(tmp_path / "begun")], env=variables) as process:
        eventually((tmp_path / "begun").exists, "the stage")
        process.send_signal(signal.SIGTERM)
    assert process.returncode == -signal.SIGINT
    (record,) = read_failures(store, "toy", "run-1")
    assert (record.error, record.kind, record.exit_code) == ("interrupted", "KeyboardInterrupt", 130)
    assert pushgateway.value("armillary_stage_failed", exercise="toy", stage="train") == 1


def test_an_import_that_fails_is_told_though_no_stage_has_begun(environment: dict[str, str], store: Store) -> None:
    command = ["-m", "components.common.watch", "no_such_module", "--function_to_execute", "train_conv1d"]
    done = subprocess.run([sys.executable, *command], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "failed: stage=train error=No module named no_such_module" in done.stderr
    (record,) = read_failures(store, "toy", "run-1")
    assert (record.stage, record.error) == ("train", "No module named no_such_module")


def test_the_program_of_a_component_sees_its_own_arguments(environment: dict[str, str], store: Store) -> None:
    command = ["-m", "components.common.watch", "json.tool", "--indent", "1"]
    done = subprocess.run([sys.executable, *command], input='{"a": 1}', capture_output=True, text=True, check=True)
    assert done.stdout == '{\n "a": 1\n}\n'
    assert store.list() == []


def test_a_block_around_a_stage_does_not_tell_its_failure_again(
    environment: dict[str, str], store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ArchiveError), telemetry.failures_told("ingest"):
        fail(ArchiveError("It is down.", "Wait."))
    assert [record.stage for record in read_failures(store, "toy", "run-1")] == ["ingest-3"]
    assert capsys.readouterr().err.count("failed:") == 1


def test_what_fails_after_its_stage_is_told_too(environment: dict[str, str], store: Store) -> None:
    def body() -> None:
        with telemetry.stage("train"):
            pass
        raise ParameterError("There is no such figure.", "Name another.")

    with pytest.raises(ParameterError), telemetry.failures_told("train"):
        body()
    assert [record.kind for record in read_failures(store, "toy", "run-1")] == ["ParameterError"]


def test_an_end_that_was_asked_for_is_no_failure(environment: dict[str, str], store: Store) -> None:
    with pytest.raises(SystemExit), telemetry.failures_told("train"):
        sys.exit(0)
    assert store.list() == []


@pytest.mark.parametrize(
    ("function", "parameters", "stage"),
    [
        ("train_conv1d", {"epochs": 5.0}, "train"),
        ("ingest_sdss_spectra", {"shard": 0.0, "shards": 1.0}, "ingest"),
        ("ingest_sdss_spectra", {"shard": 3.0, "shards": 8.0}, "ingest-3"),
    ],
)
def test_the_stage_is_told_from_what_kubeflow_is_asked_to_run(
    function: str, parameters: dict[str, Any], stage: str
) -> None:
    executor_input = json.dumps({"inputs": {"parameterValues": parameters}, "outputs": {}})
    arguments = ["--component_module_path", "x.py", "--executor_input", executor_input]
    assert watch.stage_of([*arguments, "--function_to_execute", function]) == stage
    assert watch.stage_of([]) == ""
