"""`armillary schedule` against the interface that Kubeflow publishes; see `stub` for what that proves."""

import dataclasses
import json
from collections.abc import Iterator
from typing import Any

import pytest
import toy
import yaml
from command_line import Armillary
from stub import Fault, Stub

from components.common.errors import ParameterError
from pipelines.catalogue import EXERCISES
from pipelines.cluster import schedules
from pipelines.cluster.client import Cluster, connect
from pipelines.cluster.cron import parse_cron
from pipelines.cluster.errors import ClusterError, NotFoundError, TakenError
from pipelines.compilation import compile_exercise

pytestmark = pytest.mark.contract

NIGHTLY, WEEKLY = parse_cron("0 0 3 * * *"), parse_cron("0 0 3 * * sun")
SCHEDULE_TIME = "{{$.pipeline_job_schedule_time_utc}}"


@pytest.fixture
def cluster(stub: Stub) -> Cluster:
    return connect(stub.url, environment={})


def make(cluster: Cluster, name: str = "nightly", cron: Any = NIGHTLY, function: Any = schedules.create) -> Any:
    published = schedules.publish_newest(cluster, toy.DEFINITION, "toy", "smoke")
    return function(cluster, published, name=name, cron=cron, experiment="toy", parameters={"gpus": "0"})


def changed(**presets: Any) -> Any:
    """Return the toy with other values, which is other code."""
    return dataclasses.replace(toy.DEFINITION, presets={"smoke": {"rows": 3}, "demo": {}} | presets)


def test_schedule_as_the_manual_has_it(armillary: Armillary, stub: Stub) -> None:
    done = armillary("schedule", "toy", "--cron", "0 0 3 * * *", "--set", "rows=9", "--host", stub.url)
    assert done.returncode == 0, done.stderr
    (run,) = stub.recurring.values()
    assert (run.display_name, run.trigger.cron_schedule.cron) == ("toy-demo", "0 0 3 * * *")
    assert (run.no_catchup, run.max_concurrency, run.mode) == (True, "1", "ENABLE")
    assert run.runtime_config.parameters == {"rows": 9, "gpus": "0"}, "the rest is left to the newest version"
    assert run.pipeline_version_reference.pipeline_version_id is None, "no version: each firing takes the newest"
    (pipeline,) = stub.pipelines.values()
    assert pipeline.name == "toy-demo-scheduled"
    told = [line for line in done.stdout.splitlines() if line.startswith("fires ")]
    assert len(told) == 3
    assert all(line.endswith(" 03:00:00 UTC") for line in told)
    assert f"{stub.url}/#/recurringrun/details/{run.recurring_run_id}" in done.stdout


def test_the_whole_life_of_a_schedule_on_the_command_line(armillary: Armillary, stub: Stub) -> None:
    host = {"KFP_HOST": stub.url}

    def listed() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(armillary("schedule", "list", "--json", **host).stdout)
        return found

    assert "There are no schedules." in armillary("schedule", "list", **host).stdout
    assert (
        armillary("schedule", "create", "toy", "--cron", "0 0 3 * * *", "--name", "nightly", **host).returncode
        == 0
    )
    assert armillary("schedule", "pause", "nightly", **host).returncode == 0
    assert [(s["name"], s["enabled"]) for s in listed()] == [("nightly", False)]
    replaced = armillary("schedule", "replace", "toy", "--cron", "0 30 4 * * *", "--name", "nightly", **host)
    assert replaced.returncode == 0, replaced.stderr
    assert ", paused" in replaced.stdout
    assert [(s["cron"], s["enabled"]) for s in listed()] == [("0 30 4 * * *", False)]
    assert armillary("schedule", "resume", "nightly", **host).returncode == 0
    table = armillary("schedule", "list", **host).stdout.splitlines()
    assert table[1].split()[:8] == ["nightly", "0", "30", "4", "*", "*", "*", "yes"]
    assert armillary("schedule", "publish", "toy", **host).returncode == 0
    assert armillary("schedule", "delete", "nightly", **host).returncode == 0
    assert listed() == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["toy", "--cron", "0 3 * * *"], 'write "0 0 3 * * *"'),
        (["toy", "--cron", "0 0 3 * * 8"], "'8' is no day of the week"),
        (["toy", "--cron", "0 0 3 * * *", "--preset", "dmeo"], "Did you mean 'demo'?"),
        (["toy", "--cron", "0 0 3 * * *", "--set", "rosw=3"], "Did you mean 'rows'?"),
        (["toy", "--cron", "0 0 3 * * *", "--set", "data_version=x"], "data_version is the time of the schedule."),
        (["toy"], "Missing option '--cron'"),
        (["tyo", "--cron", "0 0 3 * * *"], "Did you mean 'toy'?"),
    ],
)
def test_a_mistake_is_told_before_any_request(
    armillary: Armillary, stub: Stub, arguments: list[str], words: str
) -> None:
    done = armillary("schedule", *arguments, KFP_HOST=stub.url)
    assert done.returncode == 2
    assert words in done.stderr
    assert stub.requests == []


