"""What stages report when the real runner runs them: metrics in a real Prometheus, failures in a real store."""

import io
import subprocess
from collections.abc import Callable, Mapping

import pytest
import toy
from command_line import Armillary
from monitoring import NOWHERE, Prometheus, Pushgateway
from rich.console import Console

from components.common.failures import FailureRecord, read_failures
from components.common.store import Store
from components.common.telemetry import PUSHGATEWAY_VARIABLE
from pipelines.local import run_pipeline
from pipelines.parameters import resolve
from pipelines.publishing import publish
from pipelines.records import RunRecord, new_run_id

Run = Callable[..., RunRecord]


@pytest.fixture
def run_with_store(home: object, weed: Mapping[str, str], store: Store) -> Callable[[str], RunRecord]:
    """Run the toy exercise with the store within reach of its stages."""

    def run(fail: str) -> RunRecord:
        record = RunRecord(new_run_id(), "toy", "smoke", resolve(toy.DEFINITION, "smoke", {"fail": fail}))
        environment = {**weed, "ARMILLARY_BUCKET": store.bucket}
        return run_pipeline(toy.DEFINITION, record, Console(file=io.StringIO()), environment, use_cache=False)

    return run


def only_failure(store: Store, record: RunRecord) -> FailureRecord:
    (failure,) = read_failures(store, "toy", record.run)
    assert (failure.stage, failure.contents) == ("train", record.contents)
    assert record.failure is not None
    assert (failure.kind, failure.exit_code) == (record.failure.kind, record.failure.exit_code)
    assert failure.error == record.failure.error
    return failure


def test_metrics_of_all_stages_of_a_run_are_in_prometheus(
    run_toy: Run, pushgateway: Pushgateway, prometheus: Prometheus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PUSHGATEWAY_VARIABLE, pushgateway.url)
    assert run_toy(rows=5).status == "succeeded"
    succeeded = 'armillary_stage_last_success_timestamp_seconds{exercise="toy", preset="smoke"}'
    prometheus.wait_for(f"count({succeeded}) == 3")
    stages = {series["metric"]["stage"] for series in prometheus.query(succeeded)}
    assert stages == {"ingest", "train", "evaluate"}
    (rows,) = prometheus.query('armillary_stage_rows{exercise="toy", stage="ingest", kind="out"}')
    assert rows["value"][1] == "5"
    (written,) = prometheus.query('armillary_stage_bytes{exercise="toy", stage="ingest"}')
    assert written["value"][1] == str(len("[0, 1, 2, 3, 4]"))
    (score,) = prometheus.query('armillary_score{exercise="toy", score="accuracy", kind="value"}')
    assert (score["metric"]["origin"], score["value"][1]) == ("simulated", "0.5")


def test_a_gateway_that_is_down_is_a_warning_of_the_run(run_toy: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PUSHGATEWAY_VARIABLE, NOWHERE)
    record = run_toy()
    assert record.status == "succeeded"
    for stage in record.stages:
        assert sum("has not taken the metrics" in warning for warning in stage.warnings) == 1


@pytest.mark.parametrize(
    ("fail", "kind", "words"),
    [
        ("archive", "ArchiveError", "The archive at 127.0.0.1 does not answer. Try again later."),
        ("settings", "ParameterError", "There is no such fail. Choose another."),
    ],
    ids=["inside", "before-the-stage-begins"],
)
def test_a_failure_is_in_store_record_and_gateway(
    run_with_store: Callable[[str], RunRecord],
    store: Store,
    pushgateway: Pushgateway,
    monkeypatch: pytest.MonkeyPatch,
    fail: str,
    kind: str,
    words: str,
) -> None:
    monkeypatch.setenv(PUSHGATEWAY_VARIABLE, pushgateway.url)
    record = run_with_store(fail)
    failure = only_failure(store, record)
    assert (failure.kind, failure.error) == (kind, words)
    assert failure.log.splitlines()[-1].endswith(words)
    assert pushgateway.value("armillary_stage_failed", exercise="toy", stage="train") == 1
    assert pushgateway.value("armillary_stage_failed", exercise="toy", stage="ingest") == 0
    publish(record, store)
    assert only_failure(store, record) == failure, "the runner does not write over what the stage knows better"


def test_a_stage_that_was_killed_leaves_the_record_of_the_runner(
    run_with_store: Callable[[str], RunRecord], store: Store
) -> None:
    record = run_with_store("killed")
    assert read_failures(store, "toy", record.run) == []
    publish(record, store)
    assert "killed for want of memory" in only_failure(store, record).error


def test_the_command_line_leaves_the_record_in_the_store(
    armillary: Armillary, environment: dict[str, str]
) -> None:
    done: subprocess.CompletedProcess[str] = armillary("run", "toy", "--preset", "smoke", "--set", "fail=settings")
    assert done.returncode == 2
    assert "There is no such fail. Choose another." in done.stdout + done.stderr
    store = Store.from_environment(environment)
    (run,) = store.list_folders("runs/toy")
    (failure,) = read_failures(store, "toy", run)
    assert (failure.stage, failure.kind) == ("train", "ParameterError")
