"""Schedules: recurring runs that retrain an exercise with the newest version of its code.

A schedule belongs to a pipeline of its own, `<exercise>-<preset>-scheduled`, and names no version of it, so that
each firing takes the newest. The pipeline is not the one that `armillary submit` uploads to, for two reasons.
Trying something out must not change what runs at night; and memory and processors are compiled in by preset, so
that a smoke test of yesterday evening would have the full training killed.

Ingest of a scheduled run gets the time of the schedule as its `data_version`. Catalogues and answers to queries
are kept in the store by that version, so they are asked for afresh; a file that never changes under its name, such
as a spectrum of a release, is fetched once for all. Nothing cached is reused either: ingest is never cached on a
cluster, its output is named by the execution that made it, and all after it follow.

The time is compiled in as a constant of ingest's task, which is the only place where Kubeflow 2.17 puts it:

- The driver replaces `{{$.pipeline_job_schedule_time_utc}}` only where it is the constant value of a task's input
  (kubeflow/pipelines, backend/src/v2/cmd/driver/main.go, getPipelineJobTimePlaceholderUsage: "only when a task
  input parameter is a runtime-value constant matching the placeholder"), not in the parameters of a run.
- The controller of schedules replaces `[[ScheduledTime]]` in parameters only for schedules with a fixed version.
  For those that take the newest it hands the parameters over as they are (backend/src/crd/controller/
  scheduledworkflow/controller.go, submitNewWorkflowIfNotAlreadySubmitted; issue 12494): the archive would be
  asked for the version "[[ScheduledTime]]", the same one every night.
"""

import dataclasses
import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kfp import dsl
from kfp_server_api import (
    PipelineServiceApi,
    RecurringRunServiceApi,
    V2beta1CronSchedule,
    V2beta1PipelineVersionReference,
    V2beta1RecurringRun,
    V2beta1RuntimeConfig,
    V2beta1Trigger,
)

from components.common.errors import ParameterError
from pipelines.cluster.client import Cluster, filter_by_name
from pipelines.cluster.cron import Cron
from pipelines.cluster.errors import ClusterError, NotFoundError, TakenError
from pipelines.cluster.submission import Published, experiment_id, parameters_for_cluster, publish
from pipelines.compilation import Compiled, compile_exercise
from pipelines.definition import Definition
from pipelines.placement import GPUS

DATA_VERSION = "data_version"
_PAGE = 100


@dataclass(frozen=True)
class Schedule:
    """A schedule as the cluster has it.

    Attributes
    ----------
    identity, name : str
        Its id and its name.
    cron : str
        When it fires, UTC; empty for one that was made elsewhere and fires by interval.
    enabled : bool
        Whether it fires.
    pipeline_id : str
        Of its pipeline.
    parameters : mapping
        What its runs get instead of the preset's values.
    """

    identity: str
    name: str
    cron: str
    enabled: bool
    pipeline_id: str
    parameters: Mapping[str, Any]


def pipeline_name(slug: str, preset: str) -> str:
    """Name of the pipeline whose newest version scheduled runs take."""
    return f"{slug}-{preset}-scheduled"


def scheduled(definition: Definition) -> Definition:
    """Return the exercise with the time of the schedule in the place of its parameter `data_version`."""
    wiring = definition.pipeline.pipeline_func
    signature = inspect.signature(wiring)
    if DATA_VERSION not in signature.parameters:
        return definition
    names = [name for name in signature.parameters if name != DATA_VERSION]

    def wire(*values: Any) -> None:
        given = dict(zip(names, values, strict=True))
        wiring(**given, **{DATA_VERSION: dsl.PIPELINE_JOB_SCHEDULE_TIME_UTC_PLACEHOLDER})

    wire.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=[signature.parameters[name] for name in names]
    )
    pipeline = dsl.pipeline(name=definition.pipeline.name, description=definition.pipeline.description)(wire)
    presets = {
        preset: {name: value for name, value in values.items() if name != DATA_VERSION}
        for preset, values in definition.presets.items()
    }
    return dataclasses.replace(definition, pipeline=pipeline, presets=presets)


def check_settings(definition: Definition, preset: str, settings: Mapping[str, Any], gpus: int) -> dict[str, Any]:
    """Give what was set explicitly its type; the rest is left to the preset of the newest version.

    Raises
    ------
    ParameterError
        As for a single run, and for `data_version`, which is the time of the schedule.
    """
    if DATA_VERSION in settings:
        raise ParameterError(
            f"{DATA_VERSION} is the time of the schedule.", "Leave it out, or use `armillary submit` for one run."
        )
    resolved = parameters_for_cluster(scheduled(definition), preset, settings, gpus)
    return {name: resolved[name] for name in (*settings, GPUS)}


def publish_newest(cluster: Cluster, definition: Definition, slug: str, preset: str) -> Published:
    """Make the code of this machine what the schedules of the exercise and preset take from their next firing on.

    A version cannot be altered or moved to the front. So when the very same one was uploaded before a later one,
    which happens after going back to older code, it gets uploaded once more under another name.
    """
    compiled = compile_exercise(scheduled(definition), preset)
    name = pipeline_name(slug, preset)
    published = publish(cluster, name, compiled, f"Scheduled: {definition.pipeline.description or slug}")
    versions = _versions(cluster, published.pipeline_id)
    if versions and not str(versions[0].display_name or versions[0].name).startswith(compiled.version):
        again = Compiled(compiled.text, f"{compiled.version}-{len(versions) + 1}")
        published = publish(cluster, name, again)
    return published


