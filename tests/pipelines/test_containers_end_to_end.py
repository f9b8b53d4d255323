"""An exercise in containers, all real: engine, image, object store, Pushgateway, and a Prometheus beside it."""

import json
import uuid
from collections.abc import Mapping
from pathlib import Path

import pytest
from command_line import Armillary
from containers import current_image
from monitoring import Prometheus, Pushgateway

from components.common.champions import read_champion
from components.common.store import Store

pytestmark = [pytest.mark.docker, pytest.mark.slow]

STAGES = ("ingest", "preprocess", "train", "evaluate", "promote")
FILES = {
    "ingest/dataset/dataset.parquet",
    "preprocess/dataset/dataset.parquet",
    "train/model/weights.safetensors",
    "evaluate/results/metrics.json",
    "report.html",
    "run.json",
    "run.log",
}


def test_a_run_in_containers_leaves_artifacts_a_champion_and_metrics(
    armillary: Armillary,
    tmp_path: Path,
    weed: Mapping[str, str],
    pushgateway: Pushgateway,
    prometheus: Prometheus,
) -> None:
    current_image()
    environment = {**weed, "ARMILLARY_BUCKET": f"test-{uuid.uuid4().hex[:12]}"}
    done = armillary(
        *("run", "quasar-redshift", "--preset", "smoke", "--runner", "docker", "--json"),
        ARMILLARY_HOME=str(tmp_path / "home"),
        ARMILLARY_PUSHGATEWAY=pushgateway.url,
        **environment,
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])

    store, run = Store.from_environment(environment), f"runs/quasar-redshift/{result['run']}"
    missing = FILES - {key.removeprefix(f"{run}/") for key in store.list(f"{run}/")}
    assert missing == set()
    assert read_champion(store, "quasar-redshift") is not None

    for stage in STAGES:
        labels = f'{{exercise="quasar-redshift", stage="{stage}"}}'
        (failed,) = prometheus.wait_for(f"armillary_stage_failed{labels}")
        assert failed["value"][1] == "0"
        (seconds,) = prometheus.wait_for(f"armillary_stage_duration_seconds{labels}")
        assert float(seconds["value"][1]) > 0
    (score,) = prometheus.wait_for('armillary_score{score="accuracy_6000_km_s", kind="value", origin="simulated"}')
    assert float(score["value"][1]) == pytest.approx(result["scores"]["accuracy_6000_km_s"]["value"])
