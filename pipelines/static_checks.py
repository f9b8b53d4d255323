"""What compiles and then fails on a cluster, or must never get there: found in the compiled documents alone.

Kubeflow checks little of this itself: a pipeline is accepted, starts, and fails at the stage concerned, which may
be the last one.
"""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Document = Mapping[str, Any]

SECRET_VARIABLES = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")

_IMAGE = re.compile(r"([\w.-]+(:\d+)?/)?([\w.-]+/)*armillary-python-(cpu|gpu):[0-9a-f]{16}")
_GROUP = re.compile(r"comp-(for-loop|condition|condition-branches|exit-handler)-\d+")
_PARAMETER = "{{$.inputs.parameters["
_RESOURCES = ("resourceCpuRequest", "resourceCpuLimit", "resourceMemoryRequest", "resourceMemoryLimit")
_VARIABLES = (
    "HOME",
    "MPLCONFIGDIR",
    "NUMBA_CACHE_DIR",
    "OMP_WAIT_POLICY",
    "OMP_NUM_THREADS",
    "ARMILLARY_EXERCISE",
    "ARMILLARY_PRESET",
)
_SECRET_NAME = re.compile(r"secret|password|passwd|token|access_?key|credential", re.IGNORECASE)
_SECRET_VALUE = re.compile(r"\b(AKIA|ASIA)[A-Z0-9]{16}\b|-----BEGIN [A-Z ]*PRIVATE KEY|://[^/\s:@]+:[^/\s:@]+@")
_SHORTEST_SECRET = 8  # a shorter one, such as a user called admin, also stands in innocent words


@dataclass(frozen=True)
class _Task:
    """A task that runs a container, wherever in the pipeline it stands."""

    name: str
    spec: Document
    container: Document
    platform: Document
    in_group: bool


def find_faults(documents: Sequence[Document], secrets: Sequence[str] | None = None) -> list[str]:
    """Check a compiled pipeline.

    Parameters
    ----------
    documents : sequence of mapping
        What the compiled file holds: the specification and that of the platform, or the objects for Kubernetes.
    secrets : sequence of str, optional
        Texts that must not occur; by default the credentials of this process's environment.

    Returns
    -------
    list of str
        What is wrong, each a sentence; empty when all is well.
    """
    if secrets is None:
        secrets = [os.environ.get(name, "") for name in SECRET_VARIABLES]
    pipeline, platform = specifications(documents)
    tasks = list(_tasks(pipeline, platform, pipeline["root"], in_group=False))
    faults = [
        *_undefined_inputs(pipeline),
        *(fault for task in tasks for fault in _task_faults(task)),
        *_text_faults(documents, [secret for secret in secrets if len(secret) >= _SHORTEST_SECRET]),
    ]
    return list(dict.fromkeys(faults))


def specifications(documents: Sequence[Document]) -> tuple[Document, Document]:
    """Return the specification of the pipeline and that of the platform, from either form of a compiled file."""
    for document in documents:
        if document.get("kind") == "PipelineVersion":
            return document["spec"]["pipelineSpec"], document["spec"].get("platformSpec", {})
    pipeline = next(document for document in documents if "pipelineInfo" in document)
    return pipeline, next((document for document in documents if "platforms" in document), {})


def _tasks(pipeline: Document, platform: Document, component: Document, in_group: bool) -> Iterator[_Task]:
    executors = platform.get("platforms", {}).get("kubernetes", {}).get("deploymentSpec", {}).get("executors", {})
    for name, task in component["dag"]["tasks"].items():
        reference = task["componentRef"]["name"]
        inner = pipeline["components"][reference]
        if "dag" in inner:
            yield from _tasks(pipeline, platform, inner, in_group or bool(_GROUP.fullmatch(reference)))
            continue
        label = inner["executorLabel"]
        executor = pipeline["deploymentSpec"]["executors"][label]
        yield _Task(name, task, executor.get("container", {}), executors.get(label, {}), in_group)


