"""What the tests of the manifests share: rendering, and the tools that are found or asked for."""

import re
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
MANIFESTS = ROOT / "manifests"
RULES = sorted((MANIFESTS / "monitoring" / "prometheus").glob("rules-*.yml"))
OVERLAYS = ("kind", "cluster", "gpu")

needs_kubectl = pytest.mark.skipif(not shutil.which("kubectl"), reason="kubectl is not installed")
needs_promtool = pytest.mark.skipif(
    not shutil.which("promtool"), reason="promtool is not installed (Debian: apt-get install prometheus)"
)


@cache
def render(folder: Path) -> list[dict[str, Any]]:
    """Return the objects that kustomize makes of a folder."""
    done = subprocess.run(["kubectl", "kustomize", str(folder)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return [document for document in yaml.safe_load_all(done.stdout) if document]


def overlay(name: str) -> list[dict[str, Any]]:
    """Return the objects of an overlay."""
    return render(MANIFESTS / "overlays" / name)


def find(objects: list[dict[str, Any]], kind: str, name: str) -> dict[str, Any]:
    """Return the one object of that kind whose name is `name`, or begins with it and ends in kustomize's hash."""
    names = re.compile(rf"{re.escape(name)}(-[a-z0-9]{{10}})?")
    found = [one for one in objects if one["kind"] == kind and names.fullmatch(one["metadata"]["name"])]
    assert len(found) == 1, f"{kind} {name}: {len(found)}"
    return found[0]


def rules() -> list[dict[str, Any]]:
    """Return all rules, recorded ones and alerts."""
    return [
        rule
        for path in RULES
        for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]
        for rule in group["rules"]
    ]


def promtool(*arguments: str | Path) -> str:
    """Run promtool; its complaint fails the test."""
    done = subprocess.run(["promtool", *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
