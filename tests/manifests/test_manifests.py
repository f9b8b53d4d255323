"""Every overlay renders, obeys Kubernetes' schemas, and asks for no more rights than it needs.

Not checked, because no network is used: what the remote references bring (manifests/kubeflow), and kinds that are
Kubeflow's own. `test_kubeflow_is_named_by_release` says so of each.
"""

import json
import re
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from rendered import MANIFESTS, OVERLAYS, find, needs_kubectl, overlay, render

VERSIONS = ("1.33", "1.36")
RELEASE = "2.17.0"
pytestmark = needs_kubectl


def pods(objects: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [one["spec"]["template"]["spec"] for one in objects if one["kind"] == "Deployment"]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", OVERLAYS)
def test_objects_obey_the_schemas(name: str, version: str) -> None:
    objects = overlay(name)
    assert len(objects) > 10
    for one in objects:
        kubernetes_validate.validate(one, version, strict=True)


def test_the_schemas_refuse_what_is_wrong() -> None:
    wrong = json.loads(json.dumps(find(overlay("kind"), "Deployment", "prometheus")))
    wrong["spec"]["template"]["spec"]["containers"][0]["readinesProbe"] = {}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, VERSIONS[0], strict=True)


@pytest.mark.parametrize("name", OVERLAYS)
def test_pods_are_restricted(name: str) -> None:
    assert len(pods(overlay(name))) == 3
    for pod in pods(overlay(name)):
        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] > 0
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in pod["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert {"startupProbe", "readinessProbe", "livenessProbe"} <= container.keys()
            for kind in ("requests", "limits"):
                assert container["resources"][kind].keys() == {"cpu", "memory"}


@pytest.mark.parametrize("name", OVERLAYS)
def test_images_have_bare_names_and_exact_versions(name: str) -> None:
    images = {container["image"] for pod in pods(overlay(name)) for container in pod["containers"]}
    assert len(images) == 3
    assert [i for i in images if not re.fullmatch(r"[a-z]+/[a-z]+:v?\d+\.\d+\.\d+", i)] == []


@pytest.mark.parametrize("name", OVERLAYS)
def test_what_is_mounted_exists(name: str) -> None:
    objects = overlay(name)
    for pod in pods(objects):
        for volume in pod["volumes"]:
            if "configMap" in volume:
                data = find(objects, "ConfigMap", volume["configMap"]["name"].rsplit("-", 1)[0])["data"]
                assert {item["key"] for item in volume["configMap"].get("items", [])} <= data.keys()
            if "persistentVolumeClaim" in volume:
                find(objects, "PersistentVolumeClaim", volume["persistentVolumeClaim"]["claimName"])
        mounted = {mount["name"] for container in pod["containers"] for mount in container["volumeMounts"]}
        assert mounted == {volume["name"] for volume in pod["volumes"]}


@pytest.mark.parametrize("name", OVERLAYS)
def test_services_and_policies_reach_what_they_name(name: str) -> None:
    objects = overlay(name)
    ports = {
        pod["containers"][0]["name"]: pod["containers"][0]["ports"][0]["containerPort"] for pod in pods(objects)
    }
    assert ports == {"pushgateway": 9091, "prometheus": 9090, "grafana": 3000}
    config = find(objects, "ConfigMap", "armillary-config")
    assert config["metadata"]["namespace"] == "kubeflow"
    assert config["data"]["ARMILLARY_PUSHGATEWAY"] == "http://pushgateway.armillary-monitoring:9091"
    targets = yaml.safe_load(find(objects, "ConfigMap", "prometheus")["data"]["prometheus.yml"])["scrape_configs"]
    assert {target for job in targets for group in job["static_configs"] for target in group["targets"]} == {
        "pushgateway.armillary-monitoring:9091",
        "ml-pipeline.kubeflow:8888",
    }
    entry = find(objects, "NetworkPolicy", "pushgateway")["spec"]["ingress"][0]
    assert entry["ports"] == [{"port": 9091}]
    assert entry["from"][0] == {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kubeflow"}}}


@pytest.mark.parametrize("name", OVERLAYS)
def test_launcher_names_a_store_and_a_secret(name: str) -> None:
    launcher = find(overlay(name), "ConfigMap", "kfp-launcher")["data"]
    store = yaml.safe_load(launcher["providers"])["s3"]["default"]
    assert launcher["defaultPipelineRoot"].startswith("s3://")
    assert "://" not in store["endpoint"], "the scheme comes from disableSSL"
    assert store["credentials"]["fromEnv"] is False
    secret = store["credentials"]["secretRef"]["secretName"]
    assert secret == ("mlpipeline-minio-artifact" if name == "kind" else "armillary-store")


@pytest.mark.parametrize("name", OVERLAYS)
def test_no_secret_is_rendered(name: str) -> None:
    assert [one for one in overlay(name) if one["kind"] == "Secret"] == []


def test_grafana_sends_nothing_home() -> None:
    container = next(p for p in pods(overlay("kind")) if p["containers"][0]["name"] == "grafana")["containers"][0]
    environment = {entry["name"]: entry.get("value") for entry in container["env"]}
    off = ("ANALYTICS_REPORTING_ENABLED", "ANALYTICS_CHECK_FOR_UPDATES", "ANALYTICS_CHECK_FOR_PLUGIN_UPDATES")
    assert {environment[f"GF_{name}"] for name in off} == {"false"}
    assert environment["GF_SECURITY_ADMIN_PASSWORD"] is None, "it comes from a Secret"


def test_overlays_differ_where_they_should() -> None:
    def size(name: str) -> str:
        claim = find(overlay(name), "PersistentVolumeClaim", "prometheus")
        return str(claim["spec"]["resources"]["requests"]["storage"])

    assert [size(name) for name in OVERLAYS] == ["1Gi", "50Gi", "50Gi"]
    quotas = {name: [o for o in overlay(name) if o["kind"] == "ResourceQuota"] for name in OVERLAYS}
    assert [name for name, found in quotas.items() if found] == ["gpu"]
    ports = [
        p["nodePort"]
        for o in overlay("kind")
        if o["kind"] == "Service"
        for p in o["spec"]["ports"]
        if "nodePort" in p
    ]
    nodes = yaml.safe_load((MANIFESTS / "kind" / "cluster.yaml").read_text())["nodes"]
    assert sorted(ports) == sorted(mapping["containerPort"] for mapping in nodes[0]["extraPortMappings"])
    assert {mapping["listenAddress"] for mapping in nodes[0]["extraPortMappings"]} == {"127.0.0.1"}


def test_kubeflow_is_named_by_release(capsys: pytest.CaptureFixture[str]) -> None:
    folders = [path.parent for path in (MANIFESTS / "kubeflow").glob("*/kustomization.yaml")]
    remote = [
        reference
        for folder in folders
        for reference in yaml.safe_load((folder / "kustomization.yaml").read_text()).get("resources", [])
    ]
    assert len(remote) == 4
    with capsys.disabled():
        print("\nnot validated offline, by remote reference:", *sorted(set(remote)), sep="\n  ")
    assert all(
        reference.startswith("github.com/kubeflow/pipelines/") and reference.endswith(f"?ref={RELEASE}")
        for reference in remote
    )


RELEASE_IN_SMALL = """
apiVersion: v1
kind: Secret
metadata: {name: mlpipeline-minio-artifact, namespace: kubeflow}
stringData: {accesskey: a, secretkey: b}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: kfp-launcher, namespace: kubeflow}
data: {defaultPipelineRoot: ""}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: workflow-controller-configmap, namespace: kubeflow}
data: {artifactRepository: "s3: {}", executor: kept}
""" + "".join(
    f"""---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}, namespace: kubeflow}}
spec:
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec:
      containers:
        - name: {container}
          image: x
          env:
            - {{name: KEPT, value: "1"}}
            - {{name: DEFAULT_REQUEUE_TIME, value: 10s}}
            - name: OBJECTSTORECONFIG_BUCKETNAME
              valueFrom: {{configMapKeyRef: {{name: pipeline-install-config, key: bucketName}}}}
"""
    for name, container in (
        ("ml-pipeline", "ml-pipeline-api-server"),
        ("ml-pipeline-ui", "ml-pipeline-ui"),
        ("workflow-controller", "workflow-controller"),
    )
)


@pytest.fixture
def adapted(tmp_path: Path) -> list[dict[str, Any]]:
    """What the components of manifests/kubeflow make of objects named like those of the release."""
    (tmp_path / "release.yaml").write_text(RELEASE_IN_SMALL)
    for name in ("adapted", "external-s3"):
        (tmp_path / name).mkdir()
        source = MANIFESTS / "kubeflow" / name / "kustomization.yaml"
        (tmp_path / name / "kustomization.yaml").write_text(source.read_text())
    (tmp_path / "kustomization.yaml").write_text("resources: [release.yaml]\ncomponents: [adapted, external-s3]\n")
    return render(tmp_path)


def test_the_release_is_adapted(adapted: list[dict[str, Any]]) -> None:
    assert {(one["kind"], one["metadata"]["name"]) for one in adapted} == {
        ("ConfigMap", "workflow-controller-configmap"),
        ("Deployment", "ml-pipeline"),
        ("Deployment", "ml-pipeline-ui"),
        ("Deployment", "workflow-controller"),
    }
    environments = {
        one["metadata"]["name"]: {e["name"]: e for e in one["spec"]["template"]["spec"]["containers"][0]["env"]}
        for one in adapted
        if one["kind"] == "Deployment"
    }
    assert all(environment["KEPT"]["value"] == "1" for environment in environments.values())
    assert environments["workflow-controller"]["DEFAULT_REQUEUE_TIME"]["value"] == "1s"
    assert environments["ml-pipeline"]["OBJECTSTORECONFIG_BUCKETNAME"] == {
        "name": "OBJECTSTORECONFIG_BUCKETNAME",
        "value": "armillary",
    }
    argo = find(adapted, "ConfigMap", "workflow-controller-configmap")["data"]
    assert argo["executor"] == "kept"
    places = {
        environments["ml-pipeline"]["OBJECTSTORECONFIG_HOST"]["value"],
        environments["ml-pipeline-ui"]["AWS_S3_ENDPOINT"]["value"],
        yaml.safe_load(argo["artifactRepository"])["s3"]["endpoint"],
        yaml.safe_load(find(overlay("cluster"), "ConfigMap", "kfp-launcher")["data"]["providers"])["s3"][
            "default"
        ]["endpoint"],
    }
    assert len(places) == 1, "four places have to agree"
    for one in adapted:
        kubernetes_validate.validate(one, VERSIONS[1], strict=True)
