"""What the two Dockerfiles promise, as far as it can be read off them."""

import difflib
import re
import subprocess
from pathlib import Path

import pytest

from pipelines.placement import ENVIRONMENT

_IMAGES = Path(__file__).resolve().parents[2] / "images"
_KINDS = ("cpu", "gpu")


def dockerfile(kind: str) -> str:
    return (_IMAGES / kind / "Dockerfile").read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", _KINDS)
def test_variables_are_those_that_a_cluster_sets(kind: str) -> None:
    joined = dockerfile(kind).replace("\\\n", " ")
    values = dict(re.findall(r"(\w+)=(\S+)", " ".join(re.findall(r"^ENV (.*)$", joined, flags=re.MULTILINE))))
    assert {name: values.get(name) for name in ENVIRONMENT} == dict(ENVIRONMENT)


@pytest.mark.parametrize("kind", _KINDS)
def test_an_engine_without_buildkit_can_build_it(kind: str) -> None:
    text = dockerfile(kind)
    assert "--mount" not in text
    assert "# syntax" not in text
    assert text.count("\nFROM ") == 3, "what builds is not what runs"
    assert re.search(r"^USER [1-9]\d*:[1-9]\d*$", text, flags=re.MULTILINE), "Kubernetes checks numbers only"


@pytest.mark.parametrize("kind", _KINDS)
def test_pipelines_stay_outside(kind: str) -> None:
    copied = re.findall(r"^COPY (?!--from)(.*)$", dockerfile(kind), flags=re.MULTILINE)
    assert copied
    assert not any("pipelines" in line or " . " in line for line in copied)


def test_the_two_differ_only_in_what_has_to() -> None:
    lines = difflib.unified_diff(dockerfile("cpu").splitlines(), dockerfile("gpu").splitlines(), n=0, lineterm="")
    differing = [line[1:] for line in lines if line[0] in "+-" and line[:3] not in ("+++", "---")]
    allowed = (
        "#",
        "PIP_FIND_LINKS",
        "constraints",
        "NVIDIA_",
        "PYTHONDONTWRITEBYTECODE",
        "image.title",
        "description",
    )
    assert [line for line in differing if not any(word in line for word in allowed)] == []


@pytest.mark.parametrize("script", ["install.sh", "base-image.sh"])
def test_scripts_are_sound(script: str) -> None:
    path = _IMAGES / script
    shell = "sh" if path.read_text().startswith("#!/bin/sh") else "bash"
    assert subprocess.run([shell, "-n", str(path)], capture_output=True, text=True).stderr == ""
    assert path.stat().st_mode & 0o111
