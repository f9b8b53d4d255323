"""Following a run to its end, against the interface that Kubeflow publishes; see `stub` for what that proves."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from typing import Any

import pytest
from command_line import WITH_TOY, Armillary
from kfp_server_api import V2beta1RuntimeConfig
from stub import Fault, Stub, shows, task

from components.common.failures import FailureRecord, put_failure
from components.common.store import Store
from pipelines.cluster import following
from pipelines.cluster.client import connect
from pipelines.cluster.errors import ClusterError

pytestmark = pytest.mark.contract

QUICK = ("--preset", "smoke", "--wait", "--interval", "0.05")
INGEST_RUNS = shows("RUNNING", task("root", "RUNNING"), task("ingest-numbers", "RUNNING"))
TRAIN_RUNS = shows("RUNNING", task("ingest-numbers", "SUCCEEDED"), task("train-slowly", "RUNNING"))


def trained(state: str, message: str = "") -> list[Any]:
    """Return the tasks of a run whose training ended so, with all that Kubeflow lists besides."""
    return [
        task("root", state),
        task("root-driver", "SUCCEEDED"),
        task("ingest-numbers", "SUCCEEDED"),
        task("train-slowly-driver", "SUCCEEDED", pod="toy-44"),
        task("train-slowly", state, pod="toy-55", child="toy-66", message=message),
        task("executor", state, pod="toy-66", child="toy-77"),
        task("executor(0)", state, pod="toy-77"),
    ]


def submit(
    armillary: Armillary, stub: Stub, *arguments: str, **variables: str
) -> "subprocess.CompletedProcess[str]":
    return armillary("submit", "toy", "--host", stub.url, *QUICK, *arguments, **variables)


def a_run(stub: Stub, *looks: Any) -> str:
    """Start a run on the stub without the command line, which takes seconds."""
    from kfp_server_api import V2beta1PipelineVersion, V2beta1PipelineVersionReference, V2beta1Run

    stub.versions["v"] = V2beta1PipelineVersion(
        pipeline_id="p", pipeline_version_id="v", name="v", pipeline_spec={"root": {}}
    )
    stub.scripts.append(list(looks))
    reference = V2beta1PipelineVersionReference("p", "v")
    run = stub.create_run(
        V2beta1Run(pipeline_version_reference=reference, runtime_config=V2beta1RuntimeConfig(parameters={}))
    )
    run_id: str = run.run_id
    return run_id


def follow(stub: Stub, run_id: str, **options: Any) -> tuple[str, list[str]]:
    """Follow without the command line; return state and lines."""
    lines: list[str] = []
    cluster = connect(stub.url, environment={})
    run = following.follow(cluster, run_id, lines.append, **{"interval": 0.01, **options})
    return run.state, lines


def test_a_run_that_succeeds_is_told_stage_by_stage(armillary: Armillary, stub: Stub) -> None:
    stub.scripts.append([shows("PENDING"), INGEST_RUNS, INGEST_RUNS, TRAIN_RUNS, shows("SUCCEEDED")])
    done = submit(armillary, stub)
    assert done.returncode == 0, done.stderr
    told = done.stdout.splitlines()[3:]
    assert told == [
        "ingest: running",
        "ingest: succeeded",
        "train: running",
        "The run is over: succeeded.",
    ]
    assert done.stderr == ""


def test_a_run_that_fails_names_stage_cause_and_log(armillary: Armillary, stub: Stub) -> None:
    stub.scripts.append([TRAIN_RUNS, shows("FAILED", *trained("FAILED", "main: Error (exit code 4)"))])
    stub.logs["toy-77"] = "step 1\nArchiveError: The archive does not answer. Try again later.\n"
    done = submit(armillary, stub, "--json")
    assert done.returncode == 1
    assert "The run is over: failed." in done.stderr
    assert "The stage train failed. main: Error (exit code 4)" in done.stderr
    assert "ArchiveError: The archive does not answer. Try again later." in done.stderr
    (line,) = done.stdout.splitlines()
    result = json.loads(line)
    assert result["state"] == "FAILED"
    assert [failure["stage"] for failure in result["failures"]] == ["train"]


def test_the_record_in_the_store_tells_the_cause(
    armillary: Armillary, stub: Stub, weed: Mapping[str, str], store: Store
) -> None:
    variables = {**weed, "ARMILLARY_BUCKET": store.bucket}
    run_id = a_run(stub, shows("FAILED", *trained("FAILED")))
    record = FailureRecord(
        "toy", run_id, "train", "The archive is down. Try later.", "ArchiveError", 4, "2026-01-01T00:00:00+00:00",
        "Traceback\nArchiveError: down", "0.1.0", "abc", "pod-1",
    )  # fmt: skip
    put_failure(store, record)
    done = armillary("follow", "toy", run_id, "--host", stub.url, "--interval", "0.05", **variables)
    assert done.returncode == 1
    assert "The stage train failed. The archive is down. Try later." in done.stdout
    assert "ArchiveError: down" in done.stdout
    assert not any("/log" in path for _, path in stub.requests), "the record suffices"


def test_a_store_that_is_down_hides_nothing(armillary: Armillary, stub: Stub) -> None:
    run_id = a_run(stub, shows("FAILED", *trained("FAILED", "exit code 137")))
    nowhere = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
    done = armillary("follow", "toy", run_id, "--host", stub.url, **nowhere)
    assert done.returncode == 1
    assert "The records of failures cannot be read." in done.stdout
    assert "It was killed, most often for want of memory" in done.stdout
    assert "The log of toy-77 cannot be read." in done.stdout


@pytest.mark.parametrize("state", ["FAILED", "CANCELED", "SKIPPED"])
def test_whatever_is_not_a_success_exits_with_1(armillary: Armillary, stub: Stub, state: str) -> None:
    run_id = a_run(stub, shows("CANCELING"), shows(state))
    done = armillary("follow", "toy", run_id, "--host", stub.url, "--interval", "0.05")
    assert done.returncode == 1
    assert f"The run is over: {state.lower()}." in done.stdout
    assert ("most often somebody terminated it" in done.stdout) == (state == "FAILED")


def test_a_terminated_run_is_over_and_failed(armillary: Armillary, stub: Stub) -> None:
    run_id = a_run(stub, INGEST_RUNS)
    done = armillary("terminate", run_id, "--host", stub.url)
    assert done.returncode == 0, done.stderr
    assert follow(stub, run_id)[0] == "FAILED"


def test_waiting_has_an_end(armillary: Armillary, stub: Stub) -> None:
    stub.scripts.append([TRAIN_RUNS])
    done = submit(armillary, stub, "--timeout", "0.3")
    assert done.returncode == 1
    assert "not over after 0.3 seconds, at train (running since 2026-01-02 03:04:05 UTC)." in done.stderr
    assert "armillary terminate" in done.stderr
    (run,) = stub.runs.values()
    assert run.state == "RUNNING", "the run goes on"


def test_a_stage_that_does_not_move_is_told_with_its_beginning(stub: Stub) -> None:
    run_id = a_run(stub, *[INGEST_RUNS] * 8, shows("SUCCEEDED"))
    _, lines = follow(stub, run_id, patience=0.02)
    assert lines[0] == "ingest: running"
    assert lines[1].startswith(
        "ingest: running since 2026-01-02 03:04:05 UTC. A pod that finds no node looks like"
    )
    assert f"-l pipeline/runid={run_id}" in lines[1]


def test_faults_that_pass_are_sat_out(stub: Stub) -> None:
    run_id = a_run(stub, INGEST_RUNS, shows("SUCCEEDED"))
    stub.fail("GET", f"/apis/v2beta1/runs/{run_id}", *[Fault(503, "<html>", "text/html")] * 3)
    state, lines = follow(stub, run_id)
    assert state == "SUCCEEDED"
    assert [line for line in lines if "503" in line] == lines[:1], "told once"


def test_faults_that_do_not_pass_end_it(stub: Stub) -> None:
    run_id = a_run(stub, INGEST_RUNS)
    path = f"/apis/v2beta1/runs/{run_id}"
    stub.fail("GET", path, Fault(401, "{}"))
    with pytest.raises(ClusterError, match="401"):
        follow(stub, run_id)
    stub.fail("GET", path, *[Fault(500, '{"message": "down"}')] * 11)
    with pytest.raises(ClusterError, match=r"500\. down"):
        follow(stub, run_id)
    assert stub.requests.count(("GET", path)) == 12


def test_a_run_that_is_not_there_is_told(armillary: Armillary, stub: Stub) -> None:
    done = armillary("follow", "toy", "no-such-run", "--host", stub.url)
    assert done.returncode == 1
    assert "Run no-such-run not found" in done.stderr


def test_shards_of_one_name_are_told_apart(stub: Stub) -> None:
    shards = [task("ingest-numbers", "RUNNING", pod=f"toy-{n}") for n in range(3)]
    run_id = a_run(stub, shows("RUNNING", *shards), shows("RUNNING", *shards), shows("SUCCEEDED", *shards))
    assert follow(stub, run_id)[1] == ["ingest: running"] * 3


def test_ctrl_c_leaves_the_run_alone(environment: dict[str, str], stub: Stub) -> None:
    stub.scripts.append([TRAIN_RUNS])
    command = [sys.executable, "-u", "-c", WITH_TOY, "submit", "toy", "--host", stub.url, *QUICK]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        deadline = time.monotonic() + 60
        while not any("/runs/" in path for _, path in stub.requests) and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=60)
    finally:
        if process.poll() is None:
            process.kill()
    assert process.returncode == 130, errors
    (run_id,) = stub.runs
    assert f"armillary follow toy {run_id}" in output
    assert f"armillary terminate {run_id}" in output
    assert not any(path.endswith(":terminate") for _, path in stub.requests)
