"""How soon the command line answers, beside the time that importing kfp alone would take."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ARMILLARY = [sys.executable, "-m", "pipelines.cli"]
KFP = [sys.executable, "-c", "import kfp"]


def import_kfp() -> None:
    subprocess.run(KFP, check=True, capture_output=True)


@pytest.mark.parametrize("arguments", [["--help"], ["list"]])
def test_answers_at_once(ratio: Any, arguments: list[str]) -> None:
    ratio(
        f"armillary {' '.join(arguments)}",
        ours=lambda: subprocess.run([*ARMILLARY, *arguments], check=True, capture_output=True),
        peer=import_kfp,
        peer_name="import kfp",
        rounds=5,
        goal=1.0,
    )


def test_first_output_of_a_run(ratio: Any, tmp_path: Path) -> None:
    def first_line() -> None:
        environment = {**os.environ, "ARMILLARY_HOME": str(tmp_path), "PYTHONUNBUFFERED": "1"}
        command = [*ARMILLARY, "run", "quasar-redshift", "--preset", "smoke"]
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stdout.readline()
            process.kill()  # at this moment it has started nothing yet

    ratio(
        "first output of armillary run",
        ours=first_line,
        peer=import_kfp,
        peer_name="import kfp",
        rounds=5,
        goal=1.0,
    )
