"""The presets that no laptop runs: every stage takes what they set; see also `test_large_networks.py`.

`full` and `paper` want an archive and a GPU, so that nobody would notice before the cluster does.
"""

from pathlib import Path
from typing import Any

import pytest

from components.common import telemetry
from pipelines.catalogue import EXERCISES, Exercise
from pipelines.definition import Definition
from pipelines.parameters import resolve
from pipelines.stages import find_stage
from pipelines.tasks import stage_name, tasks_in_order

LAPTOP = {"smoke", "demo", "votes"}
LARGE = [
    (exercise, preset) for exercise in EXERCISES for preset in exercise.load().presets if preset not in LAPTOP
]
each_large_preset = pytest.mark.parametrize(("exercise", "preset"), LARGE, ids=[f"{e.slug}-{p}" for e, p in LARGE])


class BegunError(Exception):
    """The stage has looked its settings over and begins."""


@pytest.fixture
def stop_at_the_beginning(monkeypatch: pytest.MonkeyPatch) -> None:
    def emit(event: dict[str, Any]) -> None:
        if event["event"] == "begin":
            raise BegunError(event["stage"])

    monkeypatch.setattr(telemetry, "_emit", emit)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)


def parameters(definition: Definition, preset: str, folder: Path) -> dict[str, Any]:
    """Values of a preset; a source that reads files is told where they are, as its user would."""
    reads_files = definition.presets[preset].get("source") in ("g2net", "frames", "files")
    return resolve(definition, preset, {"location": str(folder)} if reads_files else {})


@each_large_preset
@pytest.mark.usefixtures("stop_at_the_beginning")
def test_every_stage_takes_its_settings(exercise: Exercise, preset: str, tmp_path: Path) -> None:
    definition = exercise.load()
    values = parameters(definition, preset, tmp_path)
    for name in [stage_name(task) for task in tasks_in_order(definition.pipeline)]:
        stage = find_stage(definition, name, values)
        with pytest.raises(BegunError, match=f"^{name}$"):
            stage.run({key: tmp_path / key for key in stage.inputs}, tmp_path / name)
