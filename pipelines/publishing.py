"""A run's way into the store, and what becomes of old runs.

In the store a run is `runs/<exercise>/<run id>/`: `<stage>/<output>/...` for what its stages wrote, `run.log`,
`report.html`, `failures/` for what failed, and last `run.json`, which so marks it as complete. Outputs that an
earlier run made are not stored twice: `run.json` names the keys under which they lie.

Old runs are pruned on this machine: the newest few of an exercise stay, of those that came to nothing as many
again, so that mistakes do not push out what succeeded, and those whose outputs they refer to. The embedded store,
which lies on the same disk, then loses the data sets of the pruned runs and keeps their records, models and
results. A store that others run is never pruned.
"""

import fcntl
import shutil
import socket
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import PurePosixPath

from components.common.failures import LOG_LINES, FailureRecord, failure_key, put_failure, without_secrets
from components.common.store import Store
from pipelines.home import cache_folder, home, runs_folder
from pipelines.records import RunRecord, StageRecord, read_record

KEPT_RUNS = 3
_BULKY = "dataset"


def publish(record: RunRecord, store: Store) -> None:
    """Put a run into the store; a run that failed is stored as far as it came."""
    complete = {}
    for output in (output for stage in record.stages for output in stage.outputs.values()):
        origin = PurePosixPath(output.key).parents[1]
        if str(origin) != record.key:
            if origin not in complete:
                complete[origin] = store.exists(f"{origin}/run.json")
            if complete[origin]:
                continue
        path = home() / output.path
        if path.is_dir():
            store.put_folder(path, output.key)
        else:
            store.put_file(path, output.key)
    for name in ("run.log", "report.html"):
        if (record.folder / name).is_file():
            store.put_file(record.folder / name, f"{record.key}/{name}")
    _record_failure(record, store)
    store.put_json(f"{record.key}/run.json", record.to_json())


def _record_failure(record: RunRecord, store: Store) -> None:
    """Leave a record of the failure where the stage could not, because it was killed or had no store."""
    failure = record.failure
    if failure is None or store.exists(failure_key(record.exercise, record.run, failure.stage)):
        return
    log = (record.folder / "run.log").read_text(encoding="utf-8", errors="replace").rstrip()
    put_failure(
        store,
        FailureRecord(
            exercise=record.exercise,
            run=record.run,
            stage=failure.stage,
            error=without_secrets(" ".join(failure.error.split())),
            kind=failure.kind,
            exit_code=failure.exit_code,
            time=datetime.now(UTC).isoformat(timespec="seconds"),
            log=without_secrets("\n".join(log.splitlines()[-LOG_LINES:])),
            code_version=record.code_version,
            contents=record.contents,
            host=socket.gethostname(),
        ),
    )


def prune(slug: str, store: Store | None = None, keep: int = KEPT_RUNS) -> list[str]:
    """Remove old runs of an exercise from this machine and return their identifiers.

    Parameters
    ----------
    slug : str
        The exercise.
    store : Store, optional
        The embedded store, to be relieved of the data sets of the removed runs.
    keep : int
        Number of runs to keep that succeeded, and of the others, beside those that go on and those whose outputs
        the kept ones refer to.
    """
    with (home() / "prune.lock").open("a") as alone:
        fcntl.flock(alone, fcntl.LOCK_EX)  # of two runs that end at once each would remove what the other does
        return _prune(slug, store, keep)


def _prune(slug: str, store: Store | None, keep: int) -> list[str]:
    records = [read_record(path) for path in sorted(runs_folder(slug).glob("*/run.json"), reverse=True)]
    kept = [record for record in records if record.status == "running"]
    kept += [record for record in records if record.status == "succeeded"][:keep]
    kept += [record for record in records if record.status not in ("running", "succeeded")][:keep]
    needed = {PurePosixPath(o.path).parts[2] for r in kept for s in r.stages for o in s.outputs.values()}
    needed |= {record.run for record in kept}
    removed = [record for record in records if record.run not in needed]
    for record in removed:
        shutil.rmtree(record.folder)
        if store is not None:
            _drop_datasets(record.stages, record.key, store)
    _forget([record.run for record in removed])
    return [record.run for record in removed]


def _drop_datasets(stages: Sequence[StageRecord], key: str, store: Store) -> None:
    for output in (output for stage in stages for name, output in stage.outputs.items() if name == _BULKY):
        if output.key.startswith(f"{key}/"):
            store.delete_folder(output.key)


def _forget(runs: Sequence[str]) -> None:
    """Remove the cache entries that name outputs of these runs."""
    for entry in cache_folder().glob("*.json") if runs else ():
        text = entry.read_text(encoding="utf-8")
        if any(run in text for run in runs):
            entry.unlink()
