"""Metrics in a real Pushgateway, scraped by a real Prometheus, and gateways that are down, slow or refuse."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from monitoring import NOWHERE, Prometheus, Pushgateway

from components.common import telemetry
from components.common.contents import content_hash
from components.common.errors import InputError
from components.common.metrics import TIMEOUT_SECONDS
from components.common.provenance import code_version
from components.common.stage_report import StageReport

SCORES = {
    "nmad": {"value": 0.02, "low": 0.01, "high": 0.03, "baseline": 0.5, "published": None},
    "crps": {"value": float("nan"), "low": None},
}


@pytest.fixture(autouse=True)
def exercise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARMILLARY_EXERCISE", "toy")
    monkeypatch.setenv("ARMILLARY_PRESET", "full")
    monkeypatch.delenv(telemetry.EVENTS_VARIABLE, raising=False)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)


@pytest.fixture
def gateway(pushgateway: Pushgateway, monkeypatch: pytest.MonkeyPatch) -> Pushgateway:
    monkeypatch.setenv(telemetry.PUSHGATEWAY_VARIABLE, pushgateway.url)
    return pushgateway


def run_stage(name: str = "train", rows: int = 8, output: Path | None = None) -> None:
    with telemetry.stage(name, *([output] if output else [])):
        telemetry.report_counts(rows_in=rows, rows_out=rows - 1, rejected=1)
        if output:
            output.mkdir(exist_ok=True)
            (output / "weights").write_bytes(b"x" * 1000)
        telemetry.report_epoch(1, 0.9, 1.1)
        telemetry.report_epoch(2, 0.5, 0.7)
        telemetry.report_scores(SCORES, "semi-empirical")


def fail_stage(name: str = "train") -> None:
    with pytest.raises(InputError), telemetry.stage(name):
        raise InputError("x.fits is cut.", "Get it again.")


def test_prometheus_finds_what_a_stage_reported(
    gateway: Pushgateway, prometheus: Prometheus, tmp_path: Path
) -> None:
    before = time.time()
    run_stage(output=tmp_path / "model")
    stage = '{job="armillary", exercise="toy", stage="train"}'
    (success,) = prometheus.wait_for(f"armillary_stage_last_success_timestamp_seconds{stage}")
    assert before <= float(success["value"][1]) <= time.time()

    def value(expression: str) -> float:
        (series,) = prometheus.query(expression)
        return float(series["value"][1])

    rows = {s["metric"]["kind"]: s["value"][1] for s in prometheus.query(f"armillary_stage_rows{stage}")}
    assert rows == {"in": "8", "out": "7", "rejected": "1"}
    losses = {s["metric"]["split"]: s["value"][1] for s in prometheus.query(f"armillary_epoch_loss{stage}")}
    assert losses == {"train": "0.5", "validation": "0.7"}
    assert value(f"armillary_epochs_done{stage}") == 2
    assert value(f"armillary_stage_failed{stage}") == 0
    assert value(f"armillary_stage_bytes{stage}") == 1000
    assert value(f"armillary_stage_gpu_seconds{stage}") == 0
    assert value(f"armillary_stage_peak_memory_bytes{stage}") > 10e6  # the interpreter alone takes more
    duration = value(f"armillary_stage_duration_seconds{stage}")
    assert duration > 0
    assert value(f"armillary_stage_rows_per_second{stage}") == pytest.approx(8 / duration)
    assert value(f"armillary_stage_cpu_seconds{stage}") >= 0
    (build,) = prometheus.query(f"armillary_build_info{stage}")
    assert (build["metric"]["version"], build["metric"]["contents"]) == (code_version(), content_hash())
    scores = prometheus.query(f"armillary_score{stage}")
    assert {s["metric"]["kind"]: s["value"][1] for s in scores} == {
        "value": "0.02",
        "low": "0.01",
        "high": "0.03",
        "baseline": "0.5",
    }, "what is not a number is not pushed"
    assert {(s["metric"]["score"], s["metric"]["origin"]) for s in scores} == {("nmad", "semi-empirical")}


def test_a_failure_keeps_what_the_last_success_said(gateway: Pushgateway) -> None:
    run_stage()
    success = gateway.value("armillary_stage_last_success_timestamp_seconds", stage="train")
    fail_stage()
    assert gateway.value("armillary_stage_failed", stage="train") == 1
    assert gateway.value("armillary_stage_last_failure_timestamp_seconds", stage="train") >= success
    assert gateway.value("armillary_stage_last_success_timestamp_seconds", stage="train") == success
    assert gateway.value("armillary_stage_rows", stage="train", kind="in") == 8
    run_stage(rows=9)
    assert gateway.value("armillary_stage_failed", stage="train") == 0
    assert gateway.value("armillary_stage_rows", stage="train", kind="in") == 9


def test_shards_do_not_overwrite_each_other(gateway: Pushgateway) -> None:
    for shard in range(3):
        run_stage(f"ingest-{shard}", rows=10 + shard)
    fail_stage("ingest-1")
    rows = [gateway.value("armillary_stage_rows", stage=f"ingest-{n}", kind="in") for n in range(3)]
    assert rows == [10, 11, 12]
    assert [gateway.value("armillary_stage_failed", stage=f"ingest-{n}") for n in range(3)] == [0, 1, 0]


def test_a_trial_does_not_overwrite_what_the_scheduled_run_said(
    gateway: Pushgateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_stage(rows=1000)
    monkeypatch.setenv("ARMILLARY_PRESET", "smoke")
    run_stage(rows=10)
    fail_stage()
    monkeypatch.delenv("ARMILLARY_PRESET")
    run_stage(rows=2)
    presets = ("full", "smoke", "none")
    rows = [gateway.value("armillary_stage_rows", stage="train", preset=preset, kind="in") for preset in presets]
    assert rows == [1000, 10, 2]
    assert [gateway.value("armillary_stage_failed", preset=preset) for preset in presets] == [0, 1, 0]


def test_epochs_are_pushed_while_training_and_seldom(
    gateway: Pushgateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telemetry, "_SECONDS_BETWEEN_EPOCHS", 3600.0)
    with telemetry.stage("train"):
        telemetry.report_epoch(1, 0.9, 1.1)
        assert gateway.value("armillary_epoch_loss", stage="train", split="validation") == 1.1
        telemetry.report_epoch(2, 0.5, 0.7)
        assert gateway.value("armillary_epochs_done", stage="train") == 1, "the next is not due yet"
        monkeypatch.setattr(telemetry, "_SECONDS_BETWEEN_EPOCHS", 0.0)
        telemetry.report_epoch(3, 0.4, 0.6)
        assert gateway.value("armillary_epochs_done", stage="train") == 3
        assert gateway.value("armillary_stage_last_success_timestamp_seconds", stage="train") is None


def test_what_was_written_counts_before_what_was_said(tmp_path: Path) -> None:
    report = StageReport("ingest", [tmp_path / "absent"], counts={"bytes": 7})
    assert report.bytes_written() == 7
    (tmp_path / "absent").mkdir()
    (tmp_path / "absent" / "file").write_bytes(b"12345")
    assert report.bytes_written() == 5
    assert StageReport("ingest").bytes_written() is None


def test_time_of_child_processes_counts() -> None:
    report = StageReport("ingest")
    own = "import time; start = time.process_time()\nwhile time.process_time() - start < 0.3: pass"
    subprocess.run([sys.executable, "-c", own], check=True)
    assert report.cpu_seconds >= 0.3


@contextmanager
def serve(status: int, wait: threading.Event | None = None) -> Iterator[tuple[str, list[str]]]:
    """Answer every push with `status`, after `wait` if given; yields the address and the paths that were asked."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(self.path)
            self.rfile.read(int(self.headers["Content-Length"]))
            if wait:
                wait.wait(60)
            self.send_response(status)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
    finally:
        if wait:
            wait.set()
        server.shutdown()
        server.server_close()
        thread.join()


