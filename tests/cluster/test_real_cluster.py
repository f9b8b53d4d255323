"""The same commands against a real Kubeflow; runs only where KFP_HOST names one, and leaves no schedule behind."""

import json
import os
import subprocess
import sys
import uuid

import pytest

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.skipif(not os.environ.get("KFP_HOST"), reason="KFP_HOST names no cluster"),
]
SLUG = "quasar-redshift"
NAMESPACE = (
    ["--namespace", os.environ["ARMILLARY_TEST_NAMESPACE"]] if "ARMILLARY_TEST_NAMESPACE" in os.environ else []
)


def armillary(*arguments: str, seconds: float = 120) -> "subprocess.CompletedProcess[str]":
    """Run the command line with the variables of this shell, KFP_HOST among them."""
    command = [sys.executable, "-m", "pipelines.cli", *arguments, *NAMESPACE]
    return subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)


def test_the_smallest_run_succeeds() -> None:
    done = armillary("submit", SLUG, "--preset", "smoke", "--wait", "--timeout", "1500", "--json", seconds=1800)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["state"] == "SUCCEEDED"
    for stage in ("ingest", "preprocess", "train", "evaluate"):
        assert f"{stage}: succeeded" in done.stderr


def test_a_schedule_is_made_paused_resumed_replaced_and_deleted() -> None:
    name = f"test-{uuid.uuid4().hex[:8]}"
    far_off = ("--cron", "0 0 3 29 2 *", "--preset", "smoke", "--name", name)
    try:
        created = armillary("schedule", SLUG, *far_off)
        assert created.returncode == 0, created.stderr
        assert armillary("schedule", SLUG, *far_off).returncode == 1, "the name is taken"
        assert armillary("schedule", "pause", name).returncode == 0
        assert armillary("schedule", "replace", SLUG, *far_off).returncode == 0
        assert armillary("schedule", "resume", name).returncode == 0
        (found,) = [s for s in json.loads(armillary("schedule", "list", "--json").stdout) if s["name"] == name]
        assert (found["cron"], found["enabled"]) == ("0 0 3 29 2 *", True)
    finally:
        deleted = armillary("schedule", "delete", name)
    assert deleted.returncode == 0, deleted.stderr
