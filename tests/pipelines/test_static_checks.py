"""The static checks, on what the compiler really writes for pipelines that would fail on a cluster."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import unsound
import yaml
from golden import golden_files
from kfp.compiler import Compiler

from pipelines.catalogue import EXERCISES
from pipelines.static_checks import find_faults, specifications

Compile = Callable[[Any], list[Any]]


@pytest.fixture
def compiled(tmp_path: Path) -> Compile:
    def run(pipeline: Any) -> list[Any]:
        Compiler().compile(pipeline, str(tmp_path / "pipeline.yaml"))
        return list(yaml.safe_load_all((tmp_path / "pipeline.yaml").read_text(encoding="utf-8")))

    return run


@pytest.fixture(scope="module")
def sound() -> list[Any]:
    text = next(text for path, text in golden_files(EXERCISES[0]).items() if "kubernetes" not in path.name)
    return list(yaml.safe_load_all(text))


def test_what_the_catalogue_compiles_to_is_sound() -> None:
    for exercise in EXERCISES:
        for path, text in golden_files(exercise).items():
            assert find_faults(list(yaml.safe_load_all(text))) == [], path
            assert find_faults(list(yaml.safe_load_all(path.read_text(encoding="ascii")))) == [], path


@pytest.mark.parametrize(
    ("pipeline", "task", "reads"),
    [
        (unsound.gpus_in_a_loop, "train-nothing", "pipelinechannel--gpus"),
        (unsound.memory_in_a_condition, "ingest-nothing", "pipelinechannel--memory"),
        (unsound.gpus_in_an_exit_handler, "train-nothing", "pipelinechannel--gpus"),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_a_parameterised_resource_inside_a_group_is_found(
    compiled: Compile, pipeline: Any, task: str, reads: str
) -> None:
    faults = "\n".join(find_faults(compiled(pipeline)))
    assert f"{task} reads {reads}, which comp-" in faults
    assert f"{task} has a resource that is a parameter inside a loop" in faults


def test_a_nested_pipeline_may_ask_for_gpus(compiled: Compile) -> None:
    faults = "\n".join(find_faults(compiled(unsound.gpus_in_a_nested_pipeline)))
    assert "reads" not in faults
    assert "a resource that is a parameter" not in faults
    assert "train-nothing has no retries" in faults, "its tasks are looked at, too"


def test_the_image_of_somebody_else_is_found(compiled: Compile) -> None:
    faults = find_faults(compiled(unsound.foreign_image))
    assert "preprocess-elsewhere runs the image 'python:3.11', which is none of ours" in faults[0]


@pytest.mark.parametrize("registry", ["registry.example:5000/", "ghcr.io/observatory/", "armillary-python-cpu/"])
def test_our_images_may_lie_in_any_registry(sound: list[Any], registry: str) -> None:
    documents = copy.deepcopy(sound)
    for executor in documents[0]["deploymentSpec"]["executors"].values():
        executor["container"]["image"] = registry + executor["container"]["image"]
    assert find_faults(documents) == []


def test_letters_beyond_ascii_are_found_though_yaml_escapes_them(compiled: Compile) -> None:
    faults = "\n".join(find_faults(compiled(unsound.accents)))
    assert r"pipelineInfo.description is not ASCII, which a cluster's database may refuse: 'D\xe9calages" in faults


def test_credentials_in_plain_text_are_found(compiled: Compile, monkeypatch: pytest.MonkeyPatch) -> None:
    documents = compiled(unsound.credentials_in_plain_text)
    assert any("AWS_SECRET_ACCESS_KEY in plain text" in fault for fault in find_faults(documents, secrets=[]))
    where = "0.root.inputDefinitions.parameters.password.defaultValue holds what looks like a secret"
    assert not any(where in fault for fault in find_faults(documents, secrets=[]))
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s3cret-of-the-store")
    found = find_faults(documents)
    assert any(where in fault for fault in found)
    assert not any("s3cret" in fault for fault in found), "the message must not tell it either"


@pytest.mark.parametrize(
    "value",
    ["AKIA" + "A1B2C3D4E5F6G7H8", "-----BEGIN RSA " + "PRIVATE KEY-----", "postgres://user:" + "word@host/db"],
)
def test_values_that_look_like_secrets_are_found(sound: list[Any], value: str) -> None:
    documents = copy.deepcopy(sound)
    documents[0]["root"]["inputDefinitions"]["parameters"]["location"]["defaultValue"] = f"x {value}"
    (fault,) = find_faults(documents)
    assert "parameters.location.defaultValue holds what looks like a secret" in fault


def _remove_retries(pipeline: Any, platform: Any) -> None:
    del pipeline["root"]["dag"]["tasks"]["train-conv1d"]["retryPolicy"]


def _remove_display_name(pipeline: Any, platform: Any) -> None:
    del pipeline["root"]["dag"]["tasks"]["train-conv1d"]["taskInfo"]


def _remove_caching_policy(pipeline: Any, platform: Any) -> None:
    del pipeline["root"]["dag"]["tasks"]["train-conv1d"]["cachingOptions"]


def _remove_memory_limit(pipeline: Any, platform: Any) -> None:
    del pipeline["deploymentSpec"]["executors"]["exec-train-conv1d"]["container"]["resources"][
        "resourceMemoryLimit"
    ]


def _remove_accelerator(pipeline: Any, platform: Any) -> None:
    del pipeline["deploymentSpec"]["executors"]["exec-train-conv1d"]["container"]["resources"]["accelerator"]


def _remove_variables(pipeline: Any, platform: Any) -> None:
    del pipeline["deploymentSpec"]["executors"]["exec-train-conv1d"]["container"]["env"]


def _remove_timeout(pipeline: Any, platform: Any) -> None:
    del platform["exec-train-conv1d"]["activeDeadlineSeconds"]


def _remove_volumes(pipeline: Any, platform: Any) -> None:
    del platform["exec-train-conv1d"]["emptyDirMounts"]


def _remove_run(pipeline: Any, platform: Any) -> None:
    del platform["exec-train-conv1d"]["fieldPathAsEnv"]


def _remove_gateway(pipeline: Any, platform: Any) -> None:
    del platform["exec-train-conv1d"]["configMapAsEnv"]


def _remove_secret(pipeline: Any, platform: Any) -> None:
    del platform["exec-train-conv1d"]["secretAsEnv"]


@pytest.mark.parametrize(
    ("remove", "missing"),
    [
        (_remove_retries, "retries"),
        (_remove_display_name, "display name"),
        (_remove_caching_policy, "caching policy"),
        (_remove_memory_limit, "resourceMemoryLimit"),
        (_remove_accelerator, "number of GPUs"),
        (_remove_variables, "variable HOME"),
        (_remove_timeout, "timeout"),
        (_remove_volumes, "writable /tmp, shared memory"),
        (_remove_secret, "credentials from a Secret"),
        (_remove_run, "variable ARMILLARY_RUN"),
        (_remove_gateway, "variable ARMILLARY_PUSHGATEWAY"),
    ],
)
def test_a_setting_that_is_missing_is_found(
    sound: list[Any], remove: Callable[[Any, Any], None], missing: str
) -> None:
    documents = copy.deepcopy(sound)
    remove(documents[0], documents[1]["platforms"]["kubernetes"]["deploymentSpec"]["executors"])
    (fault,) = find_faults(documents)
    assert fault.startswith(f"train-conv1d has no {missing}")


def test_an_ingest_that_is_cached_is_found(sound: list[Any]) -> None:
    documents = copy.deepcopy(sound)
    documents[0]["root"]["dag"]["tasks"]["ingest-sdss-spectra"]["cachingOptions"] = {"enableCache": True}
    (fault,) = find_faults(documents)
    assert fault.startswith("ingest-sdss-spectra has no cache switched off")


def test_both_forms_of_a_compiled_file_hold_the_same_specifications() -> None:
    texts = [list(yaml.safe_load_all(text)) for text in golden_files(EXERCISES[0]).values()]
    first, second = map(specifications, texts[:2])
    assert first == second
    assert all(first)
