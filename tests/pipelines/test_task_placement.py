"""What a cluster is told of the tasks, and that a laptop is told nothing of it."""

import dataclasses
import inspect
from typing import Any

import pytest
import toy
import unsound
from google.protobuf import json_format

from components.common.errors import ParameterError
from pipelines.catalogue import EXERCISES
from pipelines.parameters import resolve
from pipelines.placement import SECRET_KEYS, Settings, placed


def executors(pipeline: Any) -> dict[str, Any]:
    found: dict[str, Any] = json_format.MessageToDict(pipeline.pipeline_spec)["deploymentSpec"]["executors"]
    return {name: executor["container"] for name, executor in found.items()}


def platform(pipeline: Any) -> dict[str, Any]:
    specification = json_format.MessageToDict(pipeline.platform_spec)
    found: dict[str, Any] = specification["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    return found


def tasks(pipeline: Any) -> dict[str, Any]:
    found: dict[str, Any] = json_format.MessageToDict(pipeline.pipeline_spec)["root"]["dag"]["tasks"]
    return found


def test_a_laptop_is_told_nothing() -> None:
    placed(toy.DEFINITION, "full")
    own = toy.DEFINITION.pipeline
    assert "gpus" not in inspect.signature(own.pipeline_func).parameters
    assert all("env" not in container and "resources" not in container for container in executors(own).values())
    assert json_format.MessageToDict(own.platform_spec) == {}
    assert all(task["cachingOptions"]["enableCache"] for task in tasks(own).values()), (
        "of laptops ingest is cached"
    )


def test_gpus_are_a_text_beside_the_parameters_of_the_exercise() -> None:
    pipeline = placed(toy.DEFINITION, "demo")
    own = inspect.signature(toy.toy.pipeline_func).parameters
    found = inspect.signature(pipeline.pipeline_func).parameters
    assert list(found) == [*own, "gpus"]
    gpus = pipeline.pipeline_spec.root.input_definitions.parameters["gpus"]
    assert json_format.MessageToDict(gpus)["parameterType"] == "STRING"
    assert gpus.default_value.string_value == "0"


def test_gpus_are_set_as_any_other_parameter() -> None:
    definition = dataclasses.replace(toy.DEFINITION, pipeline=placed(toy.DEFINITION, "demo"))
    assert resolve(definition, "demo", {"gpus": "1", "rows": "3"})["gpus"] == "1"
    with pytest.raises(ParameterError, match="There is no parameter 'gpus'"):
        resolve(toy.DEFINITION, "demo", {"gpus": "1"})


def test_training_alone_asks_for_accelerators_and_shared_memory() -> None:
    pipeline = placed(toy.DEFINITION, "demo")
    accelerators = {name: c["resources"].get("accelerator") for name, c in executors(pipeline).items()}
    assert {name for name, value in accelerators.items() if value} == {"exec-train-slowly"}
    assert accelerators["exec-train-slowly"]["resourceType"] == "nvidia.com/gpu"
    count = accelerators["exec-train-slowly"]["resourceCount"]
    assert count == "{{$.inputs.parameters['pipelinechannel--gpus']}}"
    asked = tasks(pipeline)["train-slowly"]["inputs"]["parameters"]["pipelinechannel--gpus"]
    assert asked == {"componentInputParameter": "gpus"}
    mounts = {name: [m["mountPath"] for m in p["emptyDirMounts"]] for name, p in platform(pipeline).items()}
    assert mounts == {
        "exec-ingest-numbers": ["/tmp"],
        "exec-train-slowly": ["/tmp", "/dev/shm"],
        "exec-evaluate-numbers": ["/tmp"],
    }


def test_tasks_are_named_retried_limited_in_time_and_cached_but_for_ingest() -> None:
    pipeline = placed(toy.DEFINITION, "demo")
    found = tasks(pipeline)
    assert {t["taskInfo"]["name"] for t in found.values()} == {"ingest", "train", "evaluate"}
    assert all(t["retryPolicy"]["maxRetryCount"] == 3 for t in found.values())
    cached = {name: t["cachingOptions"].get("enableCache", False) for name, t in found.items()}
    assert cached == {"ingest-numbers": False, "train-slowly": True, "evaluate-numbers": True}
    assert all(int(p["activeDeadlineSeconds"]) >= 3600 for p in platform(pipeline).values())


def test_all_that_is_written_goes_below_tmp() -> None:
    for container in executors(placed(toy.DEFINITION, "demo")).values():
        variables = {v["name"]: v["value"] for v in container["env"]}
        assert variables["OMP_WAIT_POLICY"] == "PASSIVE"
        limit = container["resources"]["resourceCpuLimit"]
        assert variables["OMP_NUM_THREADS"] == variables["NUMBA_NUM_THREADS"] == limit
        folders = [variables[name] for name in ("HOME", "MPLCONFIGDIR", "NUMBA_CACHE_DIR")]
        assert all(folder.split("/")[1] == "tmp" for folder in folders)


def test_who_is_given_no_gpu_sees_none() -> None:
    blind = {"name": "NVIDIA_VISIBLE_DEVICES", "value": "void"}
    found = {
        name: blind in container["env"] for name, container in executors(placed(toy.DEFINITION, "demo")).items()
    }
    assert found == {"exec-ingest-numbers": True, "exec-train-slowly": False, "exec-evaluate-numbers": True}


def test_credentials_come_from_the_secret_under_the_names_of_the_shell() -> None:
    settings = Settings(secret="astronomers")
    for executor in platform(placed(toy.DEFINITION, "demo", settings)).values():
        (secret,) = executor["secretAsEnv"]
        assert secret["secretName"] == "astronomers"
        assert secret["optional"], "simulated data need no store"
        assert {pair["secretKey"]: pair["envVar"] for pair in secret["keyToEnv"]} == {k: k for k in SECRET_KEYS}


def test_a_stage_knows_its_exercise_its_run_and_the_gateway() -> None:
    pipeline = placed(toy.DEFINITION, "demo", Settings(config_map="observatory"))
    for container in executors(pipeline).values():
        assert {"name": "ARMILLARY_EXERCISE", "value": "toy"} in container["env"]
        assert {"name": "ARMILLARY_PRESET", "value": "demo"} in container["env"]
    for executor in platform(pipeline).values():
        (field,) = executor["fieldPathAsEnv"]
        assert field == {"name": "ARMILLARY_RUN", "fieldPath": "metadata.labels['pipeline/runid']"}
        (gateway,) = executor["configMapAsEnv"]
        assert gateway["optional"], "without it no metrics are pushed, and that is all"
        assert gateway["configMapNameParameter"]["runtimeValue"]["constant"] == "observatory"
        variable = "ARMILLARY_PUSHGATEWAY"
        assert gateway["keyToEnv"] == [{"configMapKey": variable, "envVar": variable}]


def test_training_goes_where_the_settings_say() -> None:
    settings = Settings(
        accelerator="amd.com/gpu",
        node_selector={"pool": "gpu"},
        tolerations=({"key": "gpu", "operator": "Equal", "value": "yes", "effect": "NoSchedule"},),
    )
    pipeline = placed(toy.DEFINITION, "demo", settings)
    train, ingest = platform(pipeline)["exec-train-slowly"], platform(pipeline)["exec-ingest-numbers"]
    assert train["nodeSelector"] == {"labels": {"pool": "gpu"}}
    assert train["tolerations"] == [{"key": "gpu", "operator": "Equal", "value": "yes", "effect": "NoSchedule"}]
    assert executors(pipeline)["exec-train-slowly"]["resources"]["accelerator"]["resourceType"] == "amd.com/gpu"
    assert {"nodeSelector", "tolerations"}.isdisjoint(ingest)
    assert "nodeSelector" not in platform(placed(toy.DEFINITION, "demo"))["exec-train-slowly"]


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.slug)
def test_sizes_grow_with_the_preset_and_a_laptop_can_hold_the_small_ones(exercise: Any) -> None:
    definition = exercise.load()
    smoke, demo, full = (executors(placed(definition, preset)) for preset in ("smoke", "demo", "full"))
    assert {name: c["resources"] for name, c in smoke.items()} == {
        name: c["resources"] for name, c in demo.items()
    }
    for name, container in demo.items():
        small, large = container["resources"], full[name]["resources"]
        assert small["cpuRequest"] <= 1.0, "of two processors the node's own programs need some"
        assert small["memoryLimit"] < 5.0
        for what in ("cpuRequest", "cpuLimit", "memoryRequest", "memoryLimit"):
            assert large[what] > small[what]


def test_a_stage_of_an_unknown_kind_is_refused() -> None:
    definition = dataclasses.replace(toy.DEFINITION, pipeline=unsound.stage_of_an_unknown_kind)
    with pytest.raises(ParameterError, match="No size is known for a stage of the kind 'judge'"):
        placed(definition, "demo")
