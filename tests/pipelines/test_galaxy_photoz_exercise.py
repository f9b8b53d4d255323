"""galaxy-photoz as a person runs it: pictures with labels beside, prediction, and what is told beforehand."""

import json
import re
from pathlib import Path

import pytest
from command_line import Armillary
from galaxy_pictures import write_pictures

from components.common.errors import InputError
from components.common.tables import read_table

SCORES = {"nmad", "nmad_over_baseline", "outlier_fraction", "crps", "coverage_68"}


def test_pictures_without_labels_are_told_before_anything_runs(
    armillary: Armillary, real_data: Path, tmp_path: Path
) -> None:
    thumb = sorted((real_data / "gz2" / "thumbs").glob("*.jpg"))[0]
    (tmp_path / thumb.name).symlink_to(thumb)
    run = armillary("run", "galaxy-photoz", "--preset", "smoke", "--external", tmp_path)
    assert run.returncode == InputError.exit_code
    assert "There is no labels.csv in" in run.stderr.replace("\n", " ")
    assert "ingest" not in run.stderr + run.stdout


@pytest.mark.slow
def test_smoke_runs_whole_is_cached_and_predicts(
    armillary: Armillary, pictures: Path, real_data: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "labelled"
    write_pictures(pictures / "raw", folder, 20)
    arguments = ["run", "galaxy-photoz", "--preset", "smoke", "--external", folder, "--json"]
    first = armillary(*arguments)
    assert first.returncode == 0, first.stderr
    result = json.loads(first.stdout.splitlines()[-1])
    assert result["origin"] == "semi-empirical"
    assert set(result["scores"]) >= SCORES
    assert set(result["external"]) >= SCORES - {"nmad_over_baseline"}
    assert "Published: an NMAD of 0.0091" in first.stderr
    assert Path(result["report"]).stat().st_size > 10_000
    assert re.search(r"^champion: \S+ \(first model\)$", first.stderr, flags=re.MULTILINE)

    second = armillary(*arguments)
    assert json.loads(second.stdout.splitlines()[-1])["scores"] == result["scores"]
    assert re.findall(r"^(\w+): cached", second.stderr, flags=re.MULTILINE) == [
        "ingest", "preprocess", "train", "evaluate"
    ]  # fmt: skip

    thumbs = sorted((real_data / "gz2" / "thumbs").glob("*.jpg"))[:5]
    out, plots = tmp_path / "z.parquet", tmp_path / "plots"
    predicted = armillary("predict", "galaxy-photoz", folder, *thumbs, "--out", out, "--plots", plots)
    assert predicted.returncode == 0, predicted.stderr
    assert re.search(r"^model: champion \S+, tested on \S+ data, trained by the run", predicted.stderr, re.M)
    rows = read_table(out)
    assert 20 <= len(rows["id"]) <= 25
    assert len(list(plots.iterdir())) == len(rows["id"])
    assert predicted.stdout.splitlines()[0].split()[:3] == ["id", "redshift", "sigma"]


def test_a_picture_that_is_none_is_told_once(armillary: Armillary, picture_model: Path, tmp_path: Path) -> None:
    (tmp_path / "page.jpg").write_text("<html>503</html>")
    refused = armillary("predict", "galaxy-photoz", tmp_path / "page.jpg", "--model", picture_model)
    assert refused.returncode == 3
    told, *error = refused.stderr.splitlines()
    assert told.startswith("left out page: web page. ")
    assert error[0] == "Nothing is left to predict for."
    assert "web page" not in error[1]