def _undefined_inputs(pipeline: Document) -> Iterator[str]:
    for name, component in {"root": pipeline["root"], **pipeline["components"]}.items():
        definitions = component.get("inputDefinitions", {})
        for task_name, task in component.get("dag", {}).get("tasks", {}).items():
            inputs = task.get("inputs", {})
            for kind, key in (("parameters", "componentInputParameter"), ("artifacts", "componentInputArtifact")):
                asked = {source[key] for source in inputs.get(kind, {}).values() if key in source}
                for missing in sorted(asked - set(definitions.get(kind, {}))):
                    yield f"{task_name} reads {missing}, which {name} does not hand down to it."


def _task_faults(task: _Task) -> Iterator[str]:
    image = task.container.get("image", "")
    if not _IMAGE.fullmatch(image):
        yield f"{task.name} runs the image {image!r}, which is none of ours: declare it with components.common."
    if task.in_group and _PARAMETER in str(task.container.get("resources", {})):
        yield (
            f"{task.name} has a resource that is a parameter inside a loop, a condition or an exit handler, where "
            "it is never resolved: give it a constant, or move the task to the top level."
        )
    if missing := [what for what, is_there in _settings(task).items() if not is_there]:
        yield f"{task.name} has no {', '.join(missing)}: compile it through pipelines/placement.py."
    for variable in task.container.get("env", []):
        if _SECRET_NAME.search(variable["name"]):
            yield f"{task.name} has {variable['name']} in plain text: take it from the Secret."


def _settings(task: _Task) -> dict[str, bool]:
    """Name what such a task has to have, each with whether this one has it."""
    mounts = {mount["mountPath"]: mount for mount in task.platform.get("emptyDirMounts", [])}
    resources = task.container.get("resources", {})
    variables = {variable["name"] for variable in task.container.get("env", [])}
    fields = {field["name"] for field in task.platform.get("fieldPathAsEnv", [])}
    maps = task.platform.get("configMapAsEnv", [])
    found = {
        "display name": bool(task.spec.get("taskInfo", {}).get("name")),
        "caching policy": "cachingOptions" in task.spec,
        "retries": task.spec.get("retryPolicy", {}).get("maxRetryCount", 0) > 0,
        "timeout": int(task.platform.get("activeDeadlineSeconds", 0)) > 0,
        "writable /tmp": "/tmp" in mounts,
        "credentials from a Secret": bool(task.platform.get("secretAsEnv")),
        "variable ARMILLARY_RUN": "ARMILLARY_RUN" in fields,
        "variable ARMILLARY_PUSHGATEWAY": "ARMILLARY_PUSHGATEWAY" in str(maps),
        **{name: name in resources for name in _RESOURCES},
        **{f"variable {name}": name in variables for name in _VARIABLES},
    }
    if task.name.startswith(("ingest", "promote")):
        found["cache switched off"] = not task.spec.get("cachingOptions", {}).get("enableCache", False)
    if task.name.startswith("train"):
        found["number of GPUs"] = "resourceCount" in resources.get("accelerator", {})
        found["shared memory"] = mounts.get("/dev/shm", {}).get("medium") == "Memory"
    return found


def _text_faults(documents: Sequence[Document], secrets: Sequence[str]) -> Iterator[str]:
    for where, text in _texts(documents, ""):
        if not text.isascii():
            yield f"{where} is not ASCII, which a cluster's database may refuse: {ascii(text)[:60]}."
        if _SECRET_VALUE.search(text) or any(secret in text for secret in secrets):
            yield f"{where} holds what looks like a secret: take it from the Secret at run time."


def _texts(value: Any, where: str) -> Iterator[tuple[str, str]]:
    """All texts of a document, keys included, each with the path to it."""
    if isinstance(value, str):
        yield where.lstrip("."), value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield where.lstrip("."), key
            yield from _texts(item, f"{where}.{key}")
    elif isinstance(value, Sequence):
        for number, item in enumerate(value):
            yield from _texts(item, f"{where}.{number}")
