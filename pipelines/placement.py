"""Where and how stages run on a cluster: the one place for memory, processors, GPUs, retries and credentials.

An exercise is wiring and knows nothing of this. `placed` gives its tasks what a cluster needs when it is compiled;
on a laptop, where none of it means anything, the very same exercise runs without.

Caching: ingest always runs, because Kubeflow compares its parameters and never the archive behind them: a source
that has changed would be answered with yesterday's data, and so would all stages after it. The store keeps what
was downloaded, which makes that cheap. The other stages are cached: what they read is named by the execution that
made it, so that they run afresh after a fresh ingest. `data_version` names the state of the source: whoever gives
one may have the cache serve ingest too when submitting the run. Promote always runs, because it depends on the
champion, which may have changed since.

Retries cover pods that are lost with their node. A program that fails is not started again by a stock
Kubeflow; what may fail for a while, such as a download, is tried again by the stage itself.
"""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kfp import dsl, kubernetes
from kfp.dsl import ParallelFor
from kfp.dsl.pipeline_context import Pipeline

from components.common.errors import ParameterError
from components.common.parameter_docs import with_parameters
from components.common.stage_report import EXERCISE_VARIABLE, PRESET_VARIABLE, RUN_VARIABLE
from components.common.telemetry import PUSHGATEWAY_VARIABLE
from pipelines.definition import Definition
from pipelines.local import PATIENT_THREADS
from pipelines.parameter_help import explain
from pipelines.sharding import sharded
from pipelines.tasks import stage_name

GPUS = "gpus"
"""Parameter that `placed` adds. A text, because Kubeflow's driver reads quantities from texts alone; "0" is a node
without a GPU, so that one file serves both kinds of node."""

ENVIRONMENT = {
    "HOME": "/tmp",
    "MPLCONFIGDIR": "/tmp/matplotlib",
    "NUMBA_CACHE_DIR": "/tmp/numba",
    **PATIENT_THREADS,
}
"""Variables of all tasks. The root file system may be read-only, so that only /tmp is sure to be writable."""

THREADS = ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS")
"""Variables that are the limit of processors; our own threads read it from the container."""

SECRET_KEYS = (
    "AWS_ENDPOINT_URL",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_REGION",
    "ARMILLARY_BUCKET",
)
"""Keys of the Secret, each also the name of the variable: the same names that the shell uses."""


@dataclass(frozen=True)
class Settings:
    """What differs between clusters.

    Attributes
    ----------
    secret : str
        Secret with the `SECRET_KEYS`, in the namespace of the runs. Where it or a key is missing a pod starts all
        the same: simulated data need no store, and a stage that needs one says which variable is not set.
    config_map : str
        ConfigMap with `ARMILLARY_PUSHGATEWAY`, in the namespace of the runs. Without it no metrics are pushed.
    accelerator : str
        Resource by which nodes offer GPUs.
    node_selector : mapping of str to str
        Labels of the nodes for training, also for a training without a GPU.
    tolerations : tuple of mapping
        Taints of nodes that training may run on; the one here is how GPU nodes are usually reserved.
    shards : int
        Pods that ingest at the same time; 0 leaves it to the preset: one for those of a laptop, eight for others.
    """

    secret: str = "armillary-store"
    config_map: str = "armillary-config"
    accelerator: str = "nvidia.com/gpu"
    node_selector: Mapping[str, str] = field(default_factory=dict)
    tolerations: tuple[Mapping[str, str], ...] = (
        {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"},
    )
    shards: int = 0

    def shards_for(self, preset: str) -> int:
        """Return the number of shards of a preset."""
        return self.shards or (1 if preset in _LAPTOP_PRESETS else _SURVEY_SHARDS)


@dataclass(frozen=True)
class Size:
    """Requests, by which a node is chosen; limits, at which a pod is slowed or killed; longest duration."""

    cpu: tuple[str, str]
    memory: tuple[str, str]
    hours: int


# At least twice the memory that any exercise's demo is allowed on two cores together, or was measured to take.
_LAPTOP = {
    "ingest": Size(cpu=("500m", "2"), memory=("1Gi", "2Gi"), hours=1),
    "merge": Size(cpu=("250m", "1"), memory=("512Mi", "1Gi"), hours=1),
    "preprocess": Size(cpu=("500m", "2"), memory=("1Gi", "2Gi"), hours=1),
    "train": Size(cpu=("1", "2"), memory=("2Gi", "4Gi"), hours=3),
    "gather": Size(cpu=("250m", "1"), memory=("512Mi", "1Gi"), hours=1),
    "evaluate": Size(cpu=("500m", "2"), memory=("2Gi", "4Gi"), hours=1),
    "promote": Size(cpu=("500m", "2"), memory=("2Gi", "4Gi"), hours=1),
}
# For a whole survey. Stages stream: what they hold is bounded, and added up in docs/platform.md. Requests are at
# least these sums, limits twice as much. An archive that is asked politely takes days.
_SURVEY = {
    "ingest": Size(cpu=("1", "4"), memory=("3Gi", "8Gi"), hours=72),
    "merge": Size(cpu=("500m", "2"), memory=("1Gi", "2Gi"), hours=12),
    "preprocess": Size(cpu=("2", "8"), memory=("4Gi", "8Gi"), hours=12),
    "train": Size(cpu=("4", "8"), memory=("16Gi", "32Gi"), hours=72),
    "gather": Size(cpu=("500m", "2"), memory=("1Gi", "2Gi"), hours=12),
    "evaluate": Size(cpu=("2", "8"), memory=("8Gi", "16Gi"), hours=12),
    "promote": Size(cpu=("2", "8"), memory=("4Gi", "8Gi"), hours=12),
}
_LAPTOP_PRESETS = ("smoke", "demo", "votes")
_SURVEY_SHARDS = 8

# On a node whose runtime is NVIDIA's a container would see all GPUs, also those that a training has for itself.
_BLIND = ("NVIDIA_VISIBLE_DEVICES", "void")
_NO_GPU = "0"  # in a loop a parameter would never be resolved
_NEVER_CACHED = ("ingest", "promote")
_GPUS_TEXT = "GPUs of the stage that trains, as a text; 0 for none."
_RETRIES = 3
_RUN_LABEL = "metadata.labels['pipeline/runid']"  # which Kubeflow puts on each pod of a run
_SHARED_MEMORY = "1Gi"  # the 64 MB that a container has by itself end a loader with several workers


def placed(definition: Definition, preset: str, settings: Settings | None = None) -> Any:
    """Return the pipeline of an exercise with all that a cluster has to know about its tasks.

    Parameters
    ----------
    definition : Definition
        The exercise.
    preset : str
        Sizes the tasks: `smoke`, `demo` and `votes` fit a laptop, whatever else there is wants real nodes.
    settings : Settings, optional
        What differs between clusters.

    Returns
    -------
    kfp pipeline
        With the parameters of the exercise, and `gpus`.
    """
    wiring = definition.pipeline.pipeline_func
    signature = inspect.signature(wiring)
    sizes = _LAPTOP if preset in _LAPTOP_PRESETS else _SURVEY
    chosen = settings or Settings()

    def wire_and_place(*values: Any) -> None:
        *own, gpus = values
        with sharded(chosen.shards_for(preset)):
            wiring(*own)
        for name, task in Pipeline.get_default_pipeline().tasks.items():
            in_loop = isinstance(task.parent_task_group, ParallelFor)
            _place(task, stage_name(name), sizes, chosen, _NO_GPU if in_loop else gpus)
            _tell_who_it_is(task, pipeline.name, preset, chosen)

    pipeline = definition.pipeline
    gpus = inspect.Parameter(GPUS, inspect.Parameter.POSITIONAL_OR_KEYWORD, default="0", annotation=str)
    wire_and_place.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=[*signature.parameters.values(), gpus]
    )
    explained = {parameter.name: parameter.text for parameter in explain(definition)} | {GPUS: _GPUS_TEXT}
    wire_and_place.__doc__ = with_parameters(pipeline.description, explained)
    return dsl.pipeline(name=pipeline.name, description=pipeline.description)(wire_and_place)


