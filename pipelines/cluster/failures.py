"""Why a run on a cluster did not succeed: from the records of its stages in the store, else from the cluster."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from components.common.errors import StoreError
from components.common.failures import FailureRecord, read_failures
from components.common.store import Store
from pipelines.cluster.client import Cluster
from pipelines.cluster.errors import ClusterError
from pipelines.cluster.following import Task, tasks

_LOG_LINES = 30


@dataclass(frozen=True)
class RunFailure:
    """A stage that failed.

    Attributes
    ----------
    stage : str
        Its name.
    error : str
        What is known of the cause.
    log : str
        The end of its log, empty where none could be had.
    """

    stage: str
    error: str
    log: str


def explain(cluster: Cluster, run: Any, exercise: str, tell: Callable[[str], None]) -> list[RunFailure]:
    """List the failed stages of a run with cause and log; none where nothing says so, as after a termination.

    Parameters
    ----------
    cluster : Cluster
        Where the run was.
    run : V2beta1Run
        The run, over.
    exercise : str
        Slug of its exercise, for the records in the store.
    tell : callable
        Takes what could not be looked up.
    """
    records = _records(exercise, run.run_id, tell)
    failed = [task for task in tasks(run) if task.state == "FAILED"]
    stages = {task.stage for task in failed}
    told = [
        RunFailure(record.stage, record.error, _end(record.log))
        for record in records
        if not stages or record.stage.split("-")[0] in {stage.split("-")[0] for stage in stages}
    ]
    known = {failure.stage.split("-")[0] for failure in told}
    return told + [
        _from_cluster(cluster, run.run_id, t, tell) for t in failed if t.stage.split("-")[0] not in known
    ]


def _records(exercise: str, run_id: str, tell: Callable[[str], None]) -> list[FailureRecord]:
    try:
        store = Store.if_configured()
        return read_failures(store, exercise, run_id) if store else []
    except StoreError as error:
        tell(f"The records of failures cannot be read. {error}")
        return []


def _from_cluster(cluster: Cluster, run_id: str, task: Task, tell: Callable[[str], None]) -> RunFailure:
    log = ""
    for pod in reversed(task.pods):
        try:
            log = cluster.log(run_id, pod)
        except ClusterError as error:
            tell(f"The log of {pod} cannot be read. {error.problem}")
        if log.strip():
            break
    cause = task.cause or "Its pod ended without a record: it was lost with its node, or did not start."
    if "137" in cause or "OOMKilled" in cause or log.strip().endswith("Killed"):
        cause = f"{cause} It was killed, most often for want of memory: raise its size in pipelines/placement.py."
    return RunFailure(task.stage, cause, _end(log))


def _end(log: str) -> str:
    return "\n".join(log.rstrip().splitlines()[-_LOG_LINES:])
