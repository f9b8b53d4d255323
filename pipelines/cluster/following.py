"""Follow a run until it is over, and tell its stages as they change.

By polling, since Kubeflow's own `wait_for_run_completion` never returns for a run that was cancelled.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from kfp_server_api import RunServiceApi

from pipelines.cluster.client import Cluster
from pipelines.cluster.errors import ClusterError
from pipelines.tasks import stage_name

SUCCEEDED = "SUCCEEDED"
FINAL_STATES = (SUCCEEDED, "FAILED", "CANCELED", "SKIPPED")
_INSIDE = ("root", "executor", "driver")
"""What Kubeflow lists beside the tasks of the pipeline: its own pods."""

_PASSING_FAULTS = 10  # so many polls in a row may fail before the run is given up for lost


@dataclass(frozen=True)
class Task:
    """A task of a run, as the cluster knows it.

    Attributes
    ----------
    name : str
        Of the task, such as `train-conv1d`.
    state : str
        One of Kubeflow's, such as RUNNING.
    since : datetime
        Start, or where it has none, creation.
    cause : str
        What the cluster says about its failure; often nothing.
    pods : tuple of str
        Names of its pods, its own last.
    """

    name: str
    state: str
    since: datetime | None
    cause: str
    pods: tuple[str, ...]

    @property
    def stage(self) -> str:
        """Name of the stage, such as `train`."""
        return stage_name(self.name)

    @property
    def key(self) -> str:
        """What tells it from others of its name, such as the shards of an ingest."""
        return self.pods[0] if self.pods else self.name


def get_run(cluster: Cluster, run_id: str) -> Any:
    """Return what the cluster knows of a run, as a `V2beta1Run`."""
    return cluster.ask(
        RunServiceApi(cluster.client).run_service_get_run, run_id, doing=f"asking for the run {run_id}"
    )


def terminate(cluster: Cluster, run_id: str) -> None:
    """Stop a run; the cluster calls it failed or cancelled afterwards."""
    cluster.ask(
        RunServiceApi(cluster.client).run_service_terminate_run, run_id, doing=f"terminating the run {run_id}"
    )


def follow(
    cluster: Cluster,
    run_id: str,
    tell: Callable[[str], None],
    *,
    timeout: float = 0.0,
    interval: float = 5.0,
    patience: float = 300.0,
) -> Any:
    """Poll a run until it is over, and return it.

    Parameters
    ----------
    cluster : Cluster
        Where it runs.
    run_id : str
        Its id.
    tell : callable
        Takes lines for a person: each stage that changes its state, and what has been waiting for long.
    timeout : float
        Seconds after which waiting ends, while the run goes on; 0 waits for ever.
    interval : float
        Seconds between polls.
    patience : float
        Seconds after which a stage that does not change is told. An unschedulable pod is not told apart from one
        that works: Kubeflow calls both RUNNING.

    Raises
    ------
    ClusterError
        When the time is over, or the cluster does not answer many times in a row.
    """
    start, faults = time.monotonic(), 0
    watch = _Watch(tell, patience, run_id)
    while True:
        try:
            run = get_run(cluster, run_id)
            faults = 0
        except ClusterError as error:
            faults += 1
            if not error.may_pass or faults > _PASSING_FAULTS:
                raise
            if faults == 1:
                tell(f"{error.problem} Asking again; the run goes on.")
        else:
            watch.look(run)
            if run.state in FINAL_STATES:
                return run
        if timeout and time.monotonic() - start + interval > timeout:
            raise ClusterError(
                f"The run is not over after {timeout:g} seconds{watch.unfinished()}.",
                f"It goes on: `armillary follow` waits for it again, `armillary terminate {run_id}` stops it.",
            )
        time.sleep(interval)


def tasks(run: Any) -> list[Task]:
    """List the tasks of the pipeline, without Kubeflow's own pods, in the order in which they began."""
    details = (run.run_details and run.run_details.task_details) or []
    children = {
        detail.task_id or detail.pod_name: [c.pod_name or c.task_id for c in detail.child_tasks or []]
        for detail in details
    }
    by_pod = {detail.pod_name: detail for detail in details if detail.pod_name}
    found = [
        Task(
            name=detail.display_name,
            state=str(detail.state or "PENDING"),
            since=detail.start_time or detail.create_time,
            cause=_cause(detail),
            pods=_pods(detail, children, by_pod),
        )
        for detail in details
        if detail.display_name and not _is_inside(detail.display_name)
    ]
    return sorted(found, key=lambda task: task.since or datetime.max.replace(tzinfo=UTC))


def _is_inside(name: str) -> bool:
    return name in _INSIDE or name.startswith("executor(") or name.endswith("-driver")


def _cause(detail: Any) -> str:
    if detail.error is not None and detail.error.message:
        return " ".join(str(detail.error.message).split())
    errors = [entry.error.message for entry in detail.state_history or [] if entry.error and entry.error.message]
    return " ".join(str(errors[-1]).split()) if errors else ""


def _pods(detail: Any, children: dict[str, list[str]], by_pod: dict[str, Any]) -> tuple[str, ...]:
    """Names of the pods below a task, depth first: the executor's is the one whose log tells."""
    found, stack = [], [detail.pod_name or "", *children.get(detail.task_id or detail.pod_name, [])]
    while stack:
        pod = stack.pop(0)
        if not pod or pod in found:
            continue
        found.append(pod)
        below = by_pod.get(pod)
        if below is not None:
            stack.extend(children.get(below.task_id or pod, []))
    return tuple(found)


class _Watch:
    """Tells what changes, and what has not changed for long."""

    def __init__(self, tell: Callable[[str], None], patience: float, run_id: str):
        self._tell = tell
        self._patience = patience
        self._run_id = run_id
        self._states: dict[str, str] = {}
        self._changed: dict[str, float] = {}
        self._tasks: list[Task] = []

    def look(self, run: Any) -> None:
        """Compare with what was seen before."""
        self._tasks = tasks(run)
        for task in self._tasks:
            if self._states.get(task.key) != task.state:
                self._states[task.key] = task.state
                self._changed[task.key] = time.monotonic()
                self._tell(f"{task.stage}: {task.state.lower()}")
            elif task.state in ("PENDING", "RUNNING"):
                self._tell_waiting(task)

    def unfinished(self) -> str:
        """Name the tasks that are not over."""
        names = [f"{task.stage} ({_since(task)})" for task in self._tasks if task.state in ("PENDING", "RUNNING")]
        return f", at {', '.join(names)}" if names else ""

    def _tell_waiting(self, task: Task) -> None:
        if time.monotonic() - self._changed[task.key] < self._patience:
            return
        self._changed[task.key] = time.monotonic()
        self._tell(
            f"{task.stage}: {_since(task)}. A pod that finds no node looks like one that works; to tell them "
            f"apart: kubectl get pods --all-namespaces -l pipeline/runid={self._run_id}"
        )


def _since(task: Task) -> str:
    when = f"{task.since:%Y-%m-%d %H:%M:%S} UTC" if task.since else "its creation"
    return f"{task.state.lower()} since {when}"
