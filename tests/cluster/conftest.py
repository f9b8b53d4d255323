"""A cluster's interface on loopback, and the real command line against it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from stub import Stub, serve_stub

_TOY = Path(__file__).resolve().parent.parent / "pipelines"
sys.path.insert(0, str(_TOY))  # the toy exercise

from command_line import WITH_TOY, Armillary  # noqa: E402

_OWN = ("KFP_", "KF_", "AWS_", "SSL_CERT", "HTTP_PROXY", "HTTPS_PROXY")


@pytest.fixture
def stub() -> Iterator[Stub]:
    """Serve the interface of a cluster."""
    with serve_stub() as running:
        yield running


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Give the variables of a shell that knows of no cluster and no store."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(_OWN)}
    path = os.pathsep.join([str(_TOY), os.environ.get("PYTHONPATH", "")])
    return {**inherited, "ARMILLARY_HOME": str(tmp_path / "home"), "PYTHONPATH": path, "COLUMNS": "200"}


@pytest.fixture
def armillary(environment: dict[str, str]) -> Armillary:
    """Run the command line in a process of its own, with the toy exercise in its catalogue."""

    def run(*arguments: str | Path, **variables: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-c", WITH_TOY, *map(str, arguments)]
        return subprocess.run(
            command, env={**environment, **variables}, capture_output=True, text=True, timeout=120, check=False
        )

    return run
