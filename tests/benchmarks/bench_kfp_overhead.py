"""What Kubeflow adds to a run: `kfp.local`, a process a stage, beside the four functions in one process."""

import io
import itertools
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from rich.console import Console

from pipelines.catalogue import find
from pipelines.local import run_pipeline
from pipelines.parameters import resolve
from pipelines.records import RunRecord, new_run_id

SLUG, PRESET = "quasar-redshift", "smoke"
DIRECT = """
import sys
from pathlib import Path
from pipelines.catalogue import find
from pipelines.parameters import resolve
from pipelines.stages import find_stage
output = Path(sys.argv[1])
definition = find("quasar-redshift").load()
for name in ("ingest", "preprocess", "train", "evaluate"):
    stage = find_stage(definition, name, resolve(definition, "smoke", {}))
    stage.run({i: output / p.stage / p.output for i, p in stage.inputs.items()}, output / name)
"""


def test_overhead_of_kfp_on_the_smoke_preset(ratio: Any, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("ARMILLARY_HOME", str(tmp_path / "home"))
    definition = find(SLUG).load()
    numbers = itertools.count()

    def through_kfp() -> dict[str, Any]:
        record = RunRecord(new_run_id(), SLUG, PRESET, resolve(definition, PRESET, {}))
        run_pipeline(definition, record, Console(file=io.StringIO()), {}, use_cache=False)
        assert record.status == "succeeded", record.failure
        return record.scores

    def direct() -> dict[str, Any]:
        output = tmp_path / f"direct-{next(numbers)}"
        subprocess.run([sys.executable, "-c", DIRECT, str(output)], check=True, capture_output=True)
        scores: dict[str, Any] = json.loads((output / "evaluate/results/metrics.json").read_text())["scores"]
        return scores

    ratio(
        "a whole run through kfp.local",
        ours=through_kfp,
        peer=direct,
        peer_name="the four functions in one process",
        rounds=1,
        goal=1 / 1.15,  # of what exceeds 5 s; the smoke preset is short, so its ratio is the worst there is
        agree=lambda ours, peer: ours == peer,
    )
