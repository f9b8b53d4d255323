"""Stages in containers: what `kfp.local` does with Docker, mended.

kfp 2.17 has the engine remove a container by itself, and takes one that was gone before its exit code was read for
a success (kubeflow/pipelines#13332). Here a container stays until its end has been read, and is then removed, also
after Ctrl-C. kfp also pulls what is not there; here nothing is pulled, see `pipelines.docker_engine`.

A stage gets what it gets on a cluster: a read-only root, no capabilities, the caller's user, /tmp in memory. It
sees the home folder at its own path, so that the records of both runners name the same files and either runner's
outputs serve the other, and the host's network, where the embedded store listens.
"""

import codecs
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import kfp
from docker.types import DeviceRequest
from kfp import local
from kfp.local import docker_task_handler
from kfp.local.status import Status

from components.common.component import REGISTRY_VARIABLE
from components.common.contents import CONTENTS_VARIABLE, content_hash
from components.common.errors import EngineError
from pipelines.docker_engine import ENGINE_FAILURES, Containers, connect, engine_failed
from pipelines.home import home

_KFP = "2.17.0"
_PASSED_ON = ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_REGION")
_PREFIXES = ("ARMILLARY_", "OMP_")
_CHECKOUT = Path(__file__).resolve().parents[1]
_INSTALLED = "/opt/armillary/components"
_SHARED_MEMORY = "1g"  # as pipelines/placement.py gives it: the usual 64 MB end a loader with several workers
_SECONDS_TO_STOP = 5.0
_KILLED = 137


@contextmanager
def in_containers(
    containers: Containers, writable: Path, readable: Iterable[Path]
) -> Iterator[local.DockerRunner]:
    """Give a runner for `local.init`; the stages that run in the block get containers.

    Parameters
    ----------
    containers : Containers
        What `docker_engine.prepare` found.
    writable : Path
        The folder of the runs, the cache and the checkpoints.
    readable : iterable of Path
        Data that the stages read, mounted at their own paths.
    """
    if kfp.__version__ != _KFP:
        raise EngineError(
            f"The Docker runner is written for kfp {_KFP}, and {kfp.__version__} is installed.", "Run: make setup"
        )
    binds = {str(path): {"bind": str(path), "mode": "ro"} for path in readable}
    binds[str(writable)] = {"bind": str(writable), "mode": "rw"}
    if containers.dev:
        binds[str(_CHECKOUT / "components")] = {"bind": _INSTALLED, "mode": "ro"}
    for note in containers.notes:
        print(note)
    original = docker_task_handler.DockerTaskHandler.run
    docker_task_handler.DockerTaskHandler.run = lambda task: _run(task, containers, binds)
    try:
        yield local.DockerRunner()
    finally:
        docker_task_handler.DockerTaskHandler.run = original


def _run(task: Any, containers: Containers, binds: Mapping[str, Mapping[str, str]]) -> Status:
    """Run a task in a container; when it was not the stage itself that failed, the last line printed says what."""
    try:
        with _engine() as client:
            options = _options(client, task, containers, binds)
            return Status.SUCCESS if _run_container(client, options, containers.memory) == 0 else Status.FAILURE
    except EngineError as error:
        print(f"{type(error).__name__}: {error}")
        return Status.FAILURE


@contextmanager
def _engine() -> Iterator[Any]:
    client = connect()
    try:
        yield client
    except ENGINE_FAILURES as error:
        raise engine_failed(error) from error
    finally:
        client.close()


def _options(
    client: Any, task: Any, containers: Containers, binds: Mapping[str, Mapping[str, str]]
) -> dict[str, Any]:
    """Collect what the container is created with."""
    image = containers.images[task.image]
    options: dict[str, Any] = {
        "image": image,
        "command": task.full_command,
        "environment": {**_passed_on(), **task.env_vars},
        "volumes": {**task.get_volumes_to_mount(client), **binds},
        "user": f"{os.getuid()}:{os.getgid()}",
        "network_mode": "host",
        "read_only": True,
        "tmpfs": {"/tmp": ""},
        "shm_size": _SHARED_MEMORY,
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges", "label=disable"],  # the label is SELinux's: it would hide the mounts
        "labels": {"armillary.run": os.environ.get("ARMILLARY_RUN", "")},
    }
    if containers.memory:
        options |= {"mem_limit": containers.memory, "memswap_limit": containers.memory}
    if "-gpu:" in image and "nvidia" in client.info().get("Runtimes", {}):
        options["device_requests"] = [DeviceRequest(count=-1, capabilities=[["gpu"]])]
    return options


def _passed_on() -> dict[str, str]:
    """Variables of this process that the stages know; paths among them hold inside as well.

    What numba compiles is kept in the home folder, or each container would do it again.
    """
    ours = {name: value for name, value in os.environ.items() if name.startswith(_PREFIXES) or name in _PASSED_ON}
    ours.pop(REGISTRY_VARIABLE, None)
    return {**ours, CONTENTS_VARIABLE: content_hash(), "NUMBA_CACHE_DIR": str(home() / "numba")}


def _run_container(client: Any, options: Mapping[str, Any], memory: str) -> int:
    """Run a container to its end, printing its log as it comes; it is removed whatever happens."""
    container = client.containers.create(**options)
    try:
        container.start()
        for line in _lines(container.logs(stream=True, follow=True)):
            print(line)
        code = int(container.wait(timeout=None)["StatusCode"])
        container.reload()
        _check_killed(code, container.attrs["State"]["OOMKilled"], memory)
        return code
    except KeyboardInterrupt:
        _interrupt(container)
        raise
    finally:
        with suppress(
            *ENGINE_FAILURES
        ):  # an engine that is gone removes nothing; the first error is the one to tell
            container.remove(force=True, v=True)


def _lines(chunks: Iterable[bytes]) -> Iterator[str]:
    """Cut a log into lines, wherever the engine cut it."""
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    rest = ""
    for chunk in chunks:
        *lines, rest = (rest + decoder.decode(chunk)).split("\n")
        yield from lines
    if rest:
        yield rest


def _interrupt(container: Any) -> None:
    """Ask the stage to end as Ctrl-C does, so that it removes what it has half written.

    The first process of a container is a shell, which takes no notice; all others get the signal.
    """
    with suppress(*ENGINE_FAILURES):
        container.exec_run(["sh", "-c", "kill -INT -1"])
        container.wait(timeout=_SECONDS_TO_STOP)


def _check_killed(code: int, for_memory: bool, memory: str) -> None:
    if for_memory and memory:
        raise EngineError(
            f"The stage needed more memory than the {memory} that its container may use, and was killed.",
            "Raise the limit with --memory, or run a smaller preset.",
        )
    if for_memory or code == _KILLED:
        raise EngineError(
            "The container of the stage was killed (exit code 137): most often this machine was out of memory.",
            "End other programs, give the engine more memory, or run a smaller preset.",
        )