def test_help_shows_both_ways(armillary: Armillary) -> None:
    done = armillary("schedule", "--help")
    assert done.returncode == 0
    for word in ("<exercise> --cron", "create", "list", "pause", "resume", "replace", "delete", "publish"):
        assert word in done.stdout


def test_a_name_that_is_taken_points_to_replace(stub: Stub, cluster: Cluster) -> None:
    make(cluster)
    with pytest.raises(TakenError, match="armillary schedule replace"):
        make(cluster)
    assert len(stub.recurring) == 1


def test_a_refused_schedule_publishes_nothing(armillary: Armillary, stub: Stub, cluster: Cluster) -> None:
    make(cluster)
    arguments = ("toy", "--cron", "0 0 3 * * *", "--preset", "demo", "--host", stub.url)
    taken = armillary("schedule", *arguments, "--name", "nightly")
    missing = armillary("schedule", "replace", *arguments, "--name", "weekly")
    assert (taken.returncode, missing.returncode) == (1, 1)
    assert "armillary schedule replace" in taken.stderr
    assert "There are: nightly." in missing.stderr
    assert [pipeline.name for pipeline in stub.pipelines.values()] == ["toy-smoke-scheduled"]


def test_replacing_creates_before_it_deletes(stub: Stub, cluster: Cluster) -> None:
    old = make(cluster)
    new = make(cluster, cron=WEEKLY, function=schedules.replace)
    assert [s.cron for s in schedules.list_schedules(cluster)] == ["0 0 3 * * sun"]
    changes = [r for r in stub.requests if "/recurringruns" in r[1] and r[0] != "GET"]
    assert [method for method, _ in changes] == ["POST", "POST", "DELETE"]
    assert changes[2][1].endswith(old.identity)
    assert new.identity != old.identity


def test_a_replacement_that_cannot_be_made_leaves_the_old_one(stub: Stub, cluster: Cluster) -> None:
    old = make(cluster)
    stub.fail("POST", "/apis/v2beta1/recurringruns", Fault(500, '{"message": "no"}'))
    with pytest.raises(ClusterError, match=r"500\. no"):
        make(cluster, cron=WEEKLY, function=schedules.replace)
    assert schedules.list_schedules(cluster) == [old]


def test_an_old_one_that_cannot_be_deleted_is_named(stub: Stub, cluster: Cluster) -> None:
    old = make(cluster)
    stub.fail("DELETE", "/apis/v2beta1/recurringruns", Fault(500, '{"message": "no"}'))
    with pytest.raises(ClusterError, match="the old one fires as well") as caught:
        make(cluster, cron=WEEKLY, function=schedules.replace)
    assert f"armillary schedule delete {old.identity}" in caught.value.remedy
    with pytest.raises(ClusterError, match="There are 2 schedules nightly"):
        schedules.find_schedule(cluster, "nightly")
    assert schedules.find_schedule(cluster, old.identity) == old


