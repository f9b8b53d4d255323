"""Our configuration, rules and dashboard in a real Prometheus, with what real stages push to a Pushgateway."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from monitoring import NOWHERE, Prometheus, Pushgateway, run_prometheus, run_pushgateway
from rendered import MANIFESTS, RULES
from test_grafana_dashboard import QUERIES

from components.common import telemetry
from components.common.errors import InputError

SCORES = {"nmad_km_s": {"value": 500.0, "low": 450.0, "high": 550.0, "baseline": 900.0}}
EMPTY_HERE = ("resource_manager_workflow_runs", "armillary_epoch_loss", "armillary_epochs_done")


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pushgateway]:
    with run_pushgateway(tmp_path_factory.mktemp("gateway")) as running:
        yield running


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory, gateway: Pushgateway) -> Iterator[Prometheus]:
    """Prometheus as in the pod, but that it looks every second, at loopback; Kubeflow is away."""
    folder = tmp_path_factory.mktemp("prometheus")
    document = yaml.safe_load((MANIFESTS / "monitoring" / "prometheus" / "prometheus.yml").read_text())
    document["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    for job in document["scrape_configs"]:
        at = gateway.url if job["job_name"] == "pushgateway" else NOWHERE
        job["static_configs"] = [{"targets": [at.removeprefix("http://")]}]
    for path in RULES:
        (folder / path.name).write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    text = yaml.safe_dump(document).replace("{", "{{").replace("}", "}}")
    with run_prometheus(folder, gateway.url, text) as running:
        yield running


@pytest.fixture
def reported(gateway: Pushgateway, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An evaluation that went well and a training that failed."""
    monkeypatch.setenv("ARMILLARY_EXERCISE", "quasar-redshift")
    monkeypatch.setenv("ARMILLARY_PRESET", "full")
    monkeypatch.setenv("ARMILLARY_PUSHGATEWAY", gateway.url)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    output = tmp_path / "output"
    with telemetry.stage("evaluate", output):
        output.mkdir()
        (output / "metrics.json").write_text("{}")
        telemetry.report_counts(rows_in=100, rows_out=90, rejected=10)
        telemetry.report_scores(SCORES, "simulated")
    with pytest.raises(InputError), telemetry.stage("train"):
        raise InputError("x.fits is cut.", "Get it again.")


def test_a_failed_stage_becomes_an_alert(prometheus: Prometheus, reported: None) -> None:
    (alert,) = prometheus.wait_for('ALERTS{alertname="StageFailed", alertstate="firing"}')
    assert alert["metric"]["exercise"] == "quasar-redshift"
    assert (alert["metric"]["preset"], alert["metric"]["stage"]) == ("full", "train")
    assert alert["metric"]["job"] == "armillary", "pushed labels are kept"


def test_the_interval_of_an_exercise_that_is_not_named_is_the_default(
    prometheus: Prometheus, reported: None
) -> None:
    (allowed,) = prometheus.wait_for('armillary:allowed_silence_seconds{exercise="quasar-redshift"}')
    assert float(allowed["value"][1]) == 26 * 3600


def test_the_dashboard_shows_what_was_reported(prometheus: Prometheus, reported: None) -> None:
    prometheus.wait_for("armillary:rejected_share")
    prometheus.wait_for('ALERTS{alertstate="firing"}')
    for query in QUERIES:
        asked = (
            query.replace("$exercise", ".*")
            .replace("$preset", ".*")
            .replace("$score", "nmad_km_s")
            .replace("$origin", ".*")
        )
        if not any(name in asked for name in EMPTY_HERE):
            assert prometheus.wait_for(asked), query
