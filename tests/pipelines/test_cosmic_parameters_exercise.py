"""cosmic-parameters as a person runs it: files of the dataset beside, prediction, and what is told of mistakes."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from command_line import Armillary

from components.common.errors import InputError
from components.common.tables import read_table

SIDE = 16


def test_a_folder_without_maps_is_told_before_anything_runs(armillary: Armillary, tmp_path: Path) -> None:
    run = armillary("run", "cosmic-parameters", "--preset", "smoke", "--external", tmp_path)
    assert run.returncode == InputError.exit_code
    assert "There are no maps of Mtot, Mgas, T in" in run.stderr.replace("\n", " ")
    assert "ingest" not in run.stderr + run.stdout


def write_files(folder: Path, dataset: Path) -> None:
    """Write simulated maps as the dataset has them, as of another suite."""
    folder.mkdir()
    table = read_table(dataset / "dataset.parquet")
    for place, field in enumerate(("Mtot", "Mgas", "T")):
        np.save(folder / f"Maps_{field}_SIMBA_LH_z=0.00.npy", table["maps"][:150, place])
    names = ("omega_m", "sigma_8", "a_sn1", "a_agn1", "a_sn2", "a_agn2")
    np.savetxt(folder / "params_LH_SIMBA.txt", np.column_stack([table[name][:150:15] for name in names]))


@pytest.mark.slow
def test_smoke_runs_whole_is_cached_compared_and_predicts(armillary: Armillary, tmp_path: Path) -> None:
    out = tmp_path / "ingested"
    ingested = armillary("stage", "cosmic-parameters", "ingest", "--preset", "smoke", "--output", out)
    assert ingested.returncode == 0, ingested.stderr
    files = tmp_path / "files"
    write_files(files, next(out.rglob("dataset.parquet")).parent)

    arguments = ["run", "cosmic-parameters", "--preset", "smoke", "--external", files, "--json"]
    first = armillary(*arguments)
    assert first.returncode == 0, first.stderr
    result = json.loads(first.stdout.splitlines()[-1])
    wanted = {"omega_m_rms", "sigma_8_rms", "rms_over_power_spectrum", "chi2", "feedback_correlation"}
    assert wanted <= set(result["scores"])
    assert wanted <= set(result["external"])
    assert result["scores"]["omega_m_rms"]["value"] < result["scores"]["omega_m_rms"]["baseline"]
    assert "invented" in Path(result["report"]).read_text(encoding="utf-8")
    assert re.search(r"^champion: \S+ \(first model\)$", first.stderr, flags=re.MULTILINE)
    again = armillary(*arguments)
    assert re.findall(r"^(\w+): cached", again.stderr, flags=re.MULTILINE) == [
        "ingest", "preprocess", "train", "evaluate"
    ]  # fmt: skip

    (tmp_path / "numbers.txt").write_text("0 17", encoding="utf-8")
    table = tmp_path / "found.csv"
    predicted = armillary(
        "predict",
        "cosmic-parameters",
        files,
        tmp_path / "numbers.txt",
        "--out",
        table,
        "--plots",
        tmp_path / "plots",
    )
    assert predicted.returncode == 0, predicted.stderr
    assert predicted.stdout.splitlines()[0].split()[:3] == ["id", "omega_m", "omega_m_sigma"]
    assert len(table.read_text().splitlines()) == 3
    assert len(list((tmp_path / "plots").iterdir())) == 2
