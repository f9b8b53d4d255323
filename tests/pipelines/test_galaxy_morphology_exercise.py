"""galaxy-morphology as a person runs it: a whole run, the cache, prediction, real votes, and what is told."""

import json
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from command_line import Armillary

from components.common.errors import InputError
from components.common.tables import read_table
from components.ingest.galaxy_zoo.ingestion import Settings as Ingestion
from components.ingest.galaxy_zoo.ingestion import ingest
from pipelines.galaxy_morphology import DEFINITION
from pipelines.parameters import resolve

SCORE = {"value", "low", "high", "baseline", "published"}


def test_a_folder_without_galaxies_is_told_before_anything_runs(armillary: Armillary, tmp_path: Path) -> None:
    run = armillary("run", "galaxy-morphology", "--preset", "smoke", "--external", tmp_path)
    assert run.returncode == InputError.exit_code
    assert "There is no table in" in run.stderr.replace("\n", " ")
    (tmp_path / "galaxies.csv").write_text("dr7objid,class\n587722981741363294,Er\n")
    run = armillary("run", "galaxy-morphology", "--preset", "smoke", "--external", tmp_path)
    assert run.returncode == InputError.exit_code
    assert "has no column gz2_class, which is needed" in run.stderr.replace("\n", " ")
    assert "ingest" not in run.stderr + run.stdout


def test_galaxies_without_what_the_task_is_about_are_told_before_anything_runs(tmp_path: Path) -> None:
    votes = {"t01_smooth_or_features_a01_smooth_debiased": [0.9]}
    table = pd.DataFrame({"dr7objid": [587722981741363294], "gz2_class": ["Er"], **votes})
    table.to_csv(tmp_path / "gz2.csv", index=False)
    with pytest.raises(InputError, match=r"gz2\.csv has no column of photometry or structure.*set task"):
        resolve(DEFINITION, "smoke", {"external": str(tmp_path)})
    assert resolve(DEFINITION, "smoke", {"external": str(tmp_path), "task": "votes"})["task"] == "votes"
    table.drop(columns=list(votes)).assign(modelMag_g=17.0).to_csv(tmp_path / "gz2.csv", index=False)
    assert resolve(DEFINITION, "smoke", {"external": str(tmp_path)})["task"] == "structure"
    with pytest.raises(InputError, match="no column of debiased votes"):
        resolve(DEFINITION, "smoke", {"external": str(tmp_path), "task": "votes"})


@pytest.mark.slow
def test_smoke_runs_whole_is_cached_and_predicts(armillary: Armillary, tmp_path: Path) -> None:
    arguments = ["run", "galaxy-morphology", "--preset", "smoke", "--json"]
    first = armillary(*arguments)
    assert first.returncode == 0, first.stderr
    result: dict[str, Any] = json.loads(first.stdout.splitlines()[-1])
    assert result["origin"] == "simulated"
    assert set(DEFINITION.scores) <= set(result["scores"])
    assert all(set(score) == SCORE for score in result["scores"].values())
    assert result["scores"]["macro_f1"]["value"] > 0.6
    assert abs(result["scores"]["macro_f1_below_ceiling"]["value"]) < 0.15, "283 galaxies know it no better"
    assert Path(result["report"]).stat().st_size > 10_000
    assert re.search(r"^champion: \S+ \(first model\)$", first.stderr, flags=re.MULTILINE)

    second = armillary(*arguments)
    assert json.loads(second.stdout.splitlines()[-1])["scores"] == result["scores"]
    cached = re.findall(r"^(\w+): cached", second.stderr, flags=re.MULTILINE)
    assert cached == ["ingest", "preprocess", "train", "evaluate"]
    assert re.search(r"^champion: \S+ \(this same model\)$", second.stderr, flags=re.MULTILINE)

    ingest(tmp_path / "others", Ingestion(rows=100, seed=9))
    raw = read_table(tmp_path / "others" / "dataset.parquet")
    mine = tmp_path / "mine.csv"
    names = {"dr7objid": "objID", "redshift": "z"}
    chosen = (
        "dr7objid",
        "redshift",
        "petro_mag_r",
        "g_r",
        "petro_r50_r",
        "petro_r90_r",
        "axis_ratio_exp",
        "d4000",
    )
    pd.DataFrame({names.get(name, name): raw[name][:4] for name in chosen}).to_csv(mine, index=False)
    out, plots = tmp_path / "classes.csv", tmp_path / "plots"
    predicted = armillary("predict", "galaxy-morphology", mine, "--out", out, "--plots", plots)
    assert predicted.returncode == 0, predicted.stderr
    assert predicted.stdout.splitlines()[0].split()[:3] == ["id", "label", "probability"]
    assert len(pd.read_csv(out)) == len(list(plots.iterdir())) == 4


@pytest.mark.slow
def test_real_votes_give_real_classes_back(armillary: Armillary, real_data: Path) -> None:
    run = armillary(
        "run", "galaxy-morphology", "--preset", "smoke", "--json", "--set", "source=files",
        "--set", f"location={real_data / 'gz2'}", "--set", "task=votes", "--set", "rows=0",
        "--set", "test_fraction=0.3",
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    result = json.loads(run.stdout.splitlines()[-1])
    assert result["origin"] == "real"
    assert "macro_f1_below_ceiling" not in result["scores"], "of real galaxies nobody knows the ceiling"
    accuracy = result["scores"]["accuracy"]
    assert accuracy["value"] >= 0.95
    assert accuracy["high"] >= 0.97
