"""The Docker engine and the project's images, for tests that need them."""

import docker
import pytest
from docker.errors import DockerException

from components.common.component import image_name
from pipelines.docker_engine import connect, image_tags

BUILD = "make images IMAGES=cpu"


def engine() -> docker.DockerClient:
    """Return a client of the engine, or skip."""
    try:
        docker.from_env().close()
    except DockerException as error:
        pytest.skip(f"There is no Docker engine: {error}")
    return connect()


def newest_image() -> str:
    """Return the newest CPU image, whatever code it holds, or skip."""
    tags = [tag for tag in image_tags(engine()) if tag.startswith("armillary-python-cpu:")]
    if not tags:
        pytest.skip(f"There is no CPU image: {BUILD}")
    return tags[0]


def current_image() -> str:
    """Return the CPU image of this very code, or skip."""
    name = image_name("cpu")
    if name not in image_tags(engine()):
        pytest.skip(f"There is no image of this code, {name}: {BUILD}")
    return name
