"""The runner on real containers: what stages are given, what is said of each way to fail, what stays behind."""

import io
import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import container_toy
import kfp
import pytest
import toy
from command_line import Armillary
from containers import engine, newest_image
from engine_proxy import engine_proxy
from rich.console import Console

from components.common.contents import content_hash
from components.common.errors import EngineError, ParameterError
from pipelines.definition import Definition
from pipelines.docker_engine import prepare
from pipelines.docker_runner import in_containers
from pipelines.local import run_pipeline
from pipelines.parameters import resolve
from pipelines.records import RunRecord, new_run_id

pytestmark = pytest.mark.docker

Run = Callable[..., RunRecord]


def left_behind(run: str) -> list[Any]:
    client = engine()
    try:
        return list(client.containers.list(all=True, filters={"label": f"armillary.run={run}"}))
    finally:
        client.close()


@pytest.fixture
def run_contained(home: Path) -> Iterator[Run]:
    """Run a toy in containers: the newest image with this checkout's components. No container may stay behind."""
    newest_image()
    runs = []

    def run(definition: Definition = container_toy.DEFINITION, memory: str = "", **settings: Any) -> RunRecord:
        parameters = resolve(definition, "smoke", settings)
        record = RunRecord(new_run_id(), "toy", "smoke", parameters, headline=definition.headline)
        runs.append(record.run)
        containers = prepare(definition.pipeline, dev=True, memory=memory)
        environment = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}
        return run_pipeline(definition, record, Console(file=io.StringIO()), environment, True, containers)

    yield run
    stray = [container for run_id in runs for container in left_behind(run_id)]
    for container in stray:
        container.remove(force=True)
    assert stray == []


def found(record: RunRecord) -> dict[str, Any]:
    assert record.failure is None, record.failure
    (path,) = record.folder.glob("artifacts/*/*/model/found.json")
    return dict(json.loads(path.read_text()))


def test_a_stage_has_the_callers_user_the_store_and_a_read_only_root(run_contained: Run) -> None:
    told = found(run_contained())
    assert told == {
        "uid": os.getuid(),
        "contents": content_hash(),
        "endpoint": "http://127.0.0.1:9",
        "read": "",
        "writable": ["/tmp"],
    }


def test_data_outside_the_home_are_there_to_read_alone(run_contained: Run, tmp_path: Path) -> None:
    folder = tmp_path / "my spectra"
    folder.mkdir()
    (folder / "given.txt").write_text("mine")
    told = found(run_contained(location=str(folder)))
    assert told["read"] == "mine"
    assert told["writable"] == ["/tmp"]
    assert [path.name for path in folder.iterdir()] == ["given.txt"]


def test_the_log_is_whole(run_contained: Run) -> None:
    record = run_contained(what="words")
    assert "no newline at the end: \u00e4" in (record.folder / "run.log").read_text(encoding="utf-8")


def test_both_runners_share_the_cache_and_tell_the_same(run_contained: Run, run_toy: Run) -> None:
    contained = run_contained(toy.DEFINITION, rows=4)
    assert [(stage.stage, stage.status) for stage in contained.stages] == [
        ("ingest", "done"),
        ("train", "done"),
        ("evaluate", "done"),
    ]
    assert contained.stages[0].counts == {"rows_out": 4}
    assert contained.stages[1].warnings == ["These are only numbers."]
    assert all(stage.peak_memory_mb > 0 for stage in contained.stages)
    process = run_toy(rows=4)
    assert {stage.status for stage in process.stages} == {"cached"}
    assert process.scores == contained.scores


@pytest.mark.parametrize(
    ("fail", "kind", "exit_code", "words"),
    [
        ("archive", "ArchiveError", 4, "does not answer. Try again later."),
        ("bug", "ZeroDivisionError", 1, "division by zero"),
        ("killed", "EngineError", 6, "out of memory"),
    ],
)
def test_a_failure_names_stage_cause_and_code(
    run_contained: Run, fail: str, kind: str, exit_code: int, words: str
) -> None:
    record = run_contained(toy.DEFINITION, fail=fail)
    assert record.failure is not None
    assert (record.failure.stage, record.failure.kind, record.failure.exit_code) == ("train", kind, exit_code)
    assert words in record.failure.error
    assert not list(record.folder.glob("artifacts/*/train-slowly"))


def test_a_container_that_fails_at_once_never_passes_for_a_success(home: Path) -> None:
    """It does with kfp's own handler, which has the engine remove it (kubeflow/pipelines#13332)."""
    from kfp.local.docker_task_handler import DockerTaskHandler
    from kfp.local.status import Status

    containers = prepare(container_toy.DEFINITION.pipeline, dev=True)
    (name,) = containers.images
    with in_containers(containers, home, []) as runner:
        tasks = [DockerTaskHandler(name, ["sh", "-c", f"exit {n % 2}"], str(home), runner) for n in range(8)]
        home.mkdir()
        assert [task.run() for task in tasks] == [Status.SUCCESS, Status.FAILURE] * 4


