"""What CONTRIBUTING.md sends a reader to is there."""

import re
from pathlib import Path

import pytest

from components.common import checks, files, telemetry, threads
from components.train import model_folder
from pipelines import sharding

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
COMMON = ROOT / "components" / "common"
_PLACEHOLDER = re.compile(r"[<*]")


def _quoted() -> list[str]:
    return re.findall(r"`([^`\n]+)`", TEXT)


def test_files_and_folders_exist() -> None:
    paths = [
        variant
        for name in _quoted()
        if re.match(r"(components|pipelines|tests|docs)/[\w/.{},<>*:]+$", name) and not _PLACEHOLDER.search(name)
        for variant in _variants(name.split(":")[0])
    ]
    assert len(paths) > 20, "the pattern still finds them"
    assert [path for path in paths if not (ROOT / path).exists()] == []


def _variants(name: str) -> list[str]:
    choice = re.search(r"\{([\w,]+)\}", name)
    return [name.replace(choice[0], one) for one in choice[1].split(",")] if choice else [name]


def test_files_that_are_named_without_their_folder_are_of_all_stages() -> None:
    names = {"rejections.py", "archive.py", "errors.py", "training.py", "minibatches.py"}
    assert all(any(name in text for text in _quoted()) for name in names)
    assert [name for name in names if not (COMMON / name).exists()] == []


@pytest.mark.parametrize(
    "quoted",
    [
        ("telemetry.stage", telemetry.stage),
        ("files.whole", files.whole),
        ("threads.map_ahead", threads.map_ahead),
        ("model_folder.reading", model_folder.reading),
        ("fan_out", sharding.fan_out),
        ("checks.py", checks.require_one_of),
    ],
    ids=lambda quoted: quoted[0],
)
def test_functions_are_called_as_it_says(quoted: tuple[str, object]) -> None:
    assert any(quoted[0] in text for text in _quoted())
    assert callable(quoted[1])
