"""The platform engineer's page names commands, targets, options, folders and links that exist."""

import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
import typer
from rendered import MANIFESTS, ROOT

from pipelines.catalogue import EXERCISES
from pipelines.cli import app

PAGE = ROOT / "docs" / "platform.md"
TEXT = PAGE.read_text(encoding="utf-8")
LINES = [
    line.strip()
    for block in re.findall(r"```bash\n(.*?)```", TEXT, flags=re.DOTALL)
    for line in block.splitlines()
]


def parse(group: Any, words: list[str]) -> None:
    """Parse a command line as far down as it goes; runs nothing."""
    name, *rest = words
    if name not in group.commands and "create" in group.commands:
        name, rest = "create", words
    command = group.commands[name]
    if hasattr(command, "commands"):
        return parse(command, rest)
    exercise = command.make_context(name, list(rest)).params.get("exercise")
    assert exercise in {None, "", *(e.slug for e in EXERCISES)}
    return None


@pytest.mark.parametrize("line", [line for line in LINES if line.startswith("armillary ")])
def test_commands_are_understood(line: str) -> None:
    parse(typer.main.get_command(app), shlex.split(line)[1:])


def test_make_knows_the_targets() -> None:
    named = {
        *re.findall(r"`make\s+([a-z-]+)", TEXT),
        *(line.split()[1] for line in LINES if line.startswith("make ")),
    }
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert {"images", "kind-up", "kind-down", "manifests-check"} <= named
    assert named <= set(re.findall(r"^([a-z-]+):", makefile, flags=re.MULTILINE))


def test_paths_and_links_exist() -> None:
    links = re.findall(r"\]\((?!http|#)([^)#]+)\)", TEXT)
    named = re.findall(r"(?<![\w/.])((?:manifests|pipelines|images)/[\w/.-]+\w)", TEXT)
    assert links
    assert len(named) > 10
    assert [path for path in links if not (PAGE.parent / path).exists()] == []
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_sections_that_are_linked_exist() -> None:
    titles = {title.lower().replace(" ", "-") for title in re.findall(r"^#+ (.+)$", TEXT, flags=re.MULTILINE)}
    assert set(re.findall(r"\]\(#([^)]+)\)", TEXT)) <= titles


def test_blocks_apply_what_kustomize_knows() -> None:
    folders = [Path(words[words.index("-k") + 1]) for words in map(shlex.split, LINES) if "-k" in words]
    assert len(folders) >= 3
    assert [str(folder) for folder in folders if not (ROOT / folder / "kustomization.yaml").is_file()] == []


def test_blocks_are_bash() -> None:
    for block in re.findall(r"```bash\n(.*?)```", TEXT, flags=re.DOTALL):
        subprocess.run(["/bin/bash", "-n"], input=block, text=True, check=True)


def test_what_was_not_executed_is_said() -> None:
    assert re.search(r"have never been\s+applied", TEXT)
    assert (MANIFESTS / "README.md").is_file()