def test_memory_that_ran_out_is_named_with_its_limit(run_contained: Run) -> None:
    record = run_contained(memory="300m", what="memory")
    assert record.failure is not None
    assert record.failure.exit_code == EngineError.exit_code
    assert "more memory than the 300m" in record.failure.error
    assert "--memory" in record.failure.error


@pytest.mark.parametrize("memory", ["much", "1m", "-4g"])
def test_a_limit_that_is_none_is_refused(memory: str) -> None:
    with pytest.raises(ParameterError, match="no limit"):
        prepare(container_toy.DEFINITION.pipeline, memory=memory)


def when_training(home: Path, act: Callable[[], None]) -> None:
    """Call `act` in another thread once the toy's training has begun to write."""

    def wait() -> None:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline and not list(home.glob("runs/toy/*/artifacts/*/*/.model.*.part")):
            time.sleep(0.05)
        act()

    threading.Thread(target=wait).start()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_stage_tidies_up_and_its_container_goes(
    run_contained: Run, home: Path, number: signal.Signals
) -> None:
    when_training(home, lambda: os.kill(os.getpid(), number))
    record = run_contained(toy.DEFINITION, seconds=120.0)
    assert record.status == "interrupted"
    assert left_behind(record.run) == []
    assert not list(record.folder.rglob("*.part"))
    events = [json.loads(line) for line in (record.folder / "events.jsonl").read_text().splitlines()]
    assert ("failed", "train") in [(event["event"], event.get("stage")) for event in events], "it could tidy up"


def test_an_engine_that_vanishes_fails_the_stage(
    run_contained: Run, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with engine_proxy() as proxy, monkeypatch.context() as patch:
        patch.setenv("DOCKER_HOST", proxy.address)
        when_training(home, proxy.cut)
        record = run_contained(toy.DEFINITION, seconds=120.0)
    for container in left_behind(record.run):  # nobody could remove it
        container.remove(force=True)
    assert record.failure is not None
    assert (record.failure.stage, record.failure.exit_code) == ("train", EngineError.exit_code)
    assert "The Docker engine does not answer" in record.failure.error


def test_no_engine_is_told_before_anything_runs(armillary: Armillary, home: Path) -> None:
    done = armillary("run", "toy", "--preset", "smoke", "--runner", "docker", DOCKER_HOST="unix:///nowhere.sock")
    assert done.returncode == EngineError.exit_code
    assert "The Docker engine does not answer" in done.stderr
    assert "--runner process" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (home / "runs").exists()


def test_a_missing_image_is_told_before_anything_runs() -> None:
    engine()
    with pytest.raises(EngineError, match="make images") as told:
        prepare(container_toy.without_image)
    assert "armillary-python-cpu:of-no-code-at-all" in told.value.problem


def test_options_of_containers_need_containers(armillary: Armillary) -> None:
    done = armillary("run", "toy", "--dev")
    assert done.returncode == ParameterError.exit_code
    assert "--runner docker" in done.stderr


def test_another_kfp_is_refused(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    containers = prepare(container_toy.DEFINITION.pipeline, dev=True)
    monkeypatch.setattr(kfp, "__version__", "2.18.0")
    with pytest.raises(EngineError, match=r"2\.18\.0"), in_containers(containers, home, []):
        pass


@pytest.mark.slow
def test_the_same_seed_gives_the_same_scores_in_both_runners(armillary: Armillary, tmp_path: Path) -> None:
    newest_image()
    scores = {}
    for runner, options in {"process": (), "docker": ("--dev",)}.items():
        done = armillary(
            *("run", "quasar-redshift", "--preset", "smoke", "--json", "--runner", runner, *options),
            ARMILLARY_HOME=str(tmp_path / runner),
        )
        assert done.returncode == 0, done.stderr
        scores[runner] = json.loads(done.stdout.splitlines()[-1])["scores"]
    known = [
        {
            (name, part): value
            for name, one in scores[runner].items()
            for part, value in one.items()
            if value is not None
        }
        for runner in ("process", "docker")
    ]
    # Sums depend on where arrays lie in memory, by their last digits.
    assert known[1] == pytest.approx(known[0], rel=0.02, abs=0.02)


def test_doctor_tells_about_engine_and_images(armillary: Armillary) -> None:
    newest_image()
    done = armillary("doctor")
    assert "docker engine  ok" in done.stdout
    assert "armillary-python-" in done.stdout
    without = armillary("doctor", DOCKER_HOST="unix:///nowhere.sock")
    assert "engine" not in without.stdout.splitlines()[-1], "no stage needs one"
    assert "docker engine  not here" in without.stdout
    assert "apt-get install docker.io" in without.stdout