def test_what_is_not_there_is_answered_with_what_is(stub: Stub, cluster: Cluster) -> None:
    with pytest.raises(NotFoundError, match="There are none at all"):
        make(cluster, "nightly", function=schedules.replace)
    make(cluster)
    with pytest.raises(NotFoundError, match="There are: nightly"):
        schedules.find_schedule(cluster, "weekly")


def test_a_firing_takes_the_newest_version_and_the_stored_parameters(stub: Stub, cluster: Cluster) -> None:
    make(cluster)
    (recurring,) = stub.recurring.values()
    first = stub.fire(recurring)
    newer = schedules.publish_newest(cluster, changed(smoke={"rows": 4}), "toy", "smoke")
    second = stub.fire(recurring)
    assert newer.uploaded
    assert first.pipeline_version_id != second.pipeline_version_id == newer.version_id
    assert second.runtime_config.parameters == {"gpus": "0"}


def test_going_back_to_older_code_makes_it_the_newest_again(stub: Stub, cluster: Cluster) -> None:
    first = schedules.publish_newest(cluster, toy.DEFINITION, "toy", "smoke")
    schedules.publish_newest(cluster, changed(smoke={"rows": 4}), "toy", "smoke")
    for _ in range(2):
        back = schedules.publish_newest(cluster, toy.DEFINITION, "toy", "smoke")
        assert stub.newest(back.pipeline_id).name == f"{first.version}-3"
    assert len(stub.versions) == 3


def test_trying_something_out_does_not_change_what_is_scheduled(stub: Stub, cluster: Cluster) -> None:
    from pipelines.cluster.submission import publish

    make(cluster)
    publish(cluster, "toy", compile_exercise(changed(smoke={"rows": 5}), "smoke"))
    (recurring,) = stub.recurring.values()
    fired = stub.fire(recurring)
    assert stub.versions[fired.pipeline_version_id].pipeline_id == recurring.pipeline_version_reference.pipeline_id


def ingests(text: str) -> Iterator[dict[str, Any]]:
    """Give the tasks that ingest, at whatever depth."""
    pipeline = next(yaml.safe_load_all(text))
    for component in [pipeline["root"], *pipeline["components"].values()]:
        for name, task in component.get("dag", {}).get("tasks", {}).items():
            if "data_version" in task.get("inputs", {}).get("parameters", {}) and name.startswith("ingest"):
                yield task


@pytest.mark.parametrize(
    "definition", [toy.DEFINITION, *[e.load() for e in EXERCISES]], ids=lambda d: str(d.pipeline.name)
)
def test_ingest_gets_the_schedule_time_as_a_constant_and_is_not_cached(definition: Any) -> None:
    """Kubeflow's driver puts the time there only where the placeholder is the constant of a task's input."""
    for preset in definition.presets:
        found = list(ingests(compile_exercise(schedules.scheduled(definition), preset).text))
        assert found
        for task in found:
            assert task["inputs"]["parameters"]["data_version"] == {"runtimeValue": {"constant": SCHEDULE_TIME}}
            assert not task["cachingOptions"].get("enableCache")


def test_a_scheduled_version_differs_from_that_of_a_single_run() -> None:
    single = compile_exercise(toy.DEFINITION, "smoke")
    assert SCHEDULE_TIME not in single.text
    assert compile_exercise(schedules.scheduled(toy.DEFINITION), "smoke").version != single.version


def test_parameters_are_typed_and_nothing_is_added() -> None:
    checked = schedules.check_settings(toy.DEFINITION, "smoke", {"rows": "12", "deep": "yes"}, 2)
    assert checked == {"rows": 12, "deep": True, "gpus": "2"}
    with pytest.raises(ParameterError, match="names files of this machine"):
        schedules.check_settings(toy.DEFINITION, "smoke", {"location": "/data"}, 0)


def test_several_pages_are_one_list(stub: Stub, cluster: Cluster) -> None:
    make(cluster)
    page = {"recurringRuns": [{"recurring_run_id": "a", "display_name": "other"}], "next_page_token": "more"}
    stub.fail("GET", "/apis/v2beta1/recurringruns", Fault(200, json.dumps(page)))
    assert [s.name for s in schedules.list_schedules(cluster)] == ["other", "nightly"]
