"""From an exercise to a run on a cluster: pipeline, version and experiment are made where they are missing."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from kfp_server_api import (
    ExperimentServiceApi,
    PipelineServiceApi,
    PipelineUploadServiceApi,
    RunServiceApi,
    V2beta1Experiment,
    V2beta1Pipeline,
    V2beta1PipelineVersionReference,
    V2beta1Run,
    V2beta1RuntimeConfig,
)

from components.common.errors import ParameterError
from pipelines.cluster.client import Cluster, filter_by_name
from pipelines.cluster.errors import NotFoundError, TakenError
from pipelines.compilation import Compiled
from pipelines.definition import Definition
from pipelines.parameters import FILE_PARAMETERS, local_files, resolve
from pipelines.placement import GPUS

Thing = TypeVar("Thing")


@dataclass(frozen=True)
class Published:
    """A version of a pipeline that the cluster has.

    Attributes
    ----------
    pipeline_id, version_id : str
        What the cluster calls them.
    version : str
        Its name.
    uploaded : bool
        Whether it was missing before.
    """

    pipeline_id: str
    version_id: str
    version: str
    uploaded: bool


def parameters_for_cluster(
    definition: Definition, preset: str, settings: Mapping[str, Any], gpus: int
) -> dict[str, Any]:
    """Give every parameter its value, all checked before anything is sent.

    Raises
    ------
    ParameterError
        For an unknown preset or parameter, a value of the wrong type, or files of this machine.
    """
    for name in FILE_PARAMETERS:
        if local_files(str(settings.get(name) or "")):
            raise ParameterError(
                f"{name} names files of this machine, which the pods of a cluster do not see.",
                f"Leave {name} out, and choose a source that the pods can reach.",
            )
    if gpus < 0:
        raise ParameterError(f"There are no {gpus} GPUs.", "Give --gpus 0 or more.")
    return {**resolve(definition, preset, settings), GPUS: str(gpus)}


def publish(cluster: Cluster, pipeline: str, compiled: Compiled, description: str = "") -> Published:
    """See to it that the cluster has the pipeline and this version of it.

    Somebody else may publish the same at the same time: whoever comes second takes what is there.
    """
    pipelines = PipelineServiceApi(cluster.client)
    pipeline_id = _found_or_made(
        lambda: _pipeline_id(cluster, pipelines, pipeline),
        lambda: (
            cluster.ask(
                pipelines.pipeline_service_create_pipeline,
                V2beta1Pipeline(
                    name=pipeline, display_name=pipeline, description=description or None, **cluster.scope
                ),
                doing=f"creating the pipeline {pipeline}",
            ).pipeline_id
        ),
    )[0]
    version_id, uploaded = _found_or_made(
        lambda: _version_id(cluster, pipelines, pipeline_id, compiled.version),
        lambda: _upload(cluster, pipeline_id, compiled),
    )
    return Published(pipeline_id, version_id, compiled.version, uploaded)


def experiment_id(cluster: Cluster, name: str) -> str:
    """Return the experiment called `name`, made where it is missing."""
    experiments = ExperimentServiceApi(cluster.client)

    def find() -> str | None:
        answer = cluster.ask(
            experiments.experiment_service_list_experiments,
            filter=filter_by_name(name),
            doing=f"looking for the experiment {name}",
            **cluster.scope,
        )
        return answer.experiments[0].experiment_id if answer.experiments else None

    def make() -> str:
        made: str = cluster.ask(
            experiments.experiment_service_create_experiment,
            V2beta1Experiment(display_name=name, **cluster.scope),
            doing=f"creating the experiment {name}",
        ).experiment_id
        return made

    return _found_or_made(find, make)[0]


def start_run(
    cluster: Cluster, published: Published, *, experiment: str, name: str, parameters: Mapping[str, Any]
) -> str:
    """Start a run of this version, and return its id."""
    run = V2beta1Run(
        display_name=name,
        experiment_id=experiment_id(cluster, experiment),
        pipeline_version_reference=V2beta1PipelineVersionReference(
            pipeline_id=published.pipeline_id, pipeline_version_id=published.version_id
        ),
        runtime_config=V2beta1RuntimeConfig(parameters=dict(parameters)),
    )
    started = cluster.ask(RunServiceApi(cluster.client).run_service_create_run, run, doing="creating the run")
    run_id: str = started.run_id
    return run_id


def run_link(cluster: Cluster, run_id: str) -> str:
    """Return the address of the run's page."""
    return f"{cluster.ui}/#/runs/details/{run_id}"


def _found_or_made(find: Callable[[], Thing | None], make: Callable[[], Thing]) -> tuple[Thing, bool]:
    """Return what there is, else what is made, and whether it was; one made meanwhile by others will do."""
    if (found := find()) is not None:
        return found, False
    try:
        return make(), True
    except TakenError:
        if (found := find()) is not None:
            return found, False
        raise


def _pipeline_id(cluster: Cluster, pipelines: Any, name: str) -> str | None:
    try:
        found = cluster.ask(
            pipelines.pipeline_service_get_pipeline_by_name,
            name,
            doing=f"looking for the pipeline {name}",
            **cluster.scope,
        )
    except NotFoundError:
        return None
    identity: str = found.pipeline_id
    return identity


def _version_id(cluster: Cluster, pipelines: Any, pipeline_id: str, version: str) -> str | None:
    answer = cluster.ask(
        pipelines.pipeline_service_list_pipeline_versions,
        pipeline_id,
        filter=filter_by_name(version),
        doing=f"looking for the version {version}",
    )
    return answer.pipeline_versions[0].pipeline_version_id if answer.pipeline_versions else None


def _upload(cluster: Cluster, pipeline_id: str, compiled: Compiled) -> str:
    with TemporaryDirectory() as folder:
        path = compiled.write(Path(folder) / f"{compiled.version}.yaml")
        uploaded: str = cluster.ask(
            PipelineUploadServiceApi(cluster.client).upload_pipeline_version,
            str(path),
            name=compiled.version,
            display_name=compiled.version,
            pipelineid=pipeline_id,
            doing=f"uploading the version {compiled.version}",
        ).pipeline_version_id
    return uploaded