def warnings_of(captured: str) -> list[str]:
    return [line for line in captured.splitlines() if line.startswith("warning:")]


@pytest.mark.parametrize("status", [400, 500])
def test_a_gateway_that_refuses_costs_one_warning(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], status: int
) -> None:
    monkeypatch.setattr(telemetry, "_SECONDS_BETWEEN_EPOCHS", 0.0)
    with serve(status) as (address, asked):
        monkeypatch.setenv(telemetry.PUSHGATEWAY_VARIABLE, address)
        run_stage()
    (warning,) = warnings_of(capsys.readouterr().err)
    assert f"has not taken the metrics: HTTP Error {status}" in warning
    assert "ARMILLARY_PUSHGATEWAY" in warning
    assert asked == ["/metrics/job/armillary/exercise/toy/preset/full/stage/train"] * 2, (
        "the first epoch and the end alone"
    )


def test_a_gateway_that_is_down_costs_one_warning_and_no_password(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(telemetry.PUSHGATEWAY_VARIABLE, NOWHERE)
    run_stage()
    (warning,) = warnings_of(capsys.readouterr().err)
    assert "Connection refused" in warning
    monkeypatch.setenv(telemetry.PUSHGATEWAY_VARIABLE, "http://" + "somebody:s3cret@127.0.0.1:1")
    run_stage()
    (warning,) = warnings_of(capsys.readouterr().err)
    assert "s3cret" not in warning


def test_a_gateway_that_does_not_answer_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with serve(200, wait=threading.Event()) as (address, asked):
        monkeypatch.setenv(telemetry.PUSHGATEWAY_VARIABLE, address)
        with telemetry.stage("train"):
            pass
        assert len(asked) == 1, "the stage ended while the gateway still held its request"
    (warning,) = warnings_of(capsys.readouterr().err)
    assert "timed out" in warning or f"{TIMEOUT_SECONDS:g} seconds" in warning


def test_a_failing_gateway_does_not_hide_the_failure_of_the_stage(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(telemetry.PUSHGATEWAY_VARIABLE, NOWHERE)
    fail_stage()
    lines = capsys.readouterr().err.splitlines()
    assert lines[:2] == ["begin: stage=train", "failed: stage=train error=x.fits is cut. Get it again."]
    assert len(lines) == 3
    assert len(warnings_of("\n".join(lines))) == 1


def test_without_a_gateway_nothing_of_prometheus_is_imported() -> None:
    script = (
        "import sys; from components.common import telemetry\n"
        "with telemetry.stage('train'): telemetry.report_epoch(1, 1.0, 1.0)\n"
        "print(sorted({'prometheus_client', 'boto3', 'torch', 'kfp'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], env={}, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
