"""Records of failures in the store: what a person asks first when a run has failed on another machine.

A failed stage writes `runs/<exercise>/<run>/failures/<stage>.json` itself, wherever it runs, if the environment
names a store, the exercise and the run. The record of an earlier attempt stays when a later one succeeds: its
`time` tells.
"""

import os
import re
import socket
import traceback
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from components.common.contents import content_hash
from components.common.errors import ArmillaryError, StoreError
from components.common.provenance import code_version
from components.common.stage_report import EXERCISE_VARIABLE, RUN_VARIABLE

if TYPE_CHECKING:
    from components.common.store import Store

LOG_LINES = 50
_INTERRUPTED = 130  # the shell's own code for Ctrl-C
_SECRET_NAME = re.compile(r"secret|password|passwd|token|access_?key|credential", re.IGNORECASE)
_SHORTEST_SECRET = 4  # hiding a shorter text would hide innocent words and protect nothing
_USER_AND_PASSWORD = re.compile(r"(://[^/\s:@]*):[^/\s@]+@")


@dataclass(frozen=True)
class FailureRecord:
    """One failed stage of a run.

    Attributes
    ----------
    exercise, run, stage : str
        What failed.
    error : str
        What is wrong and what to do about it, in one line.
    kind : str
        Class of the exception; `KeyboardInterrupt` for a stage that was asked to end.
    exit_code : int
        That of the command line for this kind.
    time : str
        ISO 8601, UTC.
    log : str
        The end of the traceback, at most `LOG_LINES` lines.
    code_version, contents : str
        Of the software, as in `run.json`.
    host : str
        Where it ran; on a cluster the name of the pod.
    """

    exercise: str
    run: str
    stage: str
    error: str
    kind: str
    exit_code: int
    time: str
    log: str
    code_version: str
    contents: str
    host: str


def failure_key(exercise: str, run: str, stage: str) -> str:
    """Name of a record in the store."""
    return f"runs/{exercise}/{run}/failures/{stage}.json"


def record_failure(stage: str, error: BaseException, environment: Mapping[str, str] = os.environ) -> bool:
    """Write the record of a failure, if there is a place for it, and tell whether there is.

    Raises
    ------
    StoreError
        When the store does not take it.
    """
    exercise, run = environment.get(EXERCISE_VARIABLE, ""), environment.get(RUN_VARIABLE, "")
    if not (environment.get("AWS_ENDPOINT_URL") and exercise and run):
        return False
    record = FailureRecord(
        exercise=exercise,
        run=run,
        stage=stage,
        error=in_one_line(error, environment),
        kind=type(error).__name__,
        exit_code=exit_code_of(error),
        time=datetime.now(UTC).isoformat(timespec="seconds"),
        log=_log_of(error, environment),
        code_version=code_version(),
        contents=content_hash(),
        host=socket.gethostname(),
    )
    put_failure(_open_store(environment), record)
    return True


def put_failure(store: "Store", record: FailureRecord) -> None:
    """Write a record to its place."""
    store.put_json(failure_key(record.exercise, record.run, record.stage), asdict(record))


def read_failures(store: "Store", exercise: str, run: str) -> list[FailureRecord]:
    """Read the records of a run, the earliest first; none where nothing has failed or could say so."""
    known = {field.name for field in fields(FailureRecord)}
    values = [store.get_json(key).value for key in store.list(f"runs/{exercise}/{run}/failures/")]
    records = [FailureRecord(**{name: v for name, v in value.items() if name in known}) for value in values]
    return sorted(records, key=lambda record: record.time)


def in_one_line(error: BaseException, environment: Mapping[str, str] = os.environ) -> str:
    """Say what an error says in a single line without secrets."""
    if isinstance(error, KeyboardInterrupt):
        return "interrupted"
    return " ".join(without_secrets(str(error), environment).split()) or type(error).__name__


def exit_code_of(error: BaseException) -> int:
    """Return what the command line ends with after an error."""
    if isinstance(error, ArmillaryError):
        return error.exit_code
    return _INTERRUPTED if isinstance(error, KeyboardInterrupt) else 1


def without_secrets(text: str, environment: Mapping[str, str] = os.environ) -> str:
    """Hide the credentials that the environment holds, and passwords in addresses."""
    secrets = {value for name, value in environment.items() if _SECRET_NAME.search(name)}
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= _SHORTEST_SECRET:
            text = text.replace(secret, "***")
    return _USER_AND_PASSWORD.sub(r"\1:***@", text)


def _open_store(environment: Mapping[str, str]) -> "Store":
    try:
        from components.common.store import Store  # here, because it takes a second to import
    except ImportError as error:
        raise StoreError(
            f"The client of the object store cannot be imported: {error}.", "Install boto3, or rebuild the image."
        ) from error
    return Store.from_environment(environment)


def _log_of(error: BaseException, environment: Mapping[str, str]) -> str:
    lines = "".join(traceback.format_exception(error)).splitlines()
    return without_secrets("\n".join(lines[-LOG_LINES:]), environment)
