"""star-clusters as a person runs it: real stars beside, prediction, and what is told when something is wrong."""

import json
import re
from pathlib import Path

import pytest
from command_line import Armillary

from components.common.errors import InputError


def test_a_folder_without_stars_is_told_before_anything_runs(armillary: Armillary, tmp_path: Path) -> None:
    run = armillary("run", "star-clusters", "--preset", "smoke", "--set", f"external={tmp_path}")
    assert run.returncode == InputError.exit_code
    assert "There is no table of stars in" in run.stderr.replace("\n", " ")
    assert "ingest" not in run.stderr + run.stdout


@pytest.mark.slow
def test_smoke_finds_simulated_and_real_clusters_and_predicts(
    armillary: Armillary, real_data: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "real"
    folder.mkdir()
    for name in ("ngc2112_field.csv.gz", "ngc2112_members_edr3.csv"):
        (folder / name).symlink_to(real_data / "gaia" / name)
    run = armillary("run", "star-clusters", "--preset", "smoke", "--set", f"external={folder}", "--json")
    assert run.returncode == 0, run.stderr
    result = json.loads(run.stdout.splitlines()[-1])
    assert set(result["scores"]) == {"purity", "completeness", "f1", "ari", "false_clusters"}
    assert result["scores"]["f1"]["value"] > 0.85
    assert result["external"]["f1"]["value"] > 0.85
    assert Path(result["report"]).stat().st_size > 10_000
    assert re.search(r"^champion: \S+ \(first model\)$", run.stderr, flags=re.MULTILINE)

    out = tmp_path / "members.csv"
    predicted = armillary("predict", "star-clusters", folder / "ngc2112_field.csv.gz", "--out", out)
    assert predicted.returncode == 0, predicted.stderr
    assert len(out.read_text().splitlines()) > 500
    assert re.search(r"^and \d+ more: \S+members.csv has them all$", predicted.stdout, flags=re.MULTILINE)
    assert re.search(r"^left out \d+: faint\.$", predicted.stderr, flags=re.MULTILINE)
    assert "stage=" not in predicted.stderr, "lines of a log are for pods"

    other = armillary("run", "star-clusters", "--preset", "smoke", "--set", "seed=2", "--json")
    kept = re.search(r"^champion: \S+ stays \(not compared: the champion's clusters are those", other.stderr, re.M)
    assert kept, other.stderr[-1000:]
