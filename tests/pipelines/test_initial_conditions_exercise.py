"""initial-conditions as a person runs it: simulations by others beside, prediction, and early warnings."""

import json
import re
from pathlib import Path

import pytest
from command_line import Armillary
from small_universes import write_simulations

from components.common.errors import InputError, ParameterError
from components.common.tables import read_table

SCORES = {"cross_correlation_low_k", "cross_correlation_mid_k", "transfer_low_k", "sample_calibration"}


def test_a_folder_without_simulations_is_told_before_anything_runs(armillary: Armillary, tmp_path: Path) -> None:
    run = armillary("run", "initial-conditions", "--preset", "smoke", "--external", tmp_path)
    assert run.returncode == InputError.exit_code
    assert "There is no table of parameters and seeds" in run.stderr.replace("\n", " ")
    assert "ingest" not in run.stderr + run.stdout


def test_a_grid_that_draws_moire_is_refused(armillary: Armillary) -> None:
    run = armillary("run", "initial-conditions", "--preset", "smoke", "--set", "grid=64")
    assert run.returncode == ParameterError.exit_code
    assert "does not divide the lattice of 32 particles" in (run.stdout + run.stderr).replace("\n", " ")


@pytest.mark.slow
def test_smoke_runs_whole_is_cached_and_predicts(armillary: Armillary, real_data: Path, tmp_path: Path) -> None:
    """The box is 50 Mpc/h wide, as that of the real files of a GADGET-4 run."""
    folder = tmp_path / "camels"
    last = write_simulations(folder, [91, 92], box_size=50.0)
    arguments = [
        "run", "initial-conditions", "--preset", "smoke", "--set", "box_size_mpc_h=50",
        "--external", folder, "--json",
    ]  # fmt: skip
    first = armillary(*arguments)
    assert first.returncode == 0, first.stderr
    result = json.loads(first.stdout.splitlines()[-1])
    assert result["origin"] == "simulated"
    assert set(result["scores"]) >= SCORES
    assert set(result["external"]) >= SCORES
    assert result["scores"]["cross_correlation_low_k"]["value"] > 0.5
    assert Path(result["report"]).stat().st_size > 10_000
    assert re.search(r"^champion: \S+ \(first model\)$", first.stderr, flags=re.MULTILINE)

    second = armillary(*arguments)
    assert json.loads(second.stdout.splitlines()[-1])["scores"] == result["scores"]
    assert re.findall(r"^(\w+): cached", second.stderr, flags=re.MULTILINE) == [
        "ingest", "preprocess", "train", "evaluate"
    ]  # fmt: skip

    real = sorted((real_data / "nbody").glob("*.hdf5"))
    out, plots = tmp_path / "beginnings.parquet", tmp_path / "plots"
    predicted = armillary("predict", "initial-conditions", *real, last[0], "--out", out, "--plots", plots)
    assert predicted.returncode == 0, predicted.stderr
    assert re.search(r"^model: champion \S+, tested on \S+ data, trained by the run", predicted.stderr, re.M)
    rows = read_table(out, ["id", "warnings", "mean"])
    assert sorted(rows["id"]) == ["snapshot_000", "snapshot_004", "snapshot_090"]
    assert "NOT_TODAY" in rows["warnings"][0]
    assert len(list(plots.iterdir())) == 3
    assert predicted.stdout.splitlines()[0].split()[:3] == ["id", "redshift", "expected_r_low_k"]
