"""An ingest that fans out: its graph as compiled, and run for real by `kfp.local`."""

import builtins
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from command_line import Armillary
from kfp import dsl, local
from shard_tables import assert_same

from components.common.errors import ParameterError
from components.ingest.sdss_spectra.component import ingest_sdss_spectra
from pipelines.catalogue import EXERCISES
from pipelines.compilation import compile_exercise
from pipelines.parameters import resolve
from pipelines.placement import Settings
from pipelines.sharding import fan_out, sharded
from pipelines.stages import find_stage
from pipelines.static_checks import find_faults

INGEST, MERGE = "ingest-sdss-spectra", "merge-shards"


def _compiled(preset: str, shards: int = 0) -> tuple[Any, Any]:
    text = compile_exercise(EXERCISES[0].load(), preset, Settings(shards=shards)).text
    pipeline, platform = yaml.safe_load_all(text)
    assert find_faults([pipeline, platform]) == []
    return pipeline, platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]


def _loop(pipeline: Any) -> tuple[str, Any, Any]:
    ((name, task),) = [item for item in pipeline["root"]["dag"]["tasks"].items() if "parameterIterator" in item[1]]
    return name, task, pipeline["components"][task["componentRef"]["name"]]


@pytest.mark.parametrize(
    ("preset", "shards", "expected"),
    [("smoke", 0, 1), ("demo", 0, 1), ("full", 0, 8), ("paper", 0, 8), ("demo", 3, 3), ("full", 1, 1)],
)
def test_the_preset_or_the_settings_say_how_many_shards(preset: str, shards: int, expected: int) -> None:
    pipeline, executors = _compiled(preset, shards)
    tasks = pipeline["root"]["dag"]["tasks"]
    assert (MERGE in tasks) == (f"exec-{MERGE}" in executors) == (expected > 1)
    if expected == 1:
        assert INGEST in tasks
        constants = {name: tasks[INGEST]["inputs"]["parameters"][name] for name in ("shard", "shards")}
        assert [c["runtimeValue"]["constant"] for c in constants.values()] == [0, 1]
        return
    _, task, inner = _loop(pipeline)
    assert json.loads(task["parameterIterator"]["items"]["raw"]) == list(range(expected))
    made = inner["dag"]["tasks"][INGEST]["inputs"]["parameters"]
    assert made["shards"]["runtimeValue"]["constant"] == expected
    assert made["shard"] == {"componentInputParameter": task["parameterIterator"]["itemInput"]}


def test_what_the_shards_read_is_handed_down_to_them() -> None:
    pipeline, _ = _compiled("full")
    _, task, inner = _loop(pipeline)
    defined = set(inner["inputDefinitions"]["parameters"])
    (shard,) = inner["dag"]["tasks"].values()
    read = {
        source["componentInputParameter"]
        for source in shard["inputs"]["parameters"].values()
        if "componentInputParameter" in source
    }
    assert read == defined
    assert defined == {*task["inputs"]["parameters"], task["parameterIterator"]["itemInput"]}
    assert not any("gpus" in name for name in defined), "in a loop it would never be resolved"
    root = set(pipeline["root"]["inputDefinitions"]["parameters"])
    assert {source["componentInputParameter"] for source in task["inputs"]["parameters"].values()} <= root


def test_stages_after_the_loop_read_the_merged_table() -> None:
    pipeline, _ = _compiled("full")
    loop, task, _ = _loop(pipeline)
    tasks = pipeline["root"]["dag"]["tasks"]
    readers = {
        name: source["taskOutputArtifact"]["producerTask"]
        for name, other in tasks.items()
        for source in other.get("inputs", {}).get("artifacts", {}).values()
        if source["taskOutputArtifact"]["producerTask"] in (loop, MERGE)
    }
    assert readers.pop(MERGE) == loop
    assert set(readers.values()) == {MERGE}
    assert "preprocess-spectra" in readers
    names = [other["taskInfo"]["name"] for other in tasks.values()]
    assert {"shards", "merge", "preprocess", "train", "evaluate"} <= set(names)
    assert len(set(names)) == len(names)
    assert task["taskInfo"]["name"] == "shards"


def test_tasks_of_the_loop_have_all_that_others_have() -> None:
    pipeline, executors = _compiled("full")
    _, _, inner = _loop(pipeline)
    shard = inner["dag"]["tasks"][INGEST]
    assert not shard["cachingOptions"].get("enableCache", False), "an archive may have changed"
    assert (shard["taskInfo"]["name"], shard["retryPolicy"]["maxRetryCount"]) == ("ingest", 3)
    flat, alone = _compiled("full", shards=1)
    label = f"exec-{INGEST}"
    assert executors[label] == alone[label], "volumes, timeout and credentials"
    containers = [p["deploymentSpec"]["executors"][label]["container"] for p in (pipeline, flat)]
    assert containers[0] == containers[1], "image, resources and variables"


def test_what_is_no_number_of_shards_is_refused(armillary: Armillary, tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="0 shards"), sharded(0):
        pytest.fail("the block must not run")
    completed = armillary("compile", "quasar-redshift", "--shards", "-2", "--output", tmp_path)
    assert completed.returncode == 2
    assert completed.stderr.startswith("-2 shards cannot be made.")
    assert not list(tmp_path.glob("*.yaml"))


def test_the_command_compiles_shards(armillary: Armillary, tmp_path: Path) -> None:
    completed = armillary("compile", "quasar-redshift", "--shards", "3", "--output", tmp_path)
    assert completed.returncode == 0, completed.stderr
    (pipeline, *_) = yaml.safe_load_all((tmp_path / "quasar-redshift.yaml").read_text(encoding="ascii"))
    assert json.loads(_loop(pipeline)[1]["parameterIterator"]["items"]["raw"]) == [0, 1, 2]


def test_a_stage_that_is_called_alone_makes_the_whole_table() -> None:
    definition = EXERCISES[0].load()
    arguments = find_stage(definition, "ingest", resolve(definition, "smoke", {})).arguments
    assert (arguments["shard"], arguments["shards"]) == (0, 1)
    assert all(type(arguments[name]) is int for name in ("shard", "shards"))


def _only_ingest(shards: int) -> Any:
    with sharded(shards):

        @dsl.pipeline(name=f"ingest-in-{shards}")
        def pipeline(rows: int = 600, seed: int = -5) -> dsl.Dataset:
            whole = fan_out(
                ingest_sdss_spectra,
                source="simulated",
                rows=rows,
                seed=seed,
                location="",
                archive_url="https://data.sdss.org/sas",
                catalogue="",
                plates="",
                classes=["QSO"],
                minimum_redshift=0.0,
                maximum_redshift=7.0,
                data_version="",
            )
            return whole.outputs["dataset"]

    return pipeline


def test_a_sharded_pipeline_runs_and_writes_what_a_single_ingest_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three shards of three batches, and the plain graph, by the processes of `kfp.local`."""
    monkeypatch.setenv("ARMILLARY_EVENTS", str(tmp_path / "events.jsonl"))
    monkeypatch.setattr(builtins, "print", print)  # kfp's threads replace it, and may not put it back
    local.init(runner=local.SubprocessRunner(use_venv=False), pipeline_root=str(tmp_path / "root"))
    merged, plain = (Path(_only_ingest(shards)().outputs["Output"].path) for shards in (3, 1))
    assert_same(plain, merged)
    events = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    stages = [event["stage"] for event in events if event["event"] == "begin"]
    assert sorted(stages) == ["ingest", "ingest-0", "ingest-1", "ingest-2", "merge"]