def _place(task: Any, stage: str, sizes: Mapping[str, Size], settings: Settings, gpus: Any) -> None:
    size = sizes.get(stage.split("-")[0])  # a second task of a kind has a number
    if size is None:
        raise ParameterError(
            f"No size is known for a stage of the kind {stage!r}.",
            "Add it to the tables in pipelines/placement.py, or begin the component's name with another verb.",
        )
    task.set_display_name(stage)
    task.set_cpu_request(size.cpu[0]).set_cpu_limit(size.cpu[1])
    task.set_memory_request(size.memory[0]).set_memory_limit(size.memory[1])
    task.set_retry(_RETRIES, backoff_duration="30s", backoff_factor=2.0, backoff_max_duration="600s")
    task.set_caching_options(not stage.startswith(_NEVER_CACHED))
    kubernetes.set_timeout(task, size.hours * 3600)
    kubernetes.empty_dir_mount(task, volume_name="tmp", mount_path="/tmp")
    kubernetes.use_secret_as_env(task, settings.secret, {key: key for key in SECRET_KEYS}, optional=True)
    # A library counts the processors of the node, not those that the pod may use.
    threads = dict.fromkeys(THREADS, size.cpu[1])
    for name, value in {**ENVIRONMENT, **threads}.items():
        task.set_env_variable(name, value)
    if stage.startswith("train"):
        _place_on_accelerator(task, settings, gpus)
    else:
        task.set_env_variable(*_BLIND)


def _tell_who_it_is(task: Any, exercise: str, preset: str, settings: Settings) -> None:
    """Tell a stage what its metrics and its failure belong to, and where the metrics go."""
    task.set_env_variable(EXERCISE_VARIABLE, exercise)
    task.set_env_variable(PRESET_VARIABLE, preset)
    kubernetes.use_field_path_as_env(task, RUN_VARIABLE, _RUN_LABEL)
    gateway = {PUSHGATEWAY_VARIABLE: PUSHGATEWAY_VARIABLE}
    kubernetes.use_config_map_as_env(task, settings.config_map, gateway, optional=True)


def _place_on_accelerator(task: Any, settings: Settings, gpus: Any) -> None:
    task.set_accelerator_type(settings.accelerator).set_accelerator_limit(gpus)
    kubernetes.empty_dir_mount(
        task, volume_name="shared-memory", mount_path="/dev/shm", medium="Memory", size_limit=_SHARED_MEMORY
    )
    for key, value in settings.node_selector.items():
        kubernetes.add_node_selector(task, key, value)
    for toleration in settings.tolerations:
        kubernetes.add_toleration(task, **toleration)
