"""Compiled files: kept in `tests/golden`, and written by `armillary compile`."""

import dataclasses
import re
from collections.abc import Mapping
from pathlib import Path

import pytest
import toy
import unsound
import yaml
from command_line import Armillary
from golden import comparable, golden_files
from google.protobuf import json_format
from kfp.kubernetes.kubernetes_executor_config_pb2 import KubernetesExecutorConfig
from kfp.pipeline_spec.pipeline_spec_pb2 import PipelineSpec

from components.common.component import content_hash
from components.common.errors import ArmillaryError, ParameterError
from pipelines.catalogue import EXERCISES, Exercise
from pipelines.compilation import compile_exercise, compile_objects
from pipelines.placement import Settings
from pipelines.static_checks import specifications

each_exercise = pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.slug)
LARGEST_GOLDEN_FILE = 500_000


@each_exercise
def test_golden_files_are_what_is_compiled_now(exercise: Exercise) -> None:
    for path, text in golden_files(exercise).items():
        kept = path.read_text(encoding="ascii")
        assert comparable(kept) == comparable(text), "look at the difference, then run: make golden"
        assert len(kept) < LARGEST_GOLDEN_FILE


def test_there_is_no_golden_file_of_nothing() -> None:
    (folder,) = {path.parent for exercise in EXERCISES for path in golden_files(exercise)}
    assert {p for exercise in EXERCISES for p in golden_files(exercise)} == set(folder.iterdir())


@each_exercise
def test_the_protocol_buffers_of_kubeflow_read_what_is_compiled(exercise: Exercise) -> None:
    """Their parser refuses names that the server would not know."""
    for text in golden_files(exercise).values():
        pipeline, platform = specifications(list(yaml.safe_load_all(text)))
        read = json_format.ParseDict(pipeline, PipelineSpec())
        assert read.pipeline_info.name == exercise.slug
        executors = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
        assert set(executors) == set(pipeline["deploymentSpec"]["executors"])
        for executor in executors.values():
            json_format.ParseDict(executor, KubernetesExecutorConfig())


def test_compiling_again_gives_the_same_bytes_and_the_same_version() -> None:
    assert compile_exercise(toy.DEFINITION, "demo") == compile_exercise(toy.DEFINITION, "demo")
    assert compile_objects(toy.DEFINITION, "demo") == compile_objects(toy.DEFINITION, "demo")


def test_whatever_changes_takes_another_version() -> None:
    longer = {**toy.DEFINITION.presets, "demo": {"rows": 8}}
    versions = [
        compile_exercise(toy.DEFINITION, "demo").version,
        compile_exercise(toy.DEFINITION, "smoke").version,
        compile_exercise(toy.DEFINITION, "demo", Settings(secret="another")).version,
        compile_exercise(dataclasses.replace(toy.DEFINITION, presets=longer), "demo").version,
    ]
    assert len(set(versions)) == len(versions)
    assert all(re.fullmatch(r"toy-(demo|smoke)-[0-9a-f]{16}", version) for version in versions)
    assert compile_objects(toy.DEFINITION, "demo", "elsewhere").version == versions[0], (
        "the namespace is no content"
    )


def test_the_preset_gives_the_defaults() -> None:
    pipeline, platform = yaml.safe_load_all(compile_exercise(toy.DEFINITION, "demo").text)
    defaults = {k: v["defaultValue"] for k, v in pipeline["root"]["inputDefinitions"]["parameters"].items()}
    assert (defaults["rows"], defaults["seconds"], defaults["gpus"]) == (7, 8.0, "0")
    assert "platforms" in platform
    with pytest.raises(ParameterError, match="Did you mean 'demo'"):
        compile_exercise(toy.DEFINITION, "dmeo")


def test_objects_name_their_pipeline_version_and_namespace() -> None:
    compiled = compile_objects(toy.DEFINITION, "demo", "astronomy")
    pipeline, version = yaml.safe_load_all(compiled.text)
    assert (pipeline["kind"], version["kind"]) == ("Pipeline", "PipelineVersion")
    assert {document["apiVersion"] for document in (pipeline, version)} == {"pipelines.kubeflow.org/v2beta1"}
    assert pipeline["metadata"] == {"name": "toy", "namespace": "astronomy"}
    assert version["metadata"] == {"name": compiled.version, "namespace": "astronomy"}
    assert version["spec"]["pipelineName"] == "toy"
    assert "namespace" not in next(yaml.safe_load_all(compile_objects(toy.DEFINITION, "demo").text))["metadata"]


def test_what_would_fail_on_a_cluster_is_not_compiled() -> None:
    pipeline = unsound.training_on_a_condition
    definition = dataclasses.replace(toy.DEFINITION, pipeline=pipeline, presets={"demo": {}})
    with pytest.raises(ArmillaryError, match="must not go to a cluster:\n- train-nothing reads") as caught:
        compile_exercise(definition, "demo")
    assert caught.value.remedy == "Mend the wiring, and compile again."


def test_no_credentials_are_compiled(environment: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = [environment[name] for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")]
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    definition = EXERCISES[0].load()
    texts = [compile_exercise(definition, "full").text, compile_objects(definition, "full").text]
    kept = [path.read_text(encoding="ascii") for path in golden_files(EXERCISES[0])]
    for text in [*texts, *kept]:
        assert all(secret not in text for secret in secrets)
        assert not re.search(r"AWS_SECRET\w*['\"]?\s*[:=]\s*\S", text), "the name stands there, never a value"
        assert environment["AWS_ENDPOINT_URL"] not in text


def test_the_command_writes_one_or_all(armillary: Armillary, tmp_path: Path) -> None:
    completed = armillary("compile", "toy", "--output", tmp_path / "one", "--preset", "smoke")
    assert completed.returncode == 0, completed.stderr
    file = tmp_path / "one" / "toy.yaml"
    assert re.fullmatch(rf"{file}: version toy-smoke-[0-9a-f]{{16}}\n", completed.stdout)
    text = file.read_text(encoding="ascii")
    assert f"armillary-python-cpu:{content_hash()}" in text
    assert text == compile_exercise(toy.DEFINITION, "smoke").text

    completed = armillary(
        "compile", "--all", "--kubernetes", "--namespace", "kubeflow", "--output", tmp_path / "all"
    )
    assert completed.returncode == 0, completed.stderr
    assert {path.name for path in (tmp_path / "all").iterdir()} == {
        *(f"{exercise.slug}.kubernetes.yaml" for exercise in EXERCISES),
        "toy.kubernetes.yaml",
    }
    for path in (tmp_path / "all").iterdir():
        kinds = [document["kind"] for document in yaml.safe_load_all(path.read_text(encoding="ascii"))]
        assert kinds == ["Pipeline", "PipelineVersion"], "the folder can be applied as it is"


@pytest.mark.parametrize(
    ("arguments", "remedy"),
    [
        ([], "Name an exercise, or give --all."),
        (["toy", "--all"], "Name an exercise, or give --all."),
        (["tyo"], "Did you mean 'toy'?"),
        (["toy", "--preset", "smke"], "Did you mean 'smoke'?"),
        (["toy", "--namespace", "kubeflow"], "Add --kubernetes."),
        (["toy", "--kubernetes", "--namespace", "Kube_flow"], "small letters, digits and hyphens"),
    ],
)
def test_a_wrong_word_writes_nothing(
    armillary: Armillary, tmp_path: Path, arguments: list[str], remedy: str
) -> None:
    completed = armillary("compile", *arguments, "--output", tmp_path / "out")
    assert completed.returncode == 2
    assert remedy in completed.stderr
    assert not (tmp_path / "out").exists()
