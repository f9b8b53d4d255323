"""up.sh as it runs, twice, against recorders in the place of kind, docker and the cluster.

kubectl itself makes the Secrets. It shows that the script goes to its end, hands over whole Secrets, and keeps
what is there; not that a cluster comes up.
"""

import base64
import os
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from rendered import MANIFESTS, needs_kubectl

pytestmark = needs_kubectl

KIND = """#!/bin/bash
echo "kind $*" >> "$STATE/log"
case "$1 $2" in
  "get nodes") cat "$STATE/nodes" 2>/dev/null; exit 0 ;;
  "create cluster") echo armillary-control-plane > "$STATE/nodes" ;;
esac
"""

DOCKER = """#!/bin/bash
echo "docker $*" >> "$STATE/log"
case "$*" in *inspect*gpu*) exit 1 ;; esac
"""

# Objects that are applied from standard input become files; reading a Secret looks there.
KUBECTL = """#!/bin/bash
shift 2  # --context NAME
echo "kubectl $*" >> "$STATE/log"
case "$*" in
  *"create secret"*) exec "$REAL" "$@" ;;
  *"apply --filename -")
    cat > "$STATE/new"
    mv "$STATE/new" "$STATE/$(awk '/^  name:/ {print $2}' "$STATE/new").yaml" ;;
  *"get secret"*)
    file=$STATE/$5.yaml
    [ -f "$file" ] || exit 1
    key=${7#*.data.}
    case "$*" in *jsonpath*) awk -v key="${key%\\}}:" '$1 == key {printf "%s", $2}' "$file" ;; esac ;;
esac
"""


@pytest.fixture
def stage(tmp_path: Path) -> Path:
    for name, text in (("kind", KIND), ("docker", DOCKER), ("kubectl", KUBECTL)):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    (tmp_path / "state").mkdir()
    return tmp_path


def raise_cluster(stage: Path, **environment: str) -> str:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    done = subprocess.run(
        ["/bin/bash", str(MANIFESTS / "kind" / "up.sh")],
        capture_output=True,
        text=True,
        env={
            **kept,
            "PATH": f"{stage}:{os.environ['PATH']}",
            "STATE": str(stage / "state"),
            "REAL": str(shutil.which("kubectl")),
            **environment,
        },
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def secret(stage: Path, name: str) -> dict[str, str]:
    data = yaml.safe_load((stage / "state" / f"{name}.yaml").read_text())["data"]
    return {key: base64.b64decode(value).decode() for key, value in data.items()}


def test_a_second_call_keeps_cluster_and_credentials(stage: Path) -> None:
    shown = raise_cluster(stage)
    names = ("mlpipeline-minio-artifact", "armillary-store", "grafana-admin")
    first = {name: secret(stage, name) for name in names}
    kubeflow, ours = first["mlpipeline-minio-artifact"], first["armillary-store"]
    assert (kubeflow["accesskey"], kubeflow["secretkey"]) == (
        ours["AWS_ACCESS_KEY_ID"],
        ours["AWS_SECRET_ACCESS_KEY"],
    )
    assert len(kubeflow["secretkey"]) >= 32
    assert len(first["grafana-admin"]["password"]) >= 16
    shown += raise_cluster(stage)
    assert {name: secret(stage, name) for name in names} == first
    log = (stage / "state" / "log").read_text()
    assert log.count("kind create cluster") == 1
    for value in (kubeflow["accesskey"], kubeflow["secretkey"], first["grafana-admin"]["password"]):
        assert value not in shown + log, "a secret was shown or stood on a command line"


def test_credentials_of_the_environment_are_taken(stage: Path) -> None:
    raise_cluster(stage, AWS_ACCESS_KEY_ID="from-outside", AWS_SECRET_ACCESS_KEY="with=signs and space")
    assert secret(stage, "mlpipeline-minio-artifact") == {
        "accesskey": "from-outside",
        "secretkey": "with=signs and space",
    }
    assert secret(stage, "armillary-store")["AWS_ENDPOINT_URL"] == "http://seaweedfs.kubeflow:9000"
