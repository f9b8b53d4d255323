"""The Docker engine and the project's images in it: which serve a run, and what to do when none does."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import docker
import requests
from docker.errors import APIError, DockerException
from docker.utils import parse_bytes

from components.common.errors import EngineError, ParameterError
from pipelines.tasks import images_of

ENGINE_FAILURES = (DockerException, requests.RequestException, ConnectionError)
"""What the SDK raises when the engine is not there, goes away, or refuses."""

_GPU, _CPU = "armillary-python-gpu", "armillary-python-cpu"
_SMALLEST_MEMORY = 6 << 20  # the engine's own bound


@dataclass(frozen=True)
class Containers:
    """How the stages of a run get their containers.

    Attributes
    ----------
    images : mapping of str to str
        By the name in the pipeline, the image that serves.
    notes : tuple of str
        What a person should know about that choice.
    memory : str
        Limit of each container, as Docker writes it, such as `4g`; empty for none.
    dev : bool
        Whether the checkout's components stand in for those in the image.
    """

    images: Mapping[str, str]
    notes: tuple[str, ...] = ()
    memory: str = ""
    dev: bool = False


def connect() -> Any:
    """Return a client of the engine that DOCKER_HOST, or else the usual socket, leads to.

    Raises
    ------
    EngineError
        When none answers.
    """
    try:
        client = docker.from_env()
    except ENGINE_FAILURES as error:
        raise engine_failed(error) from error
    return client


def engine_failed(error: BaseException) -> EngineError:
    """Say what is the matter with the engine: it refuses, or there is none to talk to."""
    reason = " ".join(str(error).split()).rstrip(".")
    if isinstance(error, APIError):
        return EngineError(
            f"The Docker engine refuses: {reason}.", "Mend that, or run without it: --runner process."
        )
    if "Permission denied" in reason:
        remedy = "Your user may not use it: join the group docker and log in again."
    else:
        remedy = "Start it (systemctl start docker, or as root: dockerd &), or run without it: --runner process."
    return EngineError(f"The Docker engine does not answer: {reason}.", remedy)


def prepare(pipeline: Any, dev: bool = False, memory: str = "") -> Containers:
    """Find the images of a pipeline before anything runs.

    Raises
    ------
    EngineError
        When the engine does not answer, or an image is missing; none is ever pulled.
    ParameterError
        When `memory` is no amount of memory.
    """
    _check_memory(memory)
    client = connect()
    try:
        return _choose(sorted(images_of(pipeline)), image_tags(client), dev, memory)
    except ENGINE_FAILURES as error:
        raise engine_failed(error) from error
    finally:
        client.close()


def _choose(wanted: Iterable[str], there: list[str], dev: bool, memory: str) -> Containers:
    images, notes = {}, []
    for name in wanted:
        images[name] = _serving(name, there, dev)
        if images[name] != name:
            notes.append(f"{images[name]} serves for {name}, {'--dev' if dev else 'which is not here'}.")
    return Containers(images, tuple(notes), memory, dev)


def _serving(name: str, there: list[str], dev: bool) -> str:
    """Choose an image: this very one, else the CPU image of the same tag; with `dev` the newest of all."""
    repository, _, tag = name.rpartition("/")[2].partition(":")
    kinds = (_GPU, _CPU) if repository == _GPU else (repository,)
    exact = [name, *(f"{kind}:{tag}" for kind in kinds)]
    newest = [image for kind in kinds for image in there if image.startswith(f"{kind}:")] if dev else []
    found = [image for image in [*exact, *newest] if image in there]
    if found:
        return found[0]
    older = [image for image in there if image.partition(":")[0] in kinds]
    if not older:
        raise EngineError(f"There is no image {name}.", "Build it: make images IMAGES=cpu (minutes, once).")
    raise EngineError(
        f"There is no image {name}: the newest here, {older[0]}, holds other code.",
        "Build it anew: make images IMAGES=cpu (seconds). Or add --dev: the checkout's code in that image.",
    )


def image_tags(client: Any) -> list[str]:
    """Names of all images, the newest first."""
    images = sorted(client.images.list(), key=lambda image: image.attrs["Created"], reverse=True)
    return [tag for image in images for tag in image.tags]


def _check_memory(memory: str) -> None:
    try:
        amount = parse_bytes(memory) if memory else _SMALLEST_MEMORY
    except DockerException:
        amount = 0
    if amount < _SMALLEST_MEMORY:
        raise ParameterError(
            f"--memory {memory} is no limit.", "Write it as Docker does: 4g, or 800m; at least 6m."
        )
