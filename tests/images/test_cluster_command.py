"""The command that a cluster runs, taken from the compiled pipeline, under the restrictions of a cluster."""

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml
from containers import engine, newest_image

from pipelines.catalogue import find
from pipelines.compilation import compile_exercise

pytestmark = pytest.mark.docker

_COMPONENTS = Path(__file__).resolve().parents[2] / "components"
_TASK_FOLDER = "astro/v2/artifacts/quasar-redshift/run/ingest"
_OUTPUT = "/tmp/kfp_outputs/output_metadata.json"
_ROWS = 12


def executor_input(specification: dict[str, Any]) -> str:
    """Write what the launcher hands over: parameters, and where the artifact goes in the object store."""
    inputs = specification["root"]["inputDefinitions"]["parameters"]
    task = specification["root"]["dag"]["tasks"]["ingest-sdss-spectra"]["inputs"]["parameters"]
    values = {}
    for name, source in task.items():
        if "componentInputParameter" in source:
            values[name] = inputs[source["componentInputParameter"]]["defaultValue"]
        else:
            values[name] = source["runtimeValue"]["constant"]
    # The launcher is written in Go, whose JSON has no 1.0: whole numbers arrive as 1, also those of type float.
    whole = {name: int(value) for name, value in values.items() if isinstance(value, float) and value % 1 == 0}
    uri = f"s3://{_TASK_FOLDER}/dataset"
    artifact = {"name": "dataset", "type": {"schemaTitle": "system.Dataset"}, "uri": uri, "metadata": {}}
    return json.dumps(
        {
            "inputs": {"parameterValues": {**values, **whole, "rows": _ROWS}},
            "outputs": {"artifacts": {"dataset": {"artifacts": [artifact]}}, "outputFile": _OUTPUT},
        }
    )


def test_the_compiled_command_of_ingest_runs_as_on_a_cluster(tmp_path: Path) -> None:
    specification = yaml.safe_load(
        compile_exercise(find("quasar-redshift").load(), "smoke").text.split("\n---\n")[0]
    )
    container = specification["deploymentSpec"]["executors"]["exec-ingest-sdss-spectra"]["container"]
    handed_over = executor_input(specification)
    command = [part.replace("{{$}}", handed_over) for part in [*container["command"], *container["args"]]]
    for name in ("s3", "outputs"):
        (tmp_path / name).mkdir()
        (tmp_path / name).chmod(0o777)
    client = engine()
    try:
        log = client.containers.run(
            newest_image(),
            command,
            remove=True,
            stderr=True,
            environment={variable["name"]: variable["value"] for variable in container["env"]},
            volumes={
                str(tmp_path / "s3"): {"bind": "/s3", "mode": "rw"},
                str(tmp_path / "outputs"): {"bind": str(Path(_OUTPUT).parent), "mode": "rw"},
                str(_COMPONENTS): {"bind": "/opt/armillary/components", "mode": "ro"},
            },
            user="54321:54321",
            network_mode="none",
            read_only=True,
            tmpfs={"/tmp": ""},
            cap_drop=["ALL"],
            security_opt=["no-new-privileges"],
        ).decode()
    finally:
        client.close()
    table = tmp_path / "s3" / _TASK_FOLDER / "dataset" / "dataset.parquet"
    assert pq.ParquetFile(table).metadata.num_rows == _ROWS, log
    assert table.stat().st_uid == 54321
    told = json.loads((tmp_path / "outputs" / Path(_OUTPUT).name).read_text())
    (artifact,) = told["artifacts"]["dataset"]["artifacts"]
    assert artifact["uri"] == f"s3://{_TASK_FOLDER}/dataset"
    assert artifact["metadata"]
