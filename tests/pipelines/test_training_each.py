"""A training of several kinds that fans out: its graph as compiled, and its parts together again."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.common.errors import InputError
from components.common.files import read_json, write_json
from components.gather.models.gathering import gather
from pipelines.catalogue import find
from pipelines.compilation import compile_exercise
from pipelines.placement import Settings
from pipelines.static_checks import find_faults

TRAIN, GATHER = "train-regressors", "gather-models"


def _compiled(preset: str, shards: int = 0) -> Any:
    documents = list(
        yaml.safe_load_all(compile_exercise(find("galaxy-spectra").load(), preset, Settings(shards=shards)).text)
    )
    assert find_faults(documents) == []
    return documents[0]


def test_each_kind_has_a_pod_of_its_own_where_the_data_are_large() -> None:
    pipeline = _compiled("full")
    tasks = pipeline["root"]["dag"]["tasks"]
    loop = next(task for task in tasks.values() if task["taskInfo"]["name"] == "models")
    assert loop["parameterIterator"]["items"] == {"inputParameter": "pipelinechannel--kinds"}, "as the run says"
    inner = pipeline["components"][loop["componentRef"]["name"]]["dag"]["tasks"]
    item = loop["parameterIterator"]["itemInput"]
    assert inner[TRAIN]["inputs"]["parameters"]["only"] == {"componentInputParameter": item}
    resources = pipeline["deploymentSpec"]["executors"][f"exec-{TRAIN}"]["container"]["resources"]
    assert resources["accelerator"]["resourceCount"] == "0", "a parameter would never be resolved"
    for reader in ("evaluate-model-comparison", "promote-champion"):
        producers = [
            s["taskOutputArtifact"]["producerTask"] for s in tasks[reader]["inputs"]["artifacts"].values()
        ]
        assert GATHER in producers
    names = [task["taskInfo"]["name"] for task in tasks.values()]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(("preset", "shards"), [("smoke", 0), ("demo", 0), ("full", 1)])
def test_elsewhere_the_models_are_processes_of_one_task(preset: str, shards: int) -> None:
    pipeline = _compiled(preset, shards)
    tasks = pipeline["root"]["dag"]["tasks"]
    assert GATHER not in tasks
    assert tasks[TRAIN]["inputs"]["parameters"]["only"]["runtimeValue"]["constant"] == ""
    resources = pipeline["deploymentSpec"]["executors"][f"exec-{TRAIN}"]["container"]["resources"]
    assert "gpus" in json.dumps(resources["accelerator"])


def test_gathered_parts_are_what_one_training_leaves(regressors: Path, tmp_path: Path) -> None:
    folders = sorted((regressors / "models").iterdir())
    for folder in folders:
        kind = "ridge" if "ridge" in folder.name else "linear"
        shutil.copytree(folder, tmp_path / kind / folder.name)
    records = gather([tmp_path / "ridge", tmp_path / "linear"], tmp_path / "models", tmp_path / "best")
    assert set(records) == {folder.name for folder in folders}
    for name in ("models", "best"):
        found, expected = (
            {p.relative_to(root / name): p.read_bytes() for p in (root / name).rglob("*") if p.is_file()}
            for root in (tmp_path, regressors)
        )
        assert found == expected


def test_what_does_not_belong_together_is_refused(regressors: Path, tmp_path: Path) -> None:
    models = regressors / "models"
    with pytest.raises(InputError, match="two models"):
        gather([models, models], tmp_path / "models", tmp_path / "best")
    with pytest.raises(InputError, match="no model"):
        gather([tmp_path], tmp_path / "models", tmp_path / "best")
    other = tmp_path / "other" / "svr-pca"
    shutil.copytree(models / "ridge-pca", other)
    stored = read_json(other / "model.json")
    write_json(other / "model.json", {**stored, "training": {**stored["training"], "data": {"origin": "real"}}})
    with pytest.raises(InputError, match="same data"):
        gather([models, other.parent], tmp_path / "models", tmp_path / "best")
    assert not (tmp_path / "models").exists()
