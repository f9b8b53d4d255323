"""What can be known of the kind scripts without kind: syntax, commands in order, refusals, no secret shown."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from rendered import MANIFESTS, ROOT

KIND = MANIFESTS / "kind"
SCRIPTS = sorted(KIND.glob("*.sh"))


def call(script: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/bash", str(KIND / script), *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
    )


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_scripts_are_sound(path: Path) -> None:
    assert os.access(path, os.X_OK)
    assert "set -euo pipefail" in path.read_text()
    subprocess.run(["/bin/bash", "-n", str(path)], check=True)


@pytest.mark.skipif(not shutil.which("shellcheck"), reason="shellcheck is not installed")
@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_shellcheck_has_nothing_to_say(path: Path) -> None:
    done = subprocess.run(["shellcheck", str(path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_a_trial_shows_the_commands_in_order_and_no_secret() -> None:
    done = call("up.sh", "--dry-run", AWS_ACCESS_KEY_ID="shown-never-1", AWS_SECRET_ACCESS_KEY="shown-never-2")
    assert done.returncode == 0, done.stderr
    assert "shown-never" not in done.stdout + done.stderr
    milestones = [
        "kind create cluster --config",
        "kind load docker-image --name armillary armillary-python-cpu:",
        "kubeflow/cluster-scoped",
        "create secret generic mlpipeline-minio-artifact",
        "create secret generic armillary-store",
        "kubeflow/standalone",
        "create secret generic grafana-admin",
        "overlays/kind",
        "rollout status deployment/ml-pipeline ",
        "armillary submit quasar-redshift --host http://127.0.0.1:8888",
    ]
    places = [done.stdout.find(text) for text in milestones]
    assert -1 not in places, milestones[places.index(-1)]
    assert places == sorted(places)
    assert "armillary-python-gpu:" in done.stdout, "stages ask for both names"


def test_a_trial_names_the_keys_that_stages_read() -> None:
    from pipelines.placement import SECRET_KEYS

    shown = call("up.sh", "--dry-run").stdout
    keys = re.search(r"armillary-store .*# keys: (.*)$", shown, flags=re.MULTILINE)
    assert keys
    assert tuple(keys[1].split()) == SECRET_KEYS


def test_addresses_are_those_of_the_port_mappings() -> None:
    mappings = yaml.safe_load((KIND / "cluster.yaml").read_text())["nodes"][0]["extraPortMappings"]
    shown = call("up.sh", "--dry-run").stdout
    assert {f"http://127.0.0.1:{m['hostPort']}" for m in mappings} == set(re.findall(r"http://127[\d.:]+", shown))


@pytest.mark.parametrize("missing", ["docker", "kind", "kubectl"])
def test_a_missing_tool_is_named_with_its_remedy(tmp_path: Path, missing: str) -> None:
    for tool in ("dirname", "docker", "kind", "kubectl", "git"):
        if tool != missing:
            (tmp_path / tool).symlink_to(shutil.which("dirname" if tool == "dirname" else "true"))  # type: ignore[arg-type]
    done = call("up.sh", PATH=str(tmp_path))
    assert done.returncode == 2
    assert re.fullmatch(rf"{missing} is not here\.\nInstall .+\n", done.stderr)


def test_an_engine_that_is_down_is_said(tmp_path: Path) -> None:
    for tool in ("dirname", "docker", "kind", "kubectl", "git"):
        real = {"dirname": "dirname", "docker": "false"}.get(tool, "true")
        (tmp_path / tool).symlink_to(shutil.which(real))  # type: ignore[arg-type]
    done = call("up.sh", PATH=str(tmp_path))
    assert done.returncode == 2
    assert done.stderr.startswith("The Docker engine does not answer.\n")


def test_removing_names_the_cluster() -> None:
    assert call("down.sh", "--dry-run").stdout == "kind delete cluster --name armillary\n"
    assert yaml.safe_load((KIND / "cluster.yaml").read_text())["name"] == "armillary"


def test_make_hands_over_to_the_scripts() -> None:
    for target, script in (("kind-up", "manifests/kind/up.sh"), ("kind-down", "manifests/kind/down.sh")):
        done = subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True, text=True, check=True)
        assert script in done.stdout