def list_schedules(cluster: Cluster, name: str = "") -> list[Schedule]:
    """List the schedules of the cluster, or those called `name`."""
    api = RecurringRunServiceApi(cluster.client)
    found: list[Schedule] = []
    token = ""
    while True:
        answer = cluster.ask(
            api.recurring_run_service_list_recurring_runs,
            page_size=_PAGE,
            page_token=token,
            doing="listing the schedules",
            **({"filter": filter_by_name(name)} if name else {}),
            **cluster.scope,
        )
        found += [_schedule(run) for run in answer.recurring_runs or []]
        token = answer.next_page_token or ""
        if not token:
            return found


def check_free(cluster: Cluster, name: str) -> None:
    """See that no schedule has this name, before anything is uploaded that it would take.

    Raises
    ------
    TakenError
        When there is one: Kubeflow itself would run both.
    """
    if list_schedules(cluster, name):
        raise TakenError(
            f"There is a schedule {name} already.",
            "Use `armillary schedule replace` to change it, or choose another --name.",
        )


def create(
    cluster: Cluster,
    published: Published,
    *,
    name: str,
    cron: Cron,
    experiment: str,
    parameters: Mapping[str, Any],
) -> Schedule:
    """Create a schedule; see `check_free`."""
    check_free(cluster, name)
    return _create(cluster, published, name, cron, experiment, parameters)


def replace(
    cluster: Cluster,
    published: Published,
    *,
    name: str,
    cron: Cron,
    experiment: str,
    parameters: Mapping[str, Any],
) -> Schedule:
    """Put a new schedule in the place of the one called `name`; one that was paused stays paused.

    A schedule cannot be edited. The new one is created before the old one is deleted, so that none is lost.
    """
    old = find_schedule(cluster, name)
    new = _create(cluster, published, old.name, cron, experiment, parameters, enabled=old.enabled)
    try:
        delete(cluster, old)
    except ClusterError as error:
        raise ClusterError(
            f"The new schedule is there, but the old one fires as well: {error.problem}",
            f"Delete it with `armillary schedule delete {old.identity}`.",
            error.status,
        ) from error
    return new


def find_schedule(cluster: Cluster, name: str) -> Schedule:
    """Return the schedule of that name or id.

    Raises
    ------
    NotFoundError
        When there is none.
    ClusterError
        When there are several of that name.
    """
    everything = list_schedules(cluster)
    found = [schedule for schedule in everything if name in (schedule.name, schedule.identity)]
    if not found:
        names = ", ".join(sorted(schedule.name for schedule in everything))
        raise NotFoundError(
            f"There is no schedule {name}.", f"There are: {names}." if names else "There are none at all.", 404
        )
    if len(found) > 1:
        identities = ", ".join(schedule.identity for schedule in found)
        raise ClusterError(f"There are {len(found)} schedules {name}.", f"Name one by its id: {identities}.")
    return found[0]


def pause(cluster: Cluster, schedule: Schedule) -> None:
    """Let a schedule fire no more, until it is resumed."""
    api = RecurringRunServiceApi(cluster.client)
    cluster.ask(
        api.recurring_run_service_disable_recurring_run, schedule.identity, doing=f"pausing {schedule.name}"
    )


def resume(cluster: Cluster, schedule: Schedule) -> None:
    """Let a paused schedule fire again; what it missed is not caught up."""
    api = RecurringRunServiceApi(cluster.client)
    cluster.ask(
        api.recurring_run_service_enable_recurring_run, schedule.identity, doing=f"resuming {schedule.name}"
    )


def delete(cluster: Cluster, schedule: Schedule) -> None:
    """Remove a schedule; its runs stay."""
    api = RecurringRunServiceApi(cluster.client)
    cluster.ask(
        api.recurring_run_service_delete_recurring_run, schedule.identity, doing=f"deleting {schedule.name}"
    )


def _create(
    cluster: Cluster,
    published: Published,
    name: str,
    cron: Cron,
    experiment: str,
    parameters: Mapping[str, Any],
    enabled: bool = True,
) -> Schedule:
    run = V2beta1RecurringRun(
        display_name=name,
        description="Retrains with the newest version of the pipeline.",
        experiment_id=experiment_id(cluster, experiment),
        pipeline_version_reference=V2beta1PipelineVersionReference(pipeline_id=published.pipeline_id),
        runtime_config=V2beta1RuntimeConfig(parameters=dict(parameters)),
        trigger=V2beta1Trigger(cron_schedule=V2beta1CronSchedule(cron=cron.text)),
        mode="ENABLE" if enabled else "DISABLE",
        no_catchup=True,
        max_concurrency="1",
        **cluster.scope,
    )
    api = RecurringRunServiceApi(cluster.client)
    created = cluster.ask(
        api.recurring_run_service_create_recurring_run, run, doing=f"creating the schedule {name}"
    )
    return _schedule(created)


def _schedule(run: V2beta1RecurringRun) -> Schedule:
    trigger, reference, config = run.trigger, run.pipeline_version_reference, run.runtime_config
    return Schedule(
        identity=run.recurring_run_id,
        name=run.display_name,
        cron=trigger.cron_schedule.cron if trigger and trigger.cron_schedule else "",
        enabled=run.status == "ENABLED",
        pipeline_id=reference.pipeline_id if reference else "",
        parameters=(config.parameters or {}) if config else {},
    )


def _versions(cluster: Cluster, pipeline_id: str) -> list[Any]:
    answer = cluster.ask(
        PipelineServiceApi(cluster.client).pipeline_service_list_pipeline_versions,
        pipeline_id,
        page_size=_PAGE,
        sort_by="created_at desc",
        doing="listing the versions",
    )
    return list(answer.pipeline_versions or [])
