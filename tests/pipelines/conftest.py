"""The toy exercise, run in this process and from the real command line."""

import io
import os
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import buckets
import pytest
import toy
from command_line import WITH_TOY, Armillary
from rich.console import Console

from components.common.store import Store
from pipelines.local import run_pipeline
from pipelines.parameters import resolve
from pipelines.records import RunRecord, new_run_id


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give an empty ARMILLARY_HOME."""
    folder = tmp_path / "armillary-home"
    monkeypatch.setenv("ARMILLARY_HOME", str(folder))
    return folder


@pytest.fixture
def run_toy(home: Path) -> Callable[..., RunRecord]:
    """Run the toy exercise with given parameters, without a store; `.text` of the console is in `output`."""

    def run(output: io.StringIO | None = None, use_cache: bool = True, **settings: Any) -> RunRecord:
        parameters = resolve(toy.DEFINITION, "smoke", settings)
        record = RunRecord(new_run_id(), "toy", "smoke", parameters, headline=toy.DEFINITION.headline)
        return run_pipeline(toy.DEFINITION, record, Console(file=output or io.StringIO()), {}, use_cache)

    return run


@pytest.fixture
def environment(home: Path, weed: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Give the variables of a shell with a home and a bucket of its own."""
    path = os.pathsep.join([str(Path(toy.__file__).parent), os.environ.get("PYTHONPATH", "")])
    store = {**weed, "ARMILLARY_BUCKET": f"test-{uuid.uuid4().hex[:12]}"}
    yield {**os.environ, **store, "ARMILLARY_HOME": str(home), "PYTHONPATH": path}
    buckets.remove(Store.from_environment(store))


@pytest.fixture
def armillary(environment: dict[str, str]) -> Armillary:
    """Run the command line in a process of its own, with the toy exercise in its catalogue."""

    def run(*arguments: str | Path, **variables: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-c", WITH_TOY, *map(str, arguments)]
        return subprocess.run(
            command, env={**environment, **variables}, capture_output=True, text=True, timeout=300, check=False
        )

    return run
